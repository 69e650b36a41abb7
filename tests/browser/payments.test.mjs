// Paying between two tabs over the real relay: what it costs on the wire, and that nothing is lost.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { agree, leave, openPair, world } from "./support.mjs";

const total = 1_000_000n;
let here;
before(async () => (here = await world()));
after(async () => here?.close());

test("a payment is one update and one acknowledgement, and asks the chain nothing", async () => {
  const { a, b, id } = await openPair(here, { settings: { pollingInterval: 15_000 } });
  await agree(a, b, id, total);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const [beforeA, beforeB] = [await a.counters(), await b.counters()];
  assert.deepEqual(await a.pay(id, 7n), { ok: "settled" });
  const [afterA, afterB] = [await a.counters(), await b.counters()];
  assert.equal(afterA.sent - beforeA.sent, 1, "the payer sends one frame");
  assert.equal(afterB.received - beforeB.received, 1, "the payee receives one");
  assert.equal(afterB.sent - beforeB.sent, 1, "and sends one");
  assert.equal(afterA.received - beforeA.received, 1, "which the payer receives");
  assert.deepEqual(afterA.requests, beforeA.requests, "no request to the chain");
  assert.deepEqual(afterB.requests, beforeB.requests, "no request to the chain");
  await leave(a, b);
});

test("a thousand payments at once cost far fewer than a thousand signatures", async () => {
  const { a, b, id } = await openPair(here);
  const statuses = await a.page.evaluate(async (channel) => {
    const payments = Array.from({ length: 1_000 }, () => window.under.client.pay({ channel, amount: 3n }));
    const settled = await Promise.all(payments);
    return settled.filter((payment) => payment.status === "settled").length;
  }, id);
  assert.equal(statuses, 1_000);
  const view = await agree(a, b, id, total);
  assert.equal(view.ours.transferred, 3_000n);
  console.log(`# 1,000 payments at once: ${view.ours.nonce} signatures`);
  assert.ok(view.ours.nonce <= 20, `${view.ours.nonce} signatures`);
  const history = await b.call("payments", { channel: id, limit: 1_000 });
  assert.equal(history.ok.length, 1_000);
  assert.ok(history.ok.every((payment) => payment.direction === "received" && payment.amount === 3n));
  await leave(a, b);
});

test("payments go both ways, and more than there is goes nowhere", async () => {
  const { a, b, id } = await openPair(here);
  assert.deepEqual(await a.pay(id, 400n, "there"), { ok: "settled" });
  assert.deepEqual(await b.pay(id, 150n, "and back"), { ok: "settled" });
  const refused = await b.pay(id, 251n);
  assert.equal(refused.code, "INSUFFICIENT_CAPACITY");
  const view = await agree(a, b, id, total);
  assert.equal(view.ours.balance, total - 250n);
  const history = await a.call("payments", { channel: id });
  assert.deepEqual(history.ok.map((payment) => payment.memo).sort(), ["and back", "there"]);
  await leave(a, b);
});

test("the relay restarts in mid-payment and nothing is lost", async () => {
  const { a, b, id } = await openPair(here);
  const paying = a.page.evaluate(async (channel) => {
    const results = [];
    for (let i = 0; i < 60; i += 1) results.push((await window.under.client.pay({ channel, amount: 1n })).status);
    return results;
  }, id);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await here.stack.restartRelay();
  const results = await paying;
  assert.equal(results.filter((status) => status === "settled").length, 60);
  const view = await agree(a, b, id, total);
  assert.equal(view.ours.transferred, 60n);
  await leave(a, b);
});
