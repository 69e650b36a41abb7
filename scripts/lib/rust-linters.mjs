// rustfmt and clippy: rustup's minimal profile leaves them out, and Debian's compiler has a clippy package of its own.
import { aptInstall, aptNames, canApt } from "./apt.mjs";
import { say } from "./log.mjs";
import { capture, run, UserError, which } from "./run.mjs";
import { wasmCargo } from "./rust-wasm.mjs";

const works = (command, args, env) => capture(command, [...args, "--version"], { env }) !== undefined;

/** Makes `cargo fmt`, `cargo clippy` and, for the wasm compiler, its clippy work. */
export async function setupRustLinters() {
  const missing = ["fmt", "clippy"].filter((name) => !works("cargo", [name]));
  if (missing.length > 0) {
    if (!which("rustup")) throw new UserError(`cargo ${missing.join(" and cargo ")} are missing: install rustfmt and clippy`);
    say("adding rustfmt and clippy");
    await run("rustup", ["component", "add", "rustfmt", "clippy"], { quiet: true, timeout: 120_000 });
  }
  const { command, args, env, kind } = wasmCargo();
  if (works(command, [...args, "clippy"], env)) return;
  if (kind !== "debian" || !canApt()) throw new UserError(`${[command, ...args].join(" ")} clippy is missing`);
  say("installing Debian's clippy");
  await aptInstall(await aptNames("^rust-web-clippy$"));
}
