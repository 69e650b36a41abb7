// Ports on this machine: the one asked for when it is free, another one otherwise.
import { createServer } from "node:net";
import { note } from "./log.mjs";

const host = "127.0.0.1";

/** Listens for a moment; resolves to the port that was had, or `undefined` when it is taken. */
function attempt(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen({ port, host, exclusive: true }, () => {
      const { port: had } = server.address();
      server.close(() => resolve(had));
    });
  });
}

/** A free port: `preferred` if nobody has it, else any; 0 means any from the start. Says so when it had to change. */
export async function freePort(preferred = 0, what = "") {
  const had = await attempt(preferred);
  if (had !== undefined) return had;
  const other = await attempt(0);
  note(`port ${preferred} is taken; ${what} uses ${other}`);
  return other;
}
