// A Rust compiler that can build for wasm32-unknown-unknown: rustup's where its downloads are reachable, else Debian's.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { debianRustc, installDebianRust } from "./debian-rust.mjs";
import { canApt, isDebian } from "./apt.mjs";
import { say } from "./log.mjs";
import { capture, run, UserError, which } from "./run.mjs";
import { compareVersions, rustVersion } from "./manifest.mjs";

export const wasmTarget = "wasm32-unknown-unknown";
const linkerVariable = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER";
// Where only package registries can be reached, rustup hangs instead of failing.
const rustupLimit = 30_000;

/** The newest wasm-ld of the distribution, as a command name. */
function distributionLinker() {
  const names = readdirSync("/usr/bin").filter((name) => /^wasm-ld-\d+$/.test(name));
  return names.sort(compareVersions).at(-1) ?? (which("wasm-ld") && "wasm-ld");
}

/** Whether `rustc` turns a program that uses std into wasm: asks for the outcome, not for who installed what. */
export function compilesWasm(rustc, linker) {
  const folder = mkdtempSync(join(tmpdir(), "chit-probe-"));
  try {
    const source = join(folder, "probe.rs");
    writeFileSync(source, '#[unsafe(no_mangle)]\npub extern "C" fn probe() -> usize { std::env::args().count() }\n');
    const flags = ["--edition", "2024", "--crate-type", "cdylib", "--target", wasmTarget, "-o", join(folder, "probe.wasm")];
    if (linker) flags.push("-C", `linker=${linker}`);
    return capture(rustc, [...flags, source]) !== undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function defaultCargo() {
  return compilesWasm("rustc") ? { command: "cargo", args: [], env: {}, rustc: "rustc", kind: "default" } : undefined;
}

function debianCargo() {
  const rustc = debianRustc();
  const linker = rustc && distributionLinker();
  if (!linker || !compilesWasm(rustc, linker)) return undefined;
  const env = { [linkerVariable]: linker };
  if (!which("rustup")) return { command: "/usr/bin/cargo", args: [], env: { ...env, RUSTC: rustc }, rustc, kind: "debian" };
  if (capture("rustup", ["run", "debian", "rustc", "-V"]) === undefined) return undefined;
  return { command: "cargo", args: ["+debian"], env, rustc, kind: "debian" };
}

let chosen;

/**
 * How to call cargo for the wasm target: `spawn(command, [...args, "build", "--target", wasmTarget], {env})`.
 * `rustc` is the compiler that it calls; `kind` is "default" for the one on PATH, "debian" for the distribution's.
 */
export function wasmCargo() {
  chosen ??= defaultCargo() ?? debianCargo();
  if (!chosen) throw new UserError(`no compiler here builds for ${wasmTarget}: run npm run setup`);
  return chosen;
}

/** Makes `wasmCargo()` work. */
export async function setupRustWasm() {
  if (!which("cargo") || !which("rustc")) {
    throw new UserError("Rust is missing: install it with rustup (https://rustup.rs), then run this again");
  }
  const version = capture("rustc", ["--version"])?.split(" ")[1] ?? "0";
  if (compareVersions(version, rustVersion()) < 0) {
    throw new UserError(`rustc ${version} is older than ${rustVersion()}: run rustup update stable`);
  }
  chosen = defaultCargo() ?? debianCargo();
  if (chosen) return;
  if (which("rustup")) {
    say(`adding the Rust target ${wasmTarget}`);
    await run("rustup", ["target", "add", wasmTarget], { quiet: true, timeout: rustupLimit, allowFailure: true });
    chosen = defaultCargo();
    if (chosen) return;
  }
  if (!isDebian() || !canApt()) {
    throw new UserError(
      `the Rust target ${wasmTarget} is missing and could not be added. With a network: rustup target add ${wasmTarget}` +
        (isDebian() ? "; without one, run this as root (or with password-less sudo) to take Debian's compiler" : ""),
    );
  }
  await installDebianRust();
  chosen = debianCargo();
  if (!chosen) throw new UserError(`Debian's Rust was installed, but does not compile for ${wasmTarget}`);
}
