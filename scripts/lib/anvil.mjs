// The local chain node, which npm carries as one package per platform.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { isExecutable, UserError, which } from "./run.mjs";

const architectures = { x64: "amd64", arm64: "arm64" };

/**
 * Path of the anvil program. Takes the platform's package itself rather than the wrapper's `bin`, which relies on an
 * install script and adds a Node process between us and the one to be stopped.
 */
export function anvilPath() {
  const require = createRequire(import.meta.url);
  const name = `@foundry-rs/anvil-${process.platform}-${architectures[process.arch] ?? process.arch}`;
  try {
    const path = join(dirname(require.resolve(`${name}/package.json`)), "bin", process.platform === "win32" ? "anvil.exe" : "anvil");
    if (isExecutable(path)) return path;
  } catch {
    // No package for this platform: a Foundry that is installed will do.
  }
  const installed = which("anvil");
  if (installed) return installed;
  throw new UserError(`npm has no anvil for ${process.platform} ${process.arch} (${name}): install Foundry so that anvil is on PATH`);
}
