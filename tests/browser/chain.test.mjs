// Closing, disputes and the wallet's money, on the real Judge, to the wei.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { leave, openPair, world, zero } from "./support.mjs";

let here;
before(async () => (here = await world({ challenge: 10 })));
after(async () => here?.close());

test("a cooperative close pays both wallets to the wei", async () => {
  const judge = await here.balance(here.stack.judge);
  const { a, b, id } = await openPair(here, { deposit: 1_000n });
  const [walletA, walletB] = [await here.balance(a.account), await here.balance(b.account)];
  assert.deepEqual(await a.pay(id, 333n), { ok: "settled" });
  assert.deepEqual(await b.pay(id, 33n), { ok: "settled" });
  const closed = await a.call("closeChannel", { channel: id, mode: "cooperative" });
  assert.equal(closed.ok?.status, "settled", JSON.stringify(closed.code));
  await b.until(id, (channel) => channel.status === "settled", "the partner sees the close");
  assert.equal(await here.balance(a.account), walletA + 700n);
  assert.equal(await here.balance(b.account), walletB + 300n);
  assert.equal(await here.balance(here.stack.judge), judge, "nothing is left with the Judge");
  await leave(a, b);
});

test("a cheat closes with an old proof, is answered, and loses what it left out", async () => {
  const judge = await here.balance(here.stack.judge);
  const { a, b, id } = await openPair(here, { deposit: 1_000n });
  const [walletA, walletB] = [await here.balance(a.account), await here.balance(b.account)];
  assert.deepEqual(await a.pay(id, 100n), { ok: "settled" });
  assert.deepEqual(await b.pay(id, 10n), { ok: "settled" });
  assert.deepEqual(await a.pay(id, 500n), { ok: "settled" });
  assert.deepEqual(await b.pay(id, 5n), { ok: "settled" });
  const prompts = await b.prompts();
  const cheat = await a.page.evaluate(
    (channel) =>
      window.under.attempt(async () => {
        await window.under.client.testing.closeWithOldProof({ channel });
        // A's own client would bring the newest proof now; this cheat does not want to.
        window.under.wallet.reject = ["eth_sendTransaction"];
      }),
    id,
  );
  assert.equal(cheat.code, undefined, cheat.message);
  await b.until(id, (channel) => channel.status === "closing", "the partner sees the close");
  await b.until(id, (channel) => channel.status === "closing" && channel.actionRequired === undefined, "the answer is in");
  assert.equal(await b.prompts(), prompts + 1, "B's client asked its wallet once, by itself");
  const refused = await b.pay(id, 1n);
  assert.equal(refused.code, "CHANNEL_CLOSING");
  assert.equal((await b.call("settle", { channel: id })).code, "TOO_EARLY");
  await b.until(id, (channel) => channel.status === "settleable", "the challenge period ends", 60_000);
  const settled = await b.call("settle", { channel: id });
  assert.equal(settled.ok?.status, "settled", settled.code);
  await a.until(id, (channel) => channel.status === "settled", "the cheat sees the end");
  // B brought all of A's 600; A brought only the first 10 of B's 15, and so gave 5 away.
  assert.equal(await here.balance(b.account), walletB + 590n);
  assert.equal(await here.balance(a.account), walletA + 410n);
  assert.equal(await here.balance(here.stack.judge), judge, "nothing is left with the Judge");
  await leave(a, b);
});

test("a close with an old proof harms nobody when both clients do their work", async () => {
  const { a, b, id } = await openPair(here, { deposit: 1_000n });
  const [walletA, walletB] = [await here.balance(a.account), await here.balance(b.account)];
  for (const [payer, amount] of [[a, 100n], [b, 10n], [a, 500n], [b, 5n]]) assert.deepEqual(await payer.pay(id, amount), { ok: "settled" });
  await a.page.evaluate(async (channel) => void (await window.under.client.testing.closeWithOldProof({ channel })), id);
  for (const person of [a, b]) {
    const answered = (channel) => channel.status === "closing" && channel.actionRequired === undefined;
    await person.until(id, answered, "each side's newest proof is with the Judge");
  }
  await a.until(id, (channel) => channel.status === "settleable", "the challenge period ends", 60_000);
  assert.equal((await a.call("settle", { channel: id })).ok?.status, "settled");
  assert.equal(await here.balance(b.account), walletB + 585n);
  assert.equal(await here.balance(a.account), walletA + 415n);
  await leave(a, b);
});

test("a silent partner cannot keep the money: close alone, wait, settle", async () => {
  const judge = await here.balance(here.stack.judge, zero);
  const { a, b, id } = await openPair(here, { deposit: 1_000n, token: zero });
  assert.deepEqual(await a.pay(id, 250n), { ok: "settled" });
  assert.deepEqual(await b.pay(id, 50n), { ok: "settled" });
  const before = await here.balance(a.account, zero);
  await a.kill();
  const closed = await b.call("closeChannel", { channel: id, timeout: 1_000 });
  assert.equal(closed.ok?.status, "closing", closed.code);
  // A comes back in time, and its client brings the proof of the 50 that B's close left out.
  await a.open();
  await a.until(id, (channel) => channel.status === "closing" && channel.actionRequired === undefined, "A's answer is in");
  await b.until(id, (channel) => channel.status === "settleable", "the challenge period ends", 60_000);
  const spent = before - (await here.balance(a.account, zero));
  assert.equal((await b.call("settle", { channel: id })).ok?.status, "settled");
  assert.equal((await here.balance(a.account, zero)) - before, 800n - spent, "A is paid the 750 it kept and the 50 it was paid");
  assert.equal(await here.balance(here.stack.judge, zero), judge, "nothing is left with the Judge");
  await leave(a, b);
});

test("deposits and withdrawals while the channel stays open", async () => {
  const { a, b, id } = await openPair(here, { deposit: 1_000n });
  const [walletA, walletB] = [await here.balance(a.account), await here.balance(b.account)];
  const deposited = await a.call("deposit", { channel: id, amount: "500n" });
  assert.equal(deposited.ok?.ours.deposited, 1_500n, deposited.message);
  await b.until(id, (channel) => channel.theirs.deposited === 1_500n, "the partner counts the deposit");
  assert.deepEqual(await a.pay(id, 1_200n), { ok: "settled" });
  const withdrawn = await a.call("withdraw", { channel: id, amount: "100n" });
  assert.equal(withdrawn.ok?.ours.withdrawn, 100n, withdrawn.message);
  const taken = await b.call("withdraw", { channel: id, amount: "1200n" });
  assert.equal(taken.ok?.ours.withdrawn, 1_200n, taken.message);
  assert.equal(await here.balance(a.account), walletA - 400n);
  assert.equal(await here.balance(b.account), walletB + 1_200n);
  assert.equal((await a.pay(id, 201n)).code, "INSUFFICIENT_CAPACITY");
  assert.deepEqual(await a.pay(id, 200n), { ok: "settled" });
  await leave(a, b);
});
