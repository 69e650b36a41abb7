// The few facts that the scripts take from Cargo.toml, so that each is written down once.
import { readFileSync } from "node:fs";
import { inRoot } from "./paths.mjs";
import { UserError } from "./run.mjs";

function find(pattern, what) {
  const found = pattern.exec(readFileSync(inRoot("Cargo.toml"), "utf8"));
  if (!found) throw new UserError(`Cargo.toml names no ${what}`);
  return found[1];
}

/** The exact version of the wasm-bindgen crate; its command line tool must be the same. */
export const wasmBindgenVersion = () => find(/^wasm-bindgen\s*=\s*(?:\{[^}\n]*version\s*=\s*)?"=([^"]+)"/m, "exact wasm-bindgen version");

/** The oldest compiler that the workspace allows. */
export const rustVersion = () => find(/^rust-version\s*=\s*"([^"]+)"/m, "rust-version");

/** Compares dotted versions: negative when `a` is older than `b`. */
export function compareVersions(a, b) {
  const [left, right] = [a, b].map((text) => text.split(/[^0-9]+/).map(Number));
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] || 0) - (right[i] || 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
