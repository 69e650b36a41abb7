// Deciding whether a build may be skipped: a hash over its inputs, remembered beside its outputs' names.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { root, stateDir } from "./paths.mjs";

const skipped = new Set(["node_modules", "dist", "target", ".git"]);

function* files(path) {
  if (!existsSync(path)) return;
  if (!statSync(path).isDirectory()) return yield path;
  for (const name of readdirSync(path).sort()) if (!skipped.has(name)) yield* files(join(path, name));
}

/** Hash of the files (folders are walked, build outputs in them left out) and of any further facts. */
export function fingerprint(paths, facts = []) {
  const hash = createHash("sha256");
  for (const path of paths) {
    for (const file of files(path)) {
      hash.update(`${relative(root, file)}\0`).update(readFileSync(file)).update("\0");
    }
  }
  return hash.update(JSON.stringify(facts)).digest("hex");
}

const record = (name) => join(stateDir, "built", name);

/** Whether the build `name` ended with this fingerprint and all its outputs are still there. */
export function isBuilt(name, print, outputs) {
  return outputs.every(existsSync) && existsSync(record(name)) && readFileSync(record(name), "utf8") === print;
}

/** Remembers that the build `name` ended with this fingerprint. */
export function markBuilt(name, print) {
  mkdirSync(dirname(record(name)), { recursive: true });
  writeFileSync(record(name), print);
}
