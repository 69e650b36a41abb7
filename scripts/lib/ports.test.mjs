import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import test from "node:test";
import { freePort } from "./ports.mjs";

test("a free port is kept, a busy one is replaced", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  const other = await freePort(port, "this test");
  assert.notEqual(other, port);
  server.close();
  await once(server, "close");
  assert.equal(await freePort(port, "this test"), port);
});
