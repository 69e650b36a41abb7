// Programs of this repository, built by cargo, which skips what is built.
import { spawnSync } from "node:child_process";
import { root } from "./paths.mjs";
import { UserError } from "./run.mjs";

/** Builds a crate's program of the same name and returns its path. */
export function buildProgram(name, profile = "release") {
  const args = ["build", "--profile", profile, "--package", name, "--bin", name];
  const done = spawnSync("cargo", [...args, "--message-format=json-render-diagnostics"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (done.status !== 0) throw new UserError(`${name} does not build`);
  const messages = done.stdout.trim().split("\n").map((line) => JSON.parse(line));
  const program = messages.findLast((message) => message.executable)?.executable;
  if (!program) throw new UserError(`cargo named no program ${name}`);
  return program;
}
