// Ending a program together with everything that it started.
import { spawnSync } from "node:child_process";

/** Signals the process group that `pid` leads; on Windows, where there are no groups, ends the tree. */
export function killTree(pid, signal) {
  if (process.platform === "win32") {
    spawnSync("taskkill", ["/pid", String(pid), "/t", "/f"], { stdio: "ignore" });
    return;
  }
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // Gone already.
    if (error.code !== "ESRCH") throw error;
  }
}
