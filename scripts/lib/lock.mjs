// One setup at a time on a machine: `npm start` and `npm test` begun together must not build the same tool twice.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { note } from "./log.mjs";
import { cacheDir } from "./paths.mjs";

function ownerAlive(file) {
  try {
    process.kill(Number(readFileSync(file, "utf8")), 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Runs `body` while holding the machine-wide lock `name`; a lock whose owner died is taken over. */
export async function withLock(name, body) {
  const folder = cacheDir();
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.lock`);
  for (let waited = false; ; waited = true) {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (!ownerAlive(file)) {
      rmSync(file, { force: true });
      continue;
    }
    if (!waited) note(`waiting for another setup on this machine (${file})`);
    await sleep(500);
  }
  try {
    return await body();
  } finally {
    rmSync(file, { force: true });
  }
}
