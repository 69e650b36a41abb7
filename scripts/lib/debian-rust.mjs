// Debian's own Rust with a standard library for wasm, built from the sources that Debian ships. Used where rustup cannot
// download its target; needs root once, afterwards `cargo +debian` is an ordinary toolchain.
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { aptInstall, aptNames, asRoot, installedVersion } from "./apt.mjs";
import { say } from "./log.mjs";
import { compareVersions, rustVersion } from "./manifest.mjs";
import { cacheDir } from "./paths.mjs";
import { capture, run, UserError, which } from "./run.mjs";

const target = "wasm32-unknown-unknown";
const rustc = "/usr/bin/rustc";
const sysroot = `/usr/lib/rustlib/${target}/lib`;

/** Path of the distribution's compiler, or `undefined`. */
export const debianRustc = () => (existsSync(rustc) ? rustc : undefined);

const isStd = (name) => name.startsWith("lib") && name.endsWith(".rlib");

/**
 * Builds std for wasm into `folder` (about a minute and a half on two cores) with the installed Debian compiler.
 * The stub crate that cargo needs to have something to build is left out.
 */
export async function buildStd(folder) {
  const stub = `${folder}.build`;
  rmSync(stub, { recursive: true, force: true });
  mkdirSync(join(stub, "src"), { recursive: true });
  writeFileSync(join(stub, "src", "lib.rs"), "");
  writeFileSync(join(stub, "Cargo.toml"), '[package]\nname = "chit_std_stub"\nedition = "2021"\n\n[workspace]\n');
  await run("/usr/bin/cargo", ["build", "--release", "--target", target, "-Zbuild-std=std,panic_abort,proc_macro"], {
    cwd: stub,
    quiet: true,
    env: {
      RUSTC: rustc,
      RUSTC_BOOTSTRAP: "1",
      RUSTUP_TOOLCHAIN: undefined,
      CARGO_TARGET_DIR: join(stub, "target"),
      CARGO_ENCODED_RUSTFLAGS: ["--remap-path-prefix", `${process.env.CARGO_HOME ?? join(process.env.HOME ?? "", ".cargo")}=/cargo`].join("\u001f"),
    },
  });
  const deps = join(stub, "target", target, "release", "deps");
  const staged = `${folder}.part`;
  rmSync(staged, { recursive: true, force: true });
  mkdirSync(staged);
  for (const name of readdirSync(deps)) {
    if (isStd(name) && !name.startsWith("libchit_std_stub")) cpSync(join(deps, name), join(staged, name));
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(staged, folder);
  rmSync(stub, { recursive: true, force: true });
}

/** Puts a built std where the compiler looks, in place of an older compiler's: it fits only the one that built it. */
async function placeStd(folder) {
  await asRoot("mkdir", ["-p", sysroot]);
  const old = readdirSync(sysroot).filter(isStd).map((name) => join(sysroot, name));
  if (old.length > 0) await asRoot("rm", ["-f", ...old]);
  const fresh = readdirSync(folder).map((name) => join(folder, name));
  await asRoot("cp", [...fresh, sysroot]);
}

/** Installs everything; on return `cargo +debian` builds for wasm. */
export async function installDebianRust() {
  say("installing Debian's Rust (rustup's downloads are out of reach)");
  const linkers = (await aptNames("^lld-[0-9]+$")).sort(compareVersions);
  const optional = await aptNames("^rust-web-clippy$");
  if (linkers.length === 0) throw new UserError("Debian offers no package lld-N: the wasm linker is missing");
  await aptInstall(["rustc-web", "cargo-web", "rust-web-src", linkers.at(-1), ...optional]);
  const version = capture(rustc, ["--version"])?.split(" ")[1] ?? "0";
  if (compareVersions(version, rustVersion()) < 0) {
    throw new UserError(`Debian's rustc-web is ${version}, Chit needs ${rustVersion()}: add the security repository, or use rustup`);
  }
  // The package version, not the compiler's: a rebuilt package may carry a differing compiler under the same number.
  const folder = join(cacheDir(), `wasm-std-${(installedVersion("rustc-web") ?? version).replace(/[^\w.+~-]/g, "_")}`);
  if (!existsSync(folder)) {
    say(`building Rust's standard library for wasm with rustc ${version} (once, about two minutes)`);
    mkdirSync(cacheDir(), { recursive: true });
    await buildStd(folder);
  }
  await placeStd(folder);
  if (which("rustup")) await run("rustup", ["toolchain", "link", "debian", "/usr"], { quiet: true });
}
