// Compiles the contracts with solc-js and writes artifacts/{Name}.json: abi, bytecode, deployedBytecode.
// `--check` rebuilds and fails when a committed artifact differs. The output depends on nothing but the sources and the two
// pinned packages: no metadata hash, no paths, and one compilation per contract, so that no contract's bytecode changes because
// another one did.
import { readFileSync, readdirSync, mkdirSync, writeFileSync, existsSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const solc = require("solc");
const root = dirname(fileURLToPath(import.meta.url));
const openzeppelin = dirname(require.resolve("@openzeppelin/contracts/package.json"));

const contracts = ["Judge", "SecretRegistry", "EndpointRegistry", "TestToken"].map((name) => `src/${name}.sol`);
const helpers = readdirSync(join(root, "test"))
  .filter((name) => name.endsWith(".sol"))
  .sort()
  .map((name) => `test/${name}`);

const settings = {
  viaIR: true,
  optimizer: { enabled: true, runs: 1_000_000 },
  evmVersion: "cancun",
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
};

/** Finds an import: a package's file by its name, ours by its path from this folder. */
function findImport(path) {
  const prefix = "@openzeppelin/contracts/";
  const file = path.startsWith(prefix) ? join(openzeppelin, path.slice(prefix.length)) : join(root, path);
  return existsSync(file) ? { contents: readFileSync(file, "utf8") } : { error: `not found: ${path}` };
}

/** Compiles one file and returns the artifacts of the contracts it declares, by path under artifacts/. */
function compile(source) {
  const input = {
    language: "Solidity",
    sources: { [source]: { content: readFileSync(join(root, source), "utf8") } },
    settings,
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: findImport }));
  // Warnings about our own code fail the build; a dependency's are its own business.
  const problems = (output.errors ?? []).filter(
    (problem) => problem.severity === "error" || !problem.sourceLocation?.file.startsWith("@"),
  );
  if (problems.length > 0) throw new Error(problems.map((problem) => problem.formattedMessage).join("\n"));
  const folder = source.startsWith("test/") ? "test" : "";
  const artifacts = Object.entries(output.contracts[source])
    .filter(([, contract]) => contract.evm.bytecode.object !== "")
    .map(([name, { abi, evm }]) => {
      const artifact = {
        abi,
        bytecode: `0x${evm.bytecode.object}`,
        deployedBytecode: `0x${evm.deployedBytecode.object}`,
      };
      return [join(folder, `${name}.json`), `${JSON.stringify(artifact, null, 1)}\n`];
    });
  if (folder === "" && !artifacts.some(([path]) => path === `${basename(source, ".sol")}.json`)) {
    throw new Error(`${source} does not declare a contract of its own name`);
  }
  return artifacts;
}

const check = process.argv.includes("--check");
const stale = [];
for (const source of [...contracts, ...helpers]) {
  for (const [path, text] of compile(source)) {
    const file = join(root, "artifacts", path);
    if (check) {
      if (!existsSync(file) || readFileSync(file, "utf8") !== text) stale.push(path);
    } else {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }
}
if (stale.length > 0) {
  console.error(`Not what the sources compile to: ${stale.join(", ")}. Run: node contracts/build.mjs`);
  process.exit(1);
}
console.log(check ? "The contract artifacts match the sources." : "The contract artifacts are written.");
