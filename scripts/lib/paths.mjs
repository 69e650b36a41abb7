// Where things are: the project's own folders, and the cache that outlives a clone.
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Absolute path of the repository. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A path inside the repository. */
export const inRoot = (...parts) => join(root, ...parts);

/** Logs and process records of a running stack; ignored by git. */
export const stateDir = inRoot(".chit");

/** Where `build-wasm` puts chit.js, chit.d.ts and chit_bg.wasm. */
export const wasmDir = inRoot("pkg", "dist", "wasm");

/**
 * Folder for tools that are slow to build (wasm-bindgen, the wasm standard library). It lies outside the clone so that
 * `git clean` and `cargo clean` do not cost minutes. `CHIT_CACHE` overrides it.
 */
export function cacheDir(env = process.env, platform = process.platform) {
  if (env.CHIT_CACHE) return env.CHIT_CACHE;
  if (platform === "win32") {
    return join(env.LOCALAPPDATA ?? join(homedir(), "AppData", "Local"), "chit");
  }
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, "chit");
  if (platform === "darwin") return join(homedir(), "Library", "Caches", "chit");
  return join(homedir(), ".cache", "chit");
}
