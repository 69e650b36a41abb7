// The relay program: built from this repository, started on a port.
import { buildProgram } from "./cargo.mjs";
import { startProcess } from "./processes.mjs";

/**
 * Builds the relay (cargo skips what is built) and returns the program's path.
 *
 * @param {"release" | "dev"} profile "dev" is what `cargo test` builds anyway, with overflow checks on
 */
export const buildRelay = (profile = "release") => buildProgram("chit-relay", profile);

/** Starts the relay and waits until it listens. */
export async function startRelay({ program, port, log, args = [], env = {} }) {
  const child = await startProcess("the relay", program, ["--listen", `127.0.0.1:${port}`, ...args], {
    ready: /listening on (ws:\/\/\S+)/,
    log,
    env,
  });
  return { ...child, url: child.match[1] };
}
