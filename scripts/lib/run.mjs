// Starting other programs: run one to its end, capture what it says, look one up on PATH.
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { root } from "./paths.mjs";

/** A failure whose message is meant for the person at the terminal: printed without a stack. */
export class UserError extends Error {
  name = "UserError";
}

const windows = process.platform === "win32";

/** npm and npx are batch files on Windows, which Node starts only through a shell. */
const needsShell = (command) => windows && /^(npm|npx)$/.test(command);

/**
 * Runs a program and waits for it. Output goes to the terminal; with `tee` it is also handed over chunk by chunk, with
 * `quiet` it is held back and shown only when the program fails.
 *
 * @returns {Promise<number>} the exit code when `allowFailure` is set; otherwise 0, or a UserError is thrown
 */
export function run(command, args = [], options = {}) {
  const { cwd = root, env = {}, quiet = false, tee, timeout, allowFailure = false } = options;
  const piped = quiet || tee !== undefined;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      shell: needsShell(command),
      stdio: ["ignore", piped ? "pipe" : "inherit", piped ? "pipe" : "inherit"],
      timeout,
      killSignal: "SIGKILL",
    });
    const held = [];
    const take = (stream) => (chunk) => {
      if (quiet) held.push(chunk);
      else stream.write(chunk);
      tee?.(chunk.toString());
    };
    child.stdout?.on("data", take(process.stdout));
    child.stderr?.on("data", take(process.stderr));
    child.on("error", (error) => {
      if (allowFailure) resolve(127);
      else reject(new UserError(`cannot start ${command}: ${error.message}`));
    });
    child.on("close", (code, signal) => {
      if (code === 0 || allowFailure) return resolve(code ?? 1);
      if (quiet) process.stderr.write(Buffer.concat(held));
      const how = signal ? `was ended by ${signal}` : `failed with exit code ${code}`;
      reject(new UserError(`${[command, ...args].join(" ")} ${how}`));
    });
  });
}

/** Standard output of a short program, trimmed; `undefined` when it is missing or fails. */
export function capture(command, args = [], options = {}) {
  const done = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    shell: needsShell(command),
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 64 * 1024 * 1024,
    ...options,
    env: { ...process.env, ...options.env },
  });
  return done.status === 0 ? done.stdout.trim() : undefined;
}

/** Whether `path` is a file that may be executed. */
export function isExecutable(path) {
  try {
    accessSync(path, windows ? constants.F_OK : constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Full path of a program on PATH, or `undefined`. */
export function which(name) {
  const endings = windows ? (process.env.PATHEXT ?? ".EXE;.CMD;.BAT").split(";") : [""];
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    if (!folder) continue;
    for (const ending of endings) {
      const candidate = join(folder, name + ending);
      if (isExecutable(candidate)) return candidate;
    }
  }
  return undefined;
}

/** Runs a script's main function; a UserError ends the process with its message alone, anything else with a stack. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    console.error(error instanceof UserError ? `\nerror: ${error.message}` : error);
    process.exitCode = 1;
  }
}
