// Started beside the programs of a stack: when the script that started them is gone, however it went, this ends them.
// It reads "+pid" and "-pid" lines; the end of its input means that the script died or has finished.
import { createInterface } from "node:readline";
import { killTree } from "./kill.mjs";

const alive = new Set();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1));
  if (line.startsWith("+")) alive.add(pid);
  else alive.delete(pid);
}
for (const pid of alive) killTree(pid, "SIGKILL");
