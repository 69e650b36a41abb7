// The npm packages of the root and its workspaces.
import { existsSync, statSync } from "node:fs";
import { say } from "./log.mjs";
import { inRoot } from "./paths.mjs";
import { run } from "./run.mjs";

// npm writes its record of what is installed and the lock file within the same second or two, in either order.
const slack = 10_000;

/** Whether node_modules is at least as new as the lock file. */
export function packagesCurrent() {
  const record = inRoot("node_modules", ".package-lock.json");
  const lock = inRoot("package-lock.json");
  if (!existsSync(record)) return false;
  return !existsSync(lock) || statSync(record).mtimeMs + slack >= statSync(lock).mtimeMs;
}

/** Installs the npm packages when they are missing or older than the lock file. */
export async function setupPackages() {
  if (packagesCurrent()) return;
  say("installing npm packages");
  const verb = existsSync(inRoot("package-lock.json")) ? "ci" : "install";
  await run("npm", [verb, "--no-audit", "--no-fund", "--loglevel=error"], { quiet: true });
}
