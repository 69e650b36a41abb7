// Runs the client's wasm tests (the IndexedDB store and all that touches JavaScript) in a headless Chromium.
// wasm-bindgen's runner serves them as a page; we open it with the browser that the other tests use, so that no WebDriver
// program is needed whose version must follow the browser's. A word after the script's name runs only tests with it in their names.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { chromiumFlags, findChromium } from "./lib/browser.mjs";
import { root, stateDir } from "./lib/paths.mjs";
import { startProcess } from "./lib/processes.mjs";
import { main, UserError } from "./lib/run.mjs";
import { wasmCargo, wasmTarget } from "./lib/rust-wasm.mjs";
import { wasmBindgen } from "./lib/wasm-bindgen.mjs";

const limit = 10 * 60_000;
// The page prints each test's line and, at the end, this one.
const finished = /^test result: (\w+)\. .*/m;

/** Compiles the library's tests and returns the path of the wasm file. */
function compileTests() {
  const { command, args, env } = wasmCargo();
  const wanted = ["test", "--no-run", "--lib", "--package", "chit-client", "--target", wasmTarget];
  const done = spawnSync(command, [...args, ...wanted, "--message-format=json-render-diagnostics"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  if (done.status !== 0) throw new UserError("the wasm tests do not build");
  const messages = done.stdout.trim().split("\n").map((line) => JSON.parse(line));
  const program = messages.findLast((message) => message.executable)?.executable;
  if (!program) throw new UserError("cargo named no test program");
  return program;
}

/** Opens the page, prints what it prints, and returns the result line's match. */
async function watch(url) {
  const executablePath = findChromium();
  if (!executablePath) throw new UserError("no Chromium was found: run npm run setup");
  const browser = await chromium.launch({ executablePath, headless: true, args: chromiumFlags });
  try {
    const page = await browser.newPage();
    const problems = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("crash", () => problems.push("the page crashed"));
    await page.goto(url);
    const output = page.locator("#output");
    let printed = "";
    for (const end = Date.now() + limit; Date.now() < end; ) {
      const text = (await output.textContent()) ?? "";
      // The page replaces "Loading ..." by the first lines of the tests and then appends.
      process.stdout.write(text.startsWith(printed) ? text.slice(printed.length) : `\n${text}`);
      printed = text;
      const result = finished.exec(text);
      if (result) return result;
      // An error outside of any test stops the page without a result line.
      if (problems.length > 0) throw new UserError(`the test page failed:\n${problems.join("\n")}`);
      await page.waitForTimeout(100);
    }
    throw new UserError(`the wasm tests did not end within ${limit / 60_000} minutes`);
  } finally {
    await browser.close();
  }
}

await main(async () => {
  const program = compileTests();
  const runner = wasmBindgen("wasm-bindgen-test-runner");
  if (!runner) throw new UserError("wasm-bindgen-test-runner was not found: run npm run setup");
  const server = await startProcess("wasm-bindgen-test-runner", runner, [program, ...process.argv.slice(2)], {
    ready: /(http:\/\/127\.0\.0\.1:\d+)|no tests to run/,
    log: join(stateDir, "logs", "test-wasm.log"),
    env: { NO_HEADLESS: "1", WASM_BINDGEN_TEST_ADDRESS: "127.0.0.1:0", RUST_BACKTRACE: "0" },
    timeout: 120_000,
  });
  try {
    if (!server.match[1]) throw new UserError("the library has no wasm tests");
    const [, verdict] = await watch(server.match[1]);
    console.log();
    if (verdict !== "ok") throw new UserError("wasm tests failed");
  } finally {
    await server.stop();
  }
});
