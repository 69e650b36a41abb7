import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "node:test";
import { pathToFileURL, fileURLToPath } from "node:url";
import { startProcess } from "./processes.mjs";

const folder = mkdtempSync(join(tmpdir(), "chit-processes-"));
test.after(() => rmSync(folder, { recursive: true, force: true }));

// A program that starts another one, says both numbers and then waits for ever.
const parent = `
  const child = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  console.log("pids", process.pid, child.pid);
  setInterval(() => {}, 1000);
`;
const ready = /pids (\d+) (\d+)/;

function alive(pid) {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch {
    return false;
  }
}

async function gone(pids) {
  for (let i = 0; i < 100 && pids.some(alive); i++) await sleep(50);
  return !pids.some(alive);
}

test("stopping a program ends what it started", async () => {
  const child = await startProcess("parent", process.execPath, ["-e", parent], { ready, log: join(folder, "stop.log") });
  const pids = child.match.slice(1);
  assert.ok(pids.every(alive));
  await child.stop();
  assert.ok(await gone(pids));
});

test("a program that ends before it is ready is reported with its last words", async () => {
  const failing = startProcess("failing", process.execPath, ["-e", "console.error('no luck'); process.exit(3)"], {
    ready: /never/,
    log: join(folder, "failing.log"),
  });
  await assert.rejects(failing, /exit code 3[^]*no luck/);
});

test("a program that is never ready is ended", async () => {
  const hanging = startProcess("hanging", process.execPath, ["-e", "setInterval(() => {}, 1000)"], {
    ready: /never/,
    log: join(folder, "hanging.log"),
    timeout: 300,
  });
  await assert.rejects(hanging, /did not start within/);
});

test("when the starter is killed, its programs end too", async () => {
  const library = pathToFileURL(join(fileURLToPath(new URL(".", import.meta.url)), "processes.mjs"));
  const script = join(folder, "starter.mjs");
  const options = `{ ready: ${ready}, log: ${JSON.stringify(join(folder, "kill.log"))} }`;
  writeFileSync(
    script,
    `import { startProcess } from ${JSON.stringify(library.href)};
     const child = await startProcess("parent", process.execPath, ["-e", ${JSON.stringify(parent)}], ${options});
     console.log(child.match[0]);`,
  );
  const starter = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(starter.stdout, "data");
  const pids = ready.exec(String(line)).slice(1);
  starter.kill("SIGKILL");
  assert.ok(await gone(pids));
});
