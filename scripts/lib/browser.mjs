// The Chromium that tests and benchmarks drive: the machine's own where there is one, Debian's package otherwise.
import { homedir } from "node:os";
import { join } from "node:path";
import { aptInstall, canApt, isDebian } from "./apt.mjs";
import { say } from "./log.mjs";
import { capture, isExecutable, UserError, which } from "./run.mjs";

/** Flags that keep a test browser off the network and awake; `--no-sandbox` only where Chromium itself insists on it. */
export const chromiumFlags = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
  ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
];

function candidates() {
  if (process.platform === "darwin") {
    const bundles = ["Google Chrome", "Chromium", "Microsoft Edge"];
    return ["/Applications", join(homedir(), "Applications")].flatMap((folder) =>
      bundles.map((name) => join(folder, `${name}.app`, "Contents", "MacOS", name)),
    );
  }
  if (process.platform === "win32") {
    const { ProgramFiles, "ProgramFiles(x86)": programs86, LOCALAPPDATA } = process.env;
    return [ProgramFiles, programs86, LOCALAPPDATA].filter(Boolean).flatMap((folder) => [
      join(folder, "Google", "Chrome", "Application", "chrome.exe"),
      join(folder, "Chromium", "Application", "chrome.exe"),
      join(folder, "Microsoft", "Edge", "Application", "msedge.exe"),
    ]);
  }
  const names = ["chromium", "google-chrome-stable", "google-chrome", "chromium-browser", "microsoft-edge-stable", "microsoft-edge"];
  return [...names.map(which).filter(Boolean), "/snap/bin/chromium"];
}

/** On Ubuntu `chromium-browser` may be a stub that only asks for a snap; on Windows `--version` would open a window. */
const starts = (path) => process.platform === "win32" || capture(path, ["--version"], { timeout: 20_000 }) !== undefined;

let found;

/** Path of a Chromium-like browser: `CHIT_CHROMIUM` if set, else the first installed one; `undefined` if there is none. */
export function findChromium() {
  const asked = process.env.CHIT_CHROMIUM;
  if (asked) {
    if (!isExecutable(asked)) throw new UserError(`CHIT_CHROMIUM is set to ${asked}, which is not a program`);
    return asked;
  }
  found ??= candidates().find((path) => isExecutable(path) && starts(path));
  return found;
}

/** Makes `findChromium()` work. */
export async function setupBrowser() {
  if (findChromium()) return;
  if (isDebian() && canApt()) {
    say("installing Chromium");
    await aptInstall(["chromium"]);
    if (findChromium()) return;
  }
  throw new UserError(
    "no Chromium, Chrome or Edge was found: install one, or set CHIT_CHROMIUM to its program file" +
      (isDebian() ? " (as root: apt-get install chromium)" : ""),
  );
}
