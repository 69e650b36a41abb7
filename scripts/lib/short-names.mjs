// Gives what a wasm module and its JavaScript call each other by names of a letter or two. wasm-bindgen's names are long, end
// in hashes that do not compress, and are downloaded twice.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { UserError } from "./run.mjs";

// A name may hold a `$`, which means something in a replacement.
const put = (text, from, to) => text.replaceAll(from, () => to);

/**
 * Shortens the names in a module and everywhere in its glue.
 *
 * @param {{command: string[], wasm: string, script: string, types: string}} files `command` is wasm-opt with the features
 *   that it may use; the others are the module, its JavaScript and its TypeScript declarations, which are written anew
 */
export function shortenNames({ command: [tool, ...args], wasm, script, types }) {
  const done = spawnSync(tool, [...args, wasm, "-o", wasm, "--minify-imports-and-exports-and-modules"], { encoding: "utf8" });
  if (done.status !== 0) throw new UserError(`wasm-opt cannot shorten names: ${done.stderr}`);
  const { imports, exports } = JSON.parse(done.stdout);
  let [glue, declared] = [script, types].map((file) => readFileSync(file, "utf8"));
  const module = /^ {8}"(\.\/\w+_bg\.js)": import0,$/mu.exec(glue)?.[1];
  for (const [from, name, short] of imports) {
    const before = glue;
    glue = put(glue, `        ${name}: function(`, `        ${short}: function(`);
    if (from !== module || glue === before) throw new UserError(`wasm-bindgen's glue has no import ${name} in its known form`);
  }
  // wasm-opt names the only module by the first letter.
  glue = put(glue, `"${module}": import0`, `a: import0`);
  for (const [name, short] of exports) {
    glue = glue.replaceAll(new RegExp(`\\bwasm\\.${name}\\b`, "gu"), () => `wasm.${short}`);
    declared = put(declared, `    readonly ${name}: `, `    readonly ${short}: `);
  }
  writeFileSync(script, glue);
  writeFileSync(types, declared);
}
