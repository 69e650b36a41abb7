// The libraries that Chit is compared with. They are large and old, so they are installed here alone, on demand, without running
// their scripts.
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { say } from "../../scripts/lib/log.mjs";
import { inRoot } from "../../scripts/lib/paths.mjs";
import { run } from "../../scripts/lib/run.mjs";

const folder = inRoot("benches", "peers");

/** Installs what the committed lock file names, unless it is there. */
export async function installPeers() {
  const record = inRoot("benches", "peers", "node_modules", ".package-lock.json");
  const lock = inRoot("benches", "peers", "package-lock.json");
  if (existsSync(record) && statSync(record).mtimeMs >= statSync(lock).mtimeMs) return;
  say("installing the libraries to compare with");
  const flags = ["--ignore-scripts", "--workspaces=false", "--no-audit", "--no-fund", "--loglevel=error"];
  await run("npm", ["ci", ...flags], { cwd: folder, quiet: true });
}

/** Bundles the page's part of the comparison into benches/dist/peers/signatures.js. */
export async function bundlePeers() {
  const loader = fileURLToPath(new URL("../peers/tiny-loader.js", import.meta.url));
  await build({
    root: folder,
    configFile: false,
    logLevel: "error",
    plugins: [
      {
        name: "tiny-loader",
        enforce: "pre",
        resolveId: (source) => (source.endsWith("/wasm_loader.js") || source.endsWith("/wasm_loader.browser.js") ? loader : undefined),
      },
    ],
    build: {
      outDir: inRoot("benches", "dist", "peers"),
      emptyOutDir: true,
      target: "es2022",
      minify: false,
      rolldownOptions: {
        input: inRoot("benches", "peers", "signatures.js"),
        external: [/^\/bench\//],
        preserveEntrySignatures: "strict",
        output: { entryFileNames: "signatures.js" },
      },
    },
  });
}
