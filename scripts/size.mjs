// How much a page loads for Chit: bundles an application that uses the whole package as a dApp's own build would, and adds up
// wasm and JavaScript. Fails above the limit, so that nobody grows it without noticing.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "vite";
import { inRoot } from "./lib/paths.mjs";
import { main, UserError } from "./lib/run.mjs";

/**
 * Bytes of wasm and JavaScript together, gzipped. Channels alone were held to 300 KB; payments through the network (locks, claims,
 * the graph, path finding, requests) came on top in the same file. The goal is to be below 300 KB again.
 */
const limit = 470 * 1024;

const brotli = (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });

/** Builds the application and returns the size of each of its files. */
async function files() {
  // Inside the clone, so that the package is found as a workspace.
  const folder = inRoot("www", "node_modules", ".chit-size");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const entry = join(folder, "app.js");
  writeFileSync(entry, 'import * as chit from "@chit/client";\nglobalThis.chit = chit;\n');
  await build({
    root: folder,
    configFile: false,
    logLevel: "error",
    build: { outDir: "out", assetsInlineLimit: 0, modulePreload: false, target: "es2022", rolldownOptions: { input: entry } },
  });
  const assets = join(folder, "out", "assets");
  // The inlined copy is fetched only where the wasm file itself was lost.
  const shipped = readdirSync(assets).filter((name) => !name.startsWith("chit_inline"));
  const sizes = shipped.map((name) => {
    const bytes = readFileSync(join(assets, name));
    return { kind: extname(name).slice(1), raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotli(bytes).length };
  });
  rmSync(folder, { recursive: true, force: true });
  return sizes;
}

const add = (sizes) =>
  sizes.reduce((sum, { raw, gzip, brotli }) => ({ raw: sum.raw + raw, gzip: sum.gzip + gzip, brotli: sum.brotli + brotli }), {
    raw: 0,
    gzip: 0,
    brotli: 0,
  });

/** Raw, gzipped and brotli bytes of the wasm, of the JavaScript, and of both together. */
export async function measure() {
  const counted = (await files()).filter(({ kind }) => kind === "wasm" || kind === "js");
  const of = (wanted) => add(counted.filter(({ kind }) => kind === wanted));
  const sizes = { wasm: of("wasm"), js: of("js"), together: add(counted) };
  if (sizes.wasm.raw === 0) throw new UserError("the bundle holds no wasm: the package no longer brings its own");
  return sizes;
}

async function check() {
  const rows = await measure();
  const cell = (bytes) => `${(bytes / 1024).toFixed(1)} KB`.padStart(11);
  console.log(`${"".padEnd(10)}${["raw", "gzip", "brotli"].map((name) => name.padStart(11)).join("")}`);
  for (const [name, { raw, gzip, brotli }] of Object.entries(rows)) console.log(name.padEnd(10) + [raw, gzip, brotli].map(cell).join(""));
  const good = rows.together.gzip <= limit;
  console.log(`limit: ${limit / 1024} KB gzip\nsize: ${good ? "1 passed, 0" : "0 passed, 1"} failed`);
  if (!good) throw new UserError("the package is larger than its limit");
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(check);
