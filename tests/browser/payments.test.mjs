// Paying between two tabs over the real relay: what it costs on the wire, and that nothing is lost.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { agree, leave, openPair, quieten, world } from "./support.mjs";

const total = 1_000_000n;
let here;
before(async () => (here = await world()));
after(async () => here?.close());

test("a payment is one update and one acknowledgement, and asks the chain nothing", async () => {
  const { a, b, id } = await openPair(here, { settings: { pollingInterval: 15_000 } });
  await agree(a, b, id, total);
  await quieten([a, b]);
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

test("the relay is gone in mid-payment and comes back, and nothing is lost", async () => {
  const { a, b, id } = await openPair(here);
  assert.deepEqual(await a.pay(id, 100_000n), { ok: "settled" }, "B has something to pay with");
  // Both pay without a pause, so whenever the relay goes, payments are under way.
  const paying = [a, b].map((person) =>
    person.page.evaluate(async (channel) => {
      Object.assign(window, { settled: 0, stop: false });
      while (!window.stop) {
        const { status } = await window.under.client.pay({ channel, amount: 1n });
        if (status !== "settled") throw new Error(status);
        window.settled += 1;
      }
      return window.settled;
    }, id));
  const settled = (person) => person.page.evaluate(() => window.settled);
  const more = (person, than) => person.page.waitForFunction((than) => window.settled > than, than);
  for (let round = 0; round < 3; round += 1) {
    for (const person of [a, b]) await more(person, (await settled(person)) + 5);
    await here.stack.stopRelay();
    for (const person of [a, b]) await person.untilStatus((status) => status.relay !== "online", "the relay's end is noticed");
    const before = [await settled(a), await settled(b)];
    await here.stack.startRelay();
    await more(a, before[0] + 5);
    await more(b, before[1] + 5);
  }
  for (const person of [a, b]) await person.page.evaluate(() => void (window.stop = true));
  const [byA, byB] = await Promise.all(paying);
  const view = await agree(a, b, id, total);
  assert.equal(view.ours.transferred, BigInt(byA) + 100_000n);
  assert.equal(view.theirs.transferred, BigInt(byB));
  await leave(a, b);
});
