// What `npm test` runs, in order: quick and telling checks first, the browser last.
import { existsSync, readdirSync } from "node:fs";
import { inRoot, root } from "./paths.mjs";
import { UserError } from "./run.mjs";
import { wasmCargo, wasmTarget } from "./rust-wasm.mjs";

/** Our own test files, named one by one: what `node --test` makes of a folder differs between Node's versions. */
const testFiles = (...folders) =>
  folders
    .flatMap((folder) => readdirSync(inRoot(folder), { recursive: true }).map((name) => inRoot(folder, name)))
    .filter((name) => name.endsWith(".test.mjs"))
    .sort();

const nodeTests = (run, ...folders) => node(run, "--test", "--test-reporter=spec", ...testFiles(...folders));

function need(folder) {
  if (!existsSync(inRoot(folder, "package.json"))) throw new UserError(`${folder}/ is missing`);
}

const npmScript = async (run, folder, script = "test") => {
  need(folder);
  await run("npm", ["run", script, "--workspace", folder, "--loglevel=error"]);
};

const node = (run, ...args) => run(process.execPath, args);

const denyWarnings = ["--", "-D", "warnings"];

/**
 * `body` gets a function `run(command, args, options)` that runs a program and fails when it fails; `counts` says that the step
 * must report tests.
 *
 * @type {{name: string, what: string, counts?: boolean, body: (run: (command: string, args: string[], options?: object) => Promise<number>) => Promise<unknown>}[]}
 */
export const steps = [
  {
    name: "setup",
    what: "tools and packages",
    body: async () => {
      const { setup, forTesting } = await import("../setup.mjs");
      await setup(forTesting);
    },
  },
  { name: "rustfmt", what: "Rust formatting", body: (run) => run("cargo", ["fmt", "--all", "--check"]) },
  {
    name: "clippy",
    what: "Rust lints",
    body: (run) => run("cargo", ["clippy", "--workspace", "--all-targets", "--locked", ...denyWarnings]),
  },
  {
    name: "clippy-wasm",
    what: "Rust lints of the browser's code",
    body: async (run) => {
      const { command, args, env } = wasmCargo();
      const wanted = ["clippy", "--package", "chit-client", "--package", "chit-bench", "--lib", "--tests", "--locked", "--target", wasmTarget];
      await run(command, [...args, ...wanted, ...denyWarnings], { env });
    },
  },
  {
    name: "contracts",
    what: "committed artifacts are what the sources compile to",
    body: async (run) => {
      need("contracts");
      await node(run, inRoot("contracts", "build.mjs"), "--check");
    },
  },
  { name: "rust", what: "Rust tests", counts: true, body: (run) => run("cargo", ["test", "--workspace", "--locked"]) },
  { name: "scripts", what: "tests of these scripts", counts: true, body: (run) => nodeTests(run, "scripts", "benches/lib") },
  { name: "vectors", what: "golden vectors, computed again by viem", counts: true, body: (run) => nodeTests(run, "tests/vectors") },
  { name: "wasm", what: "wasm tests in Chromium", counts: true, body: (run) => node(run, inRoot("scripts", "test-wasm.mjs")) },
  { name: "build", what: "wasm, npm package, demo page", body: (run) => node(run, inRoot("scripts", "build.mjs")) },
  { name: "eslint", what: "TypeScript and JavaScript lints", body: (run) => npmTool(run, "eslint", "eslint", ["."]) },
  { name: "types", what: "TypeScript types", body: checkTypes },
  { name: "pkg", what: "tests of the npm package", counts: true, body: (run) => npmScript(run, "pkg") },
  { name: "package", what: "the package as others will find it", body: (run) => npmScript(run, "pkg", "check:package") },
  { name: "size", what: "wasm and JavaScript size", counts: true, body: (run) => node(run, inRoot("scripts", "size.mjs")) },
  { name: "start", what: "npm start serves the demo", body: (run) => node(run, inRoot("scripts", "start.mjs"), "--once-check") },
  { name: "browser", what: "two people in Chromium, on a real chain and relay", counts: true, body: (run) => npmScript(run, "tests") },
];

async function npmTool(run, name, program, args) {
  const { createRequire } = await import("node:module");
  const require = createRequire(inRoot("package.json"));
  const { bin } = require(`${name}/package.json`);
  const file = typeof bin === "string" ? bin : bin[program];
  await node(run, require.resolve(`${name}/package.json`).replace(/package\.json$/, file), ...args);
}

/** Every workspace that has a tsconfig.json; the package and the page are also built by it. */
async function checkTypes(run) {
  for (const folder of ["pkg", "www", "tests", "benches"]) {
    if (existsSync(inRoot(folder, "tsconfig.json"))) await npmTool(run, "typescript", "tsc", ["--noEmit", "--project", `${root}/${folder}`]);
  }
}
