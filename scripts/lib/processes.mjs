// Long-running programs of a stack: each in a process group of its own, its output in a log file, ended for certain.
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { killTree } from "./kill.mjs";
import { root } from "./paths.mjs";
import { UserError } from "./run.mjs";

const grace = 3000;
let reaper;

/** Tells the reaper; starts it first. Without it a `kill -9` of this process would leave a chain and a relay behind. */
function tellReaper(line) {
  if (!reaper) {
    const script = join(dirname(fileURLToPath(import.meta.url)), "reaper.mjs");
    reaper = spawn(process.execPath, [script], { stdio: ["pipe", "ignore", "ignore"], detached: true });
    reaper.on("error", () => {});
    reaper.stdin.on("error", () => {});
    reaper.unref();
    reaper.stdin.unref?.();
  }
  reaper.stdin.write(`${line}\n`);
}

const tail = (file) => readFileSync(file, "utf8").trimEnd().split("\n").slice(-15).join("\n");

/**
 * Starts a program and waits until a line of its output matches `ready`.
 *
 * @returns {Promise<{pid: number, match: RegExpExecArray, exited: Promise<string>, stop: () => Promise<void>}>} `exited` resolves
 *   to a description when the program ends, whether asked to or not
 */
export async function startProcess(name, command, args, { ready, log, env = {}, timeout = 30_000 }) {
  mkdirSync(dirname(log), { recursive: true });
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: process.platform !== "win32",
  });
  const file = createWriteStream(log, { flags: "a" });
  const exited = new Promise((resolve) => {
    child.once("error", (error) => resolve(`${name} cannot be started: ${error.message}`));
    child.once("exit", (code, signal) => resolve(`${name} ended (${signal ?? `exit code ${code}`})`));
  });
  if (child.pid !== undefined) tellReaper(`+${child.pid}`);
  void exited.then(() => child.pid !== undefined && tellReaper(`-${child.pid}`));

  async function stop() {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    killTree(child.pid, "SIGTERM");
    const timer = setTimeout(() => killTree(child.pid, "SIGKILL"), grace);
    await exited;
    clearTimeout(timer);
  }

  const match = await new Promise((resolve, reject) => {
    let seen = "";
    const timer = setTimeout(() => reject(new UserError(`${name} did not start within ${timeout / 1000} s; see ${log}`)), timeout);
    const listen = (chunk) => {
      file.write(chunk);
      if (seen === undefined) return;
      seen += chunk;
      const found = ready.exec(seen);
      if (!found) return;
      seen = undefined;
      clearTimeout(timer);
      resolve(found);
    };
    child.stdout?.on("data", listen);
    child.stderr?.on("data", listen);
    void exited.then((how) => {
      clearTimeout(timer);
      file.end(() => reject(new UserError(`${how}\n${tail(log)}`)));
    });
  }).catch(async (error) => {
    await stop();
    throw error;
  });
  return { pid: child.pid, match, exited, stop };
}
