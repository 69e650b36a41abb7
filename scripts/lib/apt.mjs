// Debian and its relatives: install packages without asking, when this account may.
import { existsSync } from "node:fs";
import { capture, run, which } from "./run.mjs";

let updated = false;

/** The words that put a command in front of root's rights, or `undefined` when this account has none. */
function privilege() {
  if (process.getuid?.() === 0) return [];
  return which("sudo") && capture("sudo", ["-n", "true"]) !== undefined ? ["sudo", "-n"] : undefined;
}

/** Whether apt-get is here and may be used without a password. */
export const canApt = () => which("apt-get") !== undefined && privilege() !== undefined;

/** Runs a command as root; only after `canApt()` said yes. */
export async function asRoot(command, args, options) {
  const [first, ...rest] = [...privilege(), command, ...args];
  await run(first, rest, options);
}

async function refresh() {
  if (updated) return;
  await asRoot("apt-get", ["-q", "update"], { quiet: true });
  updated = true;
}

/** Installs or upgrades packages; throws with apt's own words when it fails. */
export async function aptInstall(packages) {
  await refresh();
  await asRoot(
    "env",
    ["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "install", "-y", "--no-install-recommends", ...packages],
    { quiet: true },
  );
}

/** Names of the known packages that match a regular expression. */
export async function aptNames(pattern) {
  await refresh();
  const found = capture("apt-cache", ["--names-only", "search", pattern]) ?? "";
  return found.split("\n").map((line) => line.split(" ")[0]).filter(Boolean);
}

/** Version of an installed package, or `undefined`. */
export function installedVersion(name) {
  const answer = capture("dpkg-query", ["-W", "-f=${db:Status-Status} ${Version}", name]);
  const [status, version] = (answer ?? "").split(" ");
  return status === "installed" ? version : undefined;
}

/** Whether this is a Debian-like system at all. */
export const isDebian = () => existsSync("/etc/debian_version");
