// Brings a machine that has only Rust and Node.js to where Chit builds and its tests run. Does nothing, and says nothing,
// when all is there. `node scripts/setup.mjs` runs every part; other scripts call `setup()` for the parts they need.
import { pathToFileURL } from "node:url";
import { anvilPath } from "./lib/anvil.mjs";
import { setupBrowser } from "./lib/browser.mjs";
import { withLock } from "./lib/lock.mjs";
import { say } from "./lib/log.mjs";
import { setupPackages } from "./lib/npm.mjs";
import { main, UserError } from "./lib/run.mjs";
import { setupRustLinters } from "./lib/rust-linters.mjs";
import { setupRustWasm } from "./lib/rust-wasm.mjs";
import { setupWasmBindgen } from "./lib/wasm-bindgen.mjs";

const parts = {
  packages: setupPackages,
  chain: anvilPath,
  rust: setupRustWasm,
  bindgen: setupWasmBindgen,
  linters: setupRustLinters,
  browser: setupBrowser,
};

/** What building and running the demo needs. */
export const forBuilding = ["packages", "chain", "rust", "bindgen"];

/** All parts. */
export const forTesting = Object.keys(parts);

/** Runs the named parts in order. */
export async function setup(names = forTesting) {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) throw new UserError(`Node.js ${process.versions.node} is too old: Chit needs 20.19 or newer`);
  await withLock("setup", async () => {
    for (const name of names) await parts[name]();
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    await setup();
    say("everything is set up");
  });
}
