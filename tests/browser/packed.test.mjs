// The package as a stranger gets it: packed, installed into a fresh project, built with Vite, and paid with. The program of
// that project is the README's example, so that what the README shows is what works.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build, createServer, preview } from "vite";
import { capture } from "../../scripts/lib/run.mjs";
import { contentSecurityPolicy } from "./server.mjs";
import { leave, world } from "./support.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const npm = (cwd, ...args) => {
  const said = capture("npm", args, { cwd });
  assert.notEqual(said, undefined, `npm ${args[0]} works`);
  return said;
};

let here;
let project;
before(async () => {
  here = await world();
  project = mkdtempSync(join(tmpdir(), "chit-packed-"));
  const [{ filename }] = JSON.parse(npm(join(root, "pkg"), "pack", "--json", "--ignore-scripts", "--pack-destination", project));
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "fresh", private: true, type: "module" }));
  // Its one dependency, for QR codes, is in the cache of npm where its own page of the registry may not be.
  npm(project, "install", `./${filename}`, "--prefer-offline", "--no-audit", "--no-fund");
  writeFileSync(join(project, "index.html"), '<!doctype html><title>Fresh</title><link rel="icon" href="data:," /><script type="module" src="/src/main.ts"></script>');
  mkdirSync(join(project, "src"));
});
after(async () => {
  await here?.close();
  if (project) rmSync(project, { recursive: true, force: true });
});

/** The README's program with this stack's addresses in their places. */
function example(partner) {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block]) => block);
  assert.equal(blocks.length, 1, "the README has one program");
  const { chainId, judge, fromBlock, relayUrl, token } = here.stack.deployment;
  let program = blocks[0];
  const put = (name, from, to) => {
    const found = program.split(from).length - 1;
    assert.equal(found, 1, `the program has one ${name}`);
    program = program.replace(from, to);
  };
  put("chain", "chainId: 31337", `chainId: ${chainId}`);
  put("Judge", 'judge: "0x…"', `judge: "${judge}"`);
  put("first block", "fromBlock: 0n", `fromBlock: ${fromBlock}n`);
  put("relay", '"wss://relay.example/v1"', `"${relayUrl}"`);
  put("partner", 'partner: "0x…"', `partner: "${partner}"`);
  put("token", 'token: "0x…"', `token: "${token.address}"`);
  assert.doesNotMatch(program, /…/, "nothing is left to fill in");
  assert.ok(program.trim().split("\n").length <= 22, "the program is short");
  return program;
}

/** A wallet as an extension would inject it, for an unlocked account of the local chain. */
function injected([rpcUrl, account]) {
  let id = 0;
  const provider = {
    async request({ method, params = [] }) {
      if (method === "eth_requestAccounts" || method === "eth_accounts") return [account];
      if (method.startsWith("wallet_")) throw Object.assign(new Error("not supported"), { code: 4200 });
      if (method === "eth_sendTransaction" || method.startsWith("eth_sign")) window.prompts = (window.prompts ?? 0) + 1;
      const body = JSON.stringify({ jsonrpc: "2.0", id: (id += 1), method, params });
      const { result, error } = await (await fetch(rpcUrl, { method: "POST", headers: { "content-type": "application/json" }, body })).json();
      if (error) throw Object.assign(new Error(error.message), error);
      return result;
    },
  };
  const detail = Object.freeze({ info: Object.freeze({ uuid: crypto.randomUUID(), name: "Injected", icon: "", rdns: "example.wallet" }), provider });
  const announce = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
}

/** Opens the project's page as a person with a wallet, and waits for what its program says. */
async function run(url, partner) {
  const payer = here.accounts[here.fresh()];
  const context = await here.browser.newContext();
  await context.addInitScript(injected, [here.stack.deployment.rpcUrl, payer]);
  const page = await context.newPage();
  const failures = [];
  page.on("pageerror", (error) => failures.push(error.message));
  page.on("console", (message) => message.type() === "error" && failures.push(message.text()));
  const said = page.waitForEvent("console", { predicate: (message) => message.text() === "settled", timeout: 60_000 });
  await page.goto(url);
  await said.catch((error) => assert.fail(`the program did not say that it has paid: ${failures.join("; ") || error.message}`));
  const [channel] = (await partner.call("channels")).ok;
  assert.equal(channel.partner.toLowerCase(), payer.toLowerCase());
  const view = await partner.until(channel.id, (channel) => channel.theirs.transferred === 25n, "the payment is stored by the payee");
  assert.equal(view.theirs.deposited, 100_000n);
  const [payment] = (await partner.call("payments", { channel: channel.id })).ok;
  assert.equal(payment.memo, "coffee");
  assert.deepEqual(failures, []);
  await context.close();
}

/** Somebody who waits to be paid, and the program that pays. */
async function prepare() {
  const partner = await here.person(here.fresh());
  await partner.authorize();
  writeFileSync(join(project, "src", "main.ts"), example(partner.account));
  return partner;
}

const common = () => ({ root: project, configFile: false, logLevel: "error" });

test("the README's program, built by Vite from the packed package, opens a channel and pays", async () => {
  const partner = await prepare();
  await build({ ...common(), build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } } });
  const assets = readdirSync(join(project, "dist", "assets"));
  assert.equal(assets.filter((name) => name.endsWith(".wasm")).length, 1, `one wasm file among ${assets}`);
  const server = await preview({ ...common(), preview: { host: "127.0.0.1", port: 0, headers: { "content-security-policy": contentSecurityPolicy } } });
  await run(server.resolvedUrls.local[0], partner);
  await server.close();
  await leave(partner);
});

test("the same program pays from Vite's development server", async () => {
  const partner = await prepare();
  const server = await createServer({ ...common(), server: { host: "127.0.0.1", port: 0 } });
  await server.listen();
  await run(server.resolvedUrls.local[0], partner);
  await server.close();
  await leave(partner);
});

test("the installed package is found by Node too, for rendering on servers", () => {
  const program = 'import("@chit/client").then(async (chit) => console.log((await chit.discoverWallets()).length, typeof chit.createChannelClient))';
  const said = execFileSync(process.execPath, ["--input-type=module", "--eval", program], { cwd: project, encoding: "utf8" });
  assert.equal(said.trim(), "0 function");
});
