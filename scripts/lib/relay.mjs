// The relay program: built from this repository, started on a port.
import { spawnSync } from "node:child_process";
import { root } from "./paths.mjs";
import { startProcess } from "./processes.mjs";
import { UserError } from "./run.mjs";

/**
 * Builds the relay (cargo skips what is built) and returns the program's path.
 *
 * @param {"release" | "dev"} profile "dev" is what `cargo test` builds anyway, with overflow checks on
 */
export function buildRelay(profile = "release") {
  const args = ["build", "--profile", profile, "--package", "chit-relay", "--bin", "chit-relay"];
  const done = spawnSync("cargo", [...args, "--message-format=json-render-diagnostics"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (done.status !== 0) throw new UserError("the relay does not build");
  const messages = done.stdout.trim().split("\n").map((line) => JSON.parse(line));
  const program = messages.findLast((message) => message.executable)?.executable;
  if (!program) throw new UserError("cargo named no relay program");
  return program;
}

/** Starts the relay and waits until it listens. */
export async function startRelay({ program, port, log, args = [], env = {} }) {
  const child = await startProcess("the relay", program, ["--listen", `127.0.0.1:${port}`, ...args], {
    ready: /listening on (ws:\/\/\S+)/,
    log,
    env,
  });
  return { ...child, url: child.match[1] };
}
