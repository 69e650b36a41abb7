// Payments over several hops between real tabs: who gets what to the unit, a second way when one fails, several parts, requests,
// and what is said before paying.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { calm, feeOf, fees, holdings, openDiamond, openRow, payTo, quote, sentFor } from "./routed.mjs";
import { leave, world } from "./support.mjs";

let here;
before(async () => (here = await world({ challenge: 20, accounts: 24 })));
after(async () => here?.close());

const wallets = (people) => Promise.all(people.map(({ account }) => here.balance(account)));
const stages = ({ steps }) => steps.map(({ stage }) => stage);

test("A pays D through B and C: everybody has what is theirs to the unit, in the channels and in the wallets", async () => {
  const judge = await here.balance(here.stack.judge);
  const { people, a, b, c, d, ids } = await openRow(here);
  const [walletsBefore, before] = [await wallets(people), await calm(people, ids)];
  const prompts = await Promise.all(people.map((person) => person.prompts()));
  const sent = sentFor(1_000n, 2);
  const [feeC, feeB] = [feeOf(1_000n), feeOf(1_000n + feeOf(1_000n))];
  assert.equal(sent, 1_000n + feeB + feeC);

  const asked = await quote(a, d.account, 1_000n);
  assert.equal(asked.ok?.fee, feeB + feeC, asked.message);
  assert.equal(asked.ok.direct, false);
  assert.deepEqual(asked.ok.parts.map(({ path }) => path.map(({ to }) => to.toLowerCase())), [[b, c, d].map(({ account }) => account.toLowerCase())]);
  assert.deepEqual(asked.ok.parts[0].path.map(({ amount }) => amount), [sent, 1_000n + feeC, 1_000n]);

  const paid = await payTo(a, d.account, 1_000n, { memo: "rent" });
  assert.equal(paid.ok?.status, "settled", `${paid.code}: ${paid.message}`);
  assert.equal(paid.ok.fee, feeB + feeC, "the fee that was asked for");
  assert.equal(paid.ok.routed, true);
  assert.equal(paid.ok.partner.toLowerCase(), d.account.toLowerCase());
  assert.deepEqual(stages(paid.ok).filter((stage) => stage !== "route"), ["locked", "part-paid", "paid"]);
  const after = await calm(people, ids);
  assert.deepEqual(after.map((balance, index) => balance - before[index]), [-sent, feeB, feeC, 1_000n]);

  const received = (await d.call("payments")).ok.find(({ direction }) => direction === "received");
  assert.equal(received.amount, 1_000n);
  assert.equal(received.memo, "rent");
  assert.equal(received.partner.toLowerCase(), a.account.toLowerCase());
  assert.deepEqual(await Promise.all(people.map((person) => person.prompts())), prompts, "no prompt to pay");

  for (const [index, id] of ids.entries()) {
    const closed = await people[index].call("closeChannel", { channel: id, mode: "cooperative" });
    assert.equal(closed.ok?.status, "settled", closed.message);
  }
  const walletsAfter = await wallets(people);
  assert.deepEqual(walletsAfter.map((balance, index) => balance - walletsBefore[index]), after);
  assert.equal(await here.balance(here.stack.judge), judge, "nothing is left with the Judge");
  await leave(...people);
});

test("B refuses: its lock is given back at once, and the payment goes over C", async () => {
  const { people, a, b, c, d, ids, overB, overC } = await openDiamond(here);
  const before = await calm(people, ids);
  for (const mediator of [b, c]) await mediator.page.evaluate(() => window.under.client.testing.refuse(true));
  const failed = await payTo(a, d.account, 500n);
  assert.equal(failed.ok, undefined, "there is no third way");
  assert.deepEqual(await calm(people, ids), before, "nothing moved, and nothing hangs until it expires");

  const isOver = async (way) => (await Promise.all(way.map((id) => a.channel(id).catch(() => undefined)))).some((view) => view?.ours.transferred > 0n);
  await c.page.evaluate(() => window.under.client.testing.refuse(false));
  const paid = await payTo(a, d.account, 500n);
  assert.equal(paid.ok?.status, "settled", `${paid.code}: ${paid.message}`);
  assert.deepEqual([await isOver(overB), await isOver(overC)], [false, true]);
  const after = await calm(people, ids);
  assert.deepEqual(after.map((balance, index) => balance - before[index]), [-500n - feeOf(500n), 0n, feeOf(500n), 500n]);
  await leave(...people);
});

test("what fits through no single way goes in parts, all or nothing", async () => {
  const { people, a, b, c, d, ids } = await openDiamond(here, { deposit: 1_000n });
  const before = await calm(people, ids);
  let most = 0n;
  // Until both mediators are announced.
  for (const end = Date.now() + 30_000; most <= 1_500n && Date.now() < end; ) {
    most = (await a.call("estimateCapacity", { to: d.account, token: here.token })).ok;
  }
  assert.ok(most > 1_500n && most <= 2_000n, `${most}: more than one way carries, and no more than A's two channels hold`);
  const tooMuch = await payTo(a, d.account, 2_001n);
  assert.equal(tooMuch.ok, undefined);
  const paid = await payTo(a, d.account, 1_500n);
  assert.equal(paid.ok?.status, "settled", `${paid.code}: ${paid.message}`);
  const parts = new Set(paid.ok.steps.filter(({ stage }) => stage === "part-paid").map(({ part }) => part));
  assert.ok(parts.size >= 2, `${parts.size} parts`);
  const after = await calm(people, ids);
  assert.equal(after[3] - before[3], 1_500n);
  assert.equal(before[0] - after[0], 1_500n + paid.ok.fee);
  assert.equal(after[1] - before[1] + after[2] - before[2], paid.ok.fee, "the fees are with B and C");

  // Back the same ways, of which the wider is refused for good: the other does not hold it all.
  const routes = paid.ok.steps.filter(({ stage }) => stage === "route");
  const widest = routes.reduce((one, other) => (other.amount > one.amount ? other : one)).path[0].to;
  const refusing = [b, c].find(({ account }) => account.toLowerCase() === widest.toLowerCase());
  await refusing.page.evaluate(() => window.under.client.testing.refuse(true));
  const failed = await payTo(d, a.account, 1_600n);
  assert.equal(failed.code, "PAYMENT_FAILED", `one part of two is not taken: ${failed.message}`);
  assert.deepEqual(await calm(people, ids), after, "nothing moved");
  await leave(...people);
});

test("what is estimated bounds what can be paid", async () => {
  const { people, a, d, ids } = await openRow(here, { deposits: [5_000n, 3_000n, 4_000n] });
  const most = (await a.call("estimateCapacity", { to: d.account, token: here.token })).ok;
  assert.ok(most >= 2_500n && most <= 4_000n, `${most}: no more than C can send to D`);
  const tooMuch = await payTo(a, d.account, 3_001n);
  assert.equal(tooMuch.ok, undefined, "B cannot send so much to C");
  const before = await calm(people, ids);
  const paid = await payTo(a, d.account, 2_700n);
  assert.equal(paid.ok?.status, "settled", `${paid.code}: ${paid.message}`);
  assert.equal((await calm(people, ids))[3] - before[3], 2_700n);
  await leave(...people);
});

test("a request says who and what; paying it brings a receipt, once", async () => {
  const { people, a, d, ids } = await openRow(here);
  const request = (await d.call("createRequest", { token: here.token, amount: "700n", memo: "tickets" })).ok;
  assert.equal(request.status, "open");
  const read = (await a.call("readRequest", { request: request.text })).ok;
  assert.deepEqual([read.payee.toLowerCase(), read.amount, read.memo], [d.account.toLowerCase(), 700n, "tickets"]);
  const before = await holdings(d, ids);
  const paid = await a.call("payRequest", { request: request.text });
  assert.equal(paid.ok?.status, "settled", `${paid.code}: ${paid.message}`);
  await calm(people, ids);
  assert.equal((await holdings(d, ids)).balance - before.balance, 700n);
  for (const person of [a, d]) {
    const status = (await person.call("requestStatus", { request: request.text })).ok;
    assert.equal(status.status, "paid");
    assert.deepEqual([status.receipt.amount, status.receipt.payer.toLowerCase()], [700n, a.account.toLowerCase()]);
    assert.equal(status.receipt.payment, paid.ok.id);
  }
  const again = await a.call("payRequest", { request: request.text });
  assert.equal(again.ok, undefined, "a paid request is not paid twice");
  assert.equal((await holdings(d, ids)).balance - before.balance, 700n);
  await leave(...people);
});

test("the network that everybody sees is the one that is there", async () => {
  const { people, a, b, ids } = await openRow(here);
  const view = (await a.call("network", { token: here.token })).ok;
  assert.equal(view.complete, true);
  for (const id of ids) {
    const channel = view.channels.find((channel) => channel.id === id);
    assert.equal(channel?.total, 200_000n);
  }
  const mediator = view.nodes.find(({ wallet }) => wallet.toLowerCase() === b.account.toLowerCase());
  assert.deepEqual([mediator.mediates, mediator.flat, mediator.proportional], [true, fees.flat, fees.proportional]);
  await leave(...people);
});
