// The wasm-bindgen command line tool, in exactly the version of the crate, compiled from the crates registry.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { note, say } from "./log.mjs";
import { wasmBindgenVersion } from "./manifest.mjs";
import { cacheDir } from "./paths.mjs";
import { capture, run, which } from "./run.mjs";

const exe = process.platform === "win32" ? ".exe" : "";
const folder = () => join(cacheDir(), `wasm-bindgen-${wasmBindgenVersion()}`);

const matches = (path) => path !== undefined && capture(path, ["--version"])?.split(" ")[1] === wasmBindgenVersion();

/** Path of a tool of the wasm-bindgen family: `wasm-bindgen` or `wasm-bindgen-test-runner`. */
export function wasmBindgen(tool = "wasm-bindgen") {
  const cached = join(folder(), "bin", tool + exe);
  if (matches(join(folder(), "bin", `wasm-bindgen${exe}`))) return cached;
  return matches(which("wasm-bindgen")) && which(tool) ? which(tool) : undefined;
}

/** Makes `wasmBindgen()` work. */
export async function setupWasmBindgen() {
  if (wasmBindgen() && wasmBindgen("wasm-bindgen-test-runner")) return;
  const version = wasmBindgenVersion();
  say(`compiling wasm-bindgen ${version} (once, some minutes)`);
  // TLS is only for drivers that are reached over the network. Little optimisation: the tool runs for a second or two.
  const flags = ["--no-default-features", "--root", folder(), "--version", `=${version}`, "--bin", "wasm-bindgen", "--bin", "wasm-bindgen-test-runner"];
  const env = { CARGO_PROFILE_RELEASE_OPT_LEVEL: "1", CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "16" };
  mkdirSync(folder(), { recursive: true });
  const install = (...more) => run("cargo", ["install", ...more, ...flags, "wasm-bindgen-cli"], { quiet: true, env });
  try {
    await install("--locked");
  } catch {
    // Its lock file may name a release that was withdrawn since, or that a registry mirror does not have yet.
    note("wasm-bindgen's own lock file cannot be followed here; taking the newest versions that fit");
    await install();
  }
}
