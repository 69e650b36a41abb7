// A mediator is killed at every step of a payment that passes through it, and comes back, or never does. Whoever behaves is whole:
// off-chain when it comes back, by the Judge when not.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { calm, feeOf, openRow, passUntil, payTo, sentFor, untilWay } from "./routed.mjs";
import { leave, quieten, world } from "./support.mjs";

const amount = 1_000n;
const sent = sentFor(amount, 2);
const [feeC, feeB] = [feeOf(amount), feeOf(amount + feeOf(amount))];
const quiet = { pollingInterval: 3_600_000 };
let here;
before(async () => (here = await world({ challenge: 20, accounts: 24 })));
after(async () => here?.close());

/** Brings a person back in a new tab, or in the same one. */
async function comeBack(person) {
  await person.load();
  await person.start();
}

test("C killed after each step of a payment and restarted: the payment is made or not, and nobody loses a unit", async () => {
  const { people, a, c, d, ids } = await openRow(here);
  // Without news from the chain, all that C stores and sends is the payment.
  c.settings = { ...c.settings, ...quiet };
  await comeBack(c);
  await quieten(people);
  await untilWay(a, d.account, amount);

  await c.page.evaluate(() => window.gates.record());
  const watched = await payTo(a, d.account, amount);
  assert.equal(watched.ok?.status, "settled", `${watched.code}: ${watched.message}`);
  let held = await calm(people, ids);
  await quieten(people);
  const steps = await c.page.evaluate(() => window.gates.seen);
  console.log(`# a payment is ${steps.length} steps of C: ${steps.join(", ")}`);
  assert.ok(steps.length >= 12, "C receives, stores and sends, for both its neighbours and both ways");

  let made = 0;
  for (const index of steps.keys()) {
    const stopped = here.server.stopped();
    await c.page.evaluate((index) => window.gates.record(index), index);
    const paying = payTo(a, d.account, amount);
    // Messages that fold into one another make a way of fewer steps; then the payment ends before C is stopped.
    const step = await Promise.race([stopped, paying.then(() => undefined)]);
    await c.kill();
    await comeBack(c);
    const what = `C killed at “${step ?? "the end"}” (${index})`;
    const result = await paying;
    const now = await calm(people, ids);
    const moved = now.map((balance, person) => balance - held[person]);
    const wanted = result.ok?.status === "settled" ? [-sent, feeB, feeC, amount] : [0n, 0n, 0n, 0n];
    assert.deepEqual(moved, wanted, `${what}: ${result.ok?.status ?? result.code}`);
    made += result.ok?.status === "settled" ? 1 : 0;
    held = now;
    await quieten(people);
    await untilWay(a, d.account, amount);
  }
  console.log(`# ${steps.length} kills, ${made} payments made, ${steps.length - made} not made`);
  assert.ok(made > 0, "a mediator that comes back goes on where it was");
  await leave(...people);
});

/** Stops C dead at a step of a payment, and ends its tab. */
async function stopMediator({ a, c, d }, index) {
  const stopped = here.server.stopped();
  await c.page.evaluate((index) => window.gates.record(index), index);
  const paying = payTo(a, d.account, amount);
  const step = await Promise.race([stopped, paying.then(() => undefined)]);
  await c.kill();
  return { step, paying };
}

test("C dies for good with D's lock unpaid: D registers the secret and goes to the Judge, and B pays nobody twice", async () => {
  const row = await openRow(here);
  const { people, a, b, d, ids } = row;
  const [, toC, toD] = ids;
  // C dies as soon as it hears the secret: its lock to D is signed by then, and neither paid nor unpaid.
  const step = await revealStep(row);
  const held = await calm(people, ids);
  const { paying } = await stopMediator(row, step);
  const living = [a, b, d];
  const before = await d.prompts();
  await passUntil(here, living, async () => (await d.prompts()) > before, "D brings the secret to the chain");
  const result = await paying;
  assert.equal(result.ok?.status, "settled", `${result.code}: ${result.message}`);

  const closed = await d.call("closeChannel", { channel: toD, mode: "unilateral" });
  assert.equal(closed.ok?.status, "closing", closed.message);
  await passUntil(here, living, async () => (await d.channel(toD)).status === "settleable", "the time for objections ends");
  const wallet = await here.balance(d.account);
  assert.equal((await d.call("settle", { channel: toD })).ok !== undefined, true);
  await passUntil(here, living, async () => (await here.balance(d.account)) - wallet >= held[3] + amount, "D is paid by the Judge");
  assert.equal((await here.balance(d.account)) - wallet, held[3] + amount, "D has all that it had and what A paid");
  assert.equal((await a.channel(ids[0])).ours.balance, held[0] - sent, "A paid once");
  // B was paid by A and owes C, who may come for it: the fee is B's.
  const [fromA, onC] = [await b.channel(ids[0]), await b.channel(toC)];
  assert.equal(fromA.ours.balance + onC.ours.balance, held[1] + feeB);
  await leave(...people);
});

test("C dies for good before it passes the payment on: B takes its lock back by the Judge, and A has nothing lost", async () => {
  const row = await openRow(here);
  const { people, a, b, d, ids } = row;
  const [, toC] = ids;
  const held = await calm(people, ids);
  // The first step: C has heard of B's lock and stored nothing.
  const { paying } = await stopMediator(row, 0);
  const living = [a, b, d];
  let result;
  void paying.then((ended) => (result = ended));
  await passUntil(here, living, () => result !== undefined, "A's payment ends");
  assert.equal(result.ok, undefined, "the payment was not made");
  await calm([a, b], ids.slice(0, 1));
  assert.equal((await a.channel(ids[0])).ours.balance, held[0], "A has all that it had");

  const inChannel = (await b.channel(toC)).ours.balance;
  const wallet = await here.balance(b.account);
  const closed = await b.call("closeChannel", { channel: toC, mode: "unilateral" });
  assert.equal(closed.ok?.status, "closing", closed.message);
  await passUntil(here, living, async () => (await b.channel(toC)).status === "settleable", "the time for objections ends");
  await b.call("settle", { channel: toC });
  await passUntil(here, living, async () => {
    const paid = (await here.balance(b.account)) - wallet;
    if (paid < inChannel) await b.call("settle", { channel: toC }).catch(() => undefined);
    return paid >= inChannel;
  }, "B is paid by the Judge");
  assert.equal((await here.balance(b.account)) - wallet + (await b.channel(ids[0])).ours.balance, held[1], "B has all that it had");
  await leave(...people);
});

/** The step of C at which it has heard the secret from D and stored it not: found by a payment that is watched. */
async function revealStep({ people, a, c, d, ids }) {
  await quieten(people);
  await c.page.evaluate(() => window.gates.record());
  assert.equal((await payTo(a, d.account, amount)).ok?.status, "settled");
  await calm(people, ids);
  const steps = await c.page.evaluate(() => window.gates.seen);
  const heard = steps.flatMap((step, index) => (step === "frame received" ? [index] : []));
  // The first frame is B's lock; the next one comes from D.
  assert.ok(heard.length >= 2, steps.join(", "));
  return heard[1];
}
