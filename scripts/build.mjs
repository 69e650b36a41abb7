// Builds what ships: the wasm, the npm package over it, the demo page over that. Parts whose inputs did not change are skipped.
// `--force` builds all of them again.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildWasm } from "./build-wasm.mjs";
import { fingerprint, isBuilt, markBuilt } from "./lib/fingerprint.mjs";
import { duration, say } from "./lib/log.mjs";
import { inRoot, wasmDir } from "./lib/paths.mjs";
import { main, run, UserError } from "./lib/run.mjs";
import { forBuilding, setup } from "./setup.mjs";

async function buildWorkspace(name, what, inputs, output, force) {
  if (!existsSync(inRoot(name, "package.json"))) throw new UserError(`${name}/ is missing: it holds ${what}`);
  const shared = ["package-lock.json", "tsconfig.base.json"].map((path) => inRoot(path));
  const print = fingerprint([inRoot(name), ...shared, ...inputs]);
  if (!force && isBuilt(name, print, [output])) return;
  say(`building ${what}`);
  const begun = Date.now();
  await run("npm", ["run", "build", "--workspace", name, "--loglevel=error"], { quiet: true });
  if (!existsSync(output)) throw new UserError(`the build of ${name}/ left no ${output}`);
  markBuilt(name, print);
  say(`built ${what} in ${duration(Date.now() - begun)}`);
}

/** The npm package, pkg/dist. Needs the wasm. */
export async function buildPackage({ force = false } = {}) {
  // Named one by one: the build adds a file of its own to that folder.
  const core = ["chit.js", "chit.d.ts", "chit_bg.wasm"].map((name) => join(wasmDir, name));
  await buildWorkspace("pkg", "the npm package", core, inRoot("pkg", "dist", "index.js"), force);
}

/** The demo page, www/dist. Needs the npm package. */
export async function buildPage({ force = false } = {}) {
  await buildWorkspace("www", "the demo page", [inRoot("pkg", "dist")], inRoot("www", "dist", "index.html"), force);
}

/** All three, in order. */
export async function buildAll(options) {
  await buildWasm(options);
  await buildPackage(options);
  await buildPage(options);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    await setup(forBuilding);
    await buildAll({ force: process.argv.includes("--force") });
  });
}
