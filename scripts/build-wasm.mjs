// Builds the client for the browser: src/ -> pkg/dist/wasm/{chit.js, chit.d.ts, chit_bg.wasm}. Skipped when nothing changed.
//
// The bytes depend on the sources, Cargo.lock and the compiler, not on where the clone lies: anyone can build them again and
// compare. `--force` builds in any case.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { copyFileSync, mkdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { fingerprint, isBuilt, markBuilt } from "./lib/fingerprint.mjs";
import { duration, say } from "./lib/log.mjs";
import { inRoot, root, stateDir, wasmDir } from "./lib/paths.mjs";
import { capture, main, run, UserError } from "./lib/run.mjs";
import { shortenNames } from "./lib/short-names.mjs";
import { wasmCargo, wasmTarget } from "./lib/rust-wasm.mjs";
import { wasmBindgen } from "./lib/wasm-bindgen.mjs";

// What rustc's wasm target may use; every browser of the last four years has them.
const features = ["bulk-memory", "mutable-globals", "multivalue", "nontrapping-float-to-int", "reference-types", "sign-ext"];

const binaryen = () => dirname(createRequire(import.meta.url).resolve("binaryen/package.json"));

/**
 * Compiler flags that keep this machine's folders out of the bytes; flags that the caller set are kept. Our own sources need
 * none: cargo names them relative to the workspace.
 */
function rustFlags() {
  const { CARGO_ENCODED_RUSTFLAGS: encoded, RUSTFLAGS: plain, CARGO_HOME: cargoHome } = process.env;
  const theirs = encoded ? encoded.split("\u001f") : (plain ?? "").split(" ").filter(Boolean);
  return [...theirs, `--remap-path-prefix=${cargoHome ?? join(homedir(), ".cargo")}=/cargo`].join("\u001f");
}

/** Builds the library of a crate and returns the path of the wasm file that cargo names. */
function compile(crate) {
  const { command, args, env } = wasmCargo();
  const wanted = ["build", "--release", "--lib", "--package", crate, "--target", wasmTarget];
  const done = spawnSync(command, [...args, ...wanted, "--message-format=json-render-diagnostics"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env, CARGO_ENCODED_RUSTFLAGS: rustFlags() },
  });
  if (done.status !== 0) throw new UserError(`${crate} does not build for wasm`);
  for (const line of done.stdout.trim().split("\n").reverse()) {
    const message = JSON.parse(line);
    const wasm = message.target?.name === crate.replaceAll("-", "_") && message.filenames?.find((name) => name.endsWith(".wasm"));
    if (wasm) return wasm;
  }
  throw new UserError("cargo named no wasm file: is the library still a cdylib?");
}

// A large function inlined into its only caller costs more bytes than the call: its locals no longer fit one byte each, and
// what gzip knew as a repeated pattern is gone. Functions of like names are alike, so gzip packs them better side by side;
// and it packs an expression that is written twice better than the local that would keep its value.
const optimisations = [
  "-Oz",
  "--one-caller-inline-max-function-size=20",
  "--skip-pass=local-cse",
  "--converge",
  "--reorder-functions-by-name",
  "--strip-debug",
  "--strip-producers",
];

const wasmOpt = () => [process.execPath, join(binaryen(), "bin", "wasm-opt"), ...features.map((name) => `--enable-${name}`)];

async function optimise(from, to) {
  const [command, ...args] = wasmOpt();
  await run(command, [...args, from, "-o", to, ...optimisations]);
}

/**
 * Builds a crate, and leaves `NAME.js`, `NAME.d.ts` and `NAME_bg.wasm` in a folder.
 *
 * @param {{crate: string, name: string, inputs: string[], folder: string, force?: boolean}} what `inputs` are the
 *   crate's own files and folders, relative to the repository; nothing is built while they are those of the last build
 */
export async function buildCrate({ crate, name, inputs, folder, force = false }) {
  const outputs = [`${name}.js`, `${name}.d.ts`, `${name}_bg.wasm`].map((file) => join(folder, file));
  const [script, bindings, module] = outputs;
  const shared = ["src", "derive", "Cargo.toml", "Cargo.lock", join("scripts", "build-wasm.mjs"), join("scripts", "lib", "short-names.mjs")];
  const print = fingerprint([...shared, ...inputs].map((path) => inRoot(path)), [
    capture(wasmCargo().rustc, ["-vV"]),
    capture(wasmBindgen(), ["--version"]),
  ]);
  const record = crate === "chit-client" ? "wasm" : `wasm-${crate}`;
  if (!force && isBuilt(record, print, outputs)) return;

  say(`building ${crate} for wasm`);
  const begun = Date.now();
  const wasm = compile(crate);
  const work = join(stateDir, record);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  // Without a default path the module names no file, and bundlers emit no second copy of the wasm.
  await run(wasmBindgen(), [wasm, "--target", "web", "--out-dir", work, "--out-name", name, "--omit-default-module-path"]);
  const optimised = join(work, `${name}.opt.wasm`);
  await optimise(join(work, `${name}_bg.wasm`), optimised);
  shortenNames({ command: wasmOpt(), wasm: optimised, script: join(work, `${name}.js`), types: join(work, `${name}.d.ts`) });

  mkdirSync(folder, { recursive: true });
  copyFileSync(join(work, `${name}.js`), script);
  copyFileSync(join(work, `${name}.d.ts`), bindings);
  copyFileSync(optimised, module);
  markBuilt(record, print);
  say(`built ${crate} for wasm: ${statSync(optimised).size.toLocaleString("en")} bytes in ${duration(Date.now() - begun)}`);
}

/** Builds the client unless the inputs are those of the last build. */
export const buildWasm = (options) => buildCrate({ crate: "chit-client", name: "chit", inputs: [], folder: wasmDir, ...options });

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(() => buildWasm({ force: process.argv.includes("--force") }));
}
