// Closing, disputes and the wallet's money, on the real Judge; and providers that reject, hang, fail and reorg.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { agree, openPair, world, zero } from "./support.mjs";

let here;
before(async () => (here = await world()));
after(async () => here?.close());

const seconds = (n) => new Promise((resolve) => setTimeout(resolve, n * 1_000));

test("a cooperative close pays both wallets to the wei", async () => {
  const { a, b, id } = await openPair(here, { deposit: 1_000n });
  const [walletA, walletB] = [await here.balance(a.account), await here.balance(b.account)];
  assert.deepEqual(await a.pay(id, 333n), { ok: "settled" });
  assert.deepEqual(await b.pay(id, 33n), { ok: "settled" });
  const closed = await a.call("closeChannel", { channel: id, mode: "cooperative" });
  assert.equal(closed.ok?.status, "settled", JSON.stringify(closed.code));
  await b.until(id, (channel) => channel.status === "settled", "the partner sees the close");
  assert.equal(await here.balance(a.account), walletA + 700n);
  assert.equal(await here.balance(b.account), walletB + 300n);
  assert.equal(await here.balance(here.stack.judge), 0n, "nothing is left with the Judge");
  await a.context.close();
  await b.context.close();
});

test("a cheat closes with an old proof, is answered, and both are paid what is owed", async () => {
  const { a, b, id } = await openPair(here, { deposit: 1_000n });
  const [walletA, walletB] = [await here.balance(a.account), await here.balance(b.account)];
  assert.deepEqual(await a.pay(id, 100n), { ok: "settled" });
  assert.deepEqual(await b.pay(id, 10n), { ok: "settled" });
  assert.deepEqual(await a.pay(id, 500n), { ok: "settled" });
  assert.deepEqual(await b.pay(id, 5n), { ok: "settled" });
  const cheat = await a.page.evaluate(
    (channel) => window.under.attempt(async () => void (await window.under.client.testing.closeWithOldProof({ channel }))),
    id,
  );
  assert.equal(cheat.code, undefined, cheat.message);
  await b.until(id, (channel) => channel.status === "closing", "the partner sees the close");
  await b.until(id, (channel) => channel.status === "closing" && channel.actionRequired === undefined, "the answer is in");
  const refused = await b.pay(id, 1n);
  assert.equal(refused.code, "CHANNEL_CLOSING");
  await b.until(id, (channel) => channel.status === "settleable", "the challenge period ends", 60_000);
  const settled = await b.call("settle", { channel: id });
  assert.equal(settled.ok?.status, "settled", settled.code);
  await a.until(id, (channel) => channel.status === "settled", "the cheat sees the end");
  // B brought all of A's 600; A brought only the first 10 of B's 15, and so gave 5 away.
  assert.equal(await here.balance(b.account), walletB + 590n);
  assert.equal(await here.balance(a.account), walletA + 410n);
  await a.context.close();
  await b.context.close();
});

test("a silent partner cannot keep the money: close alone, wait, settle", async () => {
  const { a, b, id } = await openPair(here, { deposit: 1_000n, token: zero });
  assert.deepEqual(await a.pay(id, 250n), { ok: "settled" });
  assert.deepEqual(await b.pay(id, 50n), { ok: "settled" });
  const before = await here.balance(a.account, zero);
  await a.kill();
  const closed = await b.call("closeChannel", { channel: id, timeout: 1_000 });
  assert.equal(closed.ok?.status, "closing", closed.code);
  await b.until(id, (channel) => channel.status === "settleable", "the challenge period ends", 60_000);
  assert.equal((await b.call("settle", { channel: id })).ok?.status, "settled");
  assert.equal((await here.balance(a.account, zero)) - before, 750n, "A is paid although it was silent; B answers for A's proof");
  await a.context.close();
  await b.context.close();
});

test("deposits and withdrawals while the channel stays open", async () => {
  const { a, b, id } = await openPair(here, { deposit: 1_000n });
  const wallet = await here.balance(a.account);
  const deposited = await a.call("deposit", { channel: id, amount: "500n" });
  assert.equal(deposited.ok?.ours.deposited, 1_500n, deposited.message);
  assert.deepEqual(await a.pay(id, 1_200n), { ok: "settled" });
  const withdrawn = await a.call("withdraw", { channel: id, amount: "100n" });
  assert.equal(withdrawn.ok?.ours.withdrawn, 100n, withdrawn.message);
  const taken = await b.call("withdraw", { channel: id, amount: "1200n" });
  assert.equal(taken.ok?.ours.withdrawn, 1_200n, taken.message);
  assert.equal(await here.balance(a.account), wallet - 400n);
  assert.equal((await a.pay(id, 201n)).code, "INSUFFICIENT_CAPACITY");
  assert.deepEqual(await a.pay(id, 200n), { ok: "settled" });
  await a.context.close();
  await b.context.close();
});

test("the wallet rejects and nothing has happened", async () => {
  const a = await here.person(0);
  const before = (await a.call("channels")).ok.map((channel) => channel.id);
  await a.wallet({ reject: ["eth_sendTransaction", "eth_signTypedData_v4"] });
  const partner = here.accounts[9];
  const opened = await a.call("openChannel", { partner, token: here.token, deposit: "10n" });
  assert.equal(opened.code, "USER_REJECTED", opened.message);
  assert.deepEqual((await a.call("channels")).ok.map((channel) => channel.id), before);
  const authorized = await a.call("authorize");
  assert.equal(authorized.code, "USER_REJECTED");
  await a.wallet({ reject: [] });
  const prompts = await a.page.evaluate(() => window.under.wallet.prompts.length);
  assert.ok(prompts >= 2, "the wallet was asked, once each");
  await a.context.close();
});

test("a slow and then failing endpoint delays, and is reported, and loses nothing", async () => {
  const { a, b, id } = await openPair(here, { first: 2, second: 3 });
  await a.wallet({ delay: 300 });
  assert.deepEqual(await a.pay(id, 1n), { ok: "settled" });
  await a.wallet({ delay: 0, fail: ["eth_getBlockByNumber", "eth_getLogs", "eth_chainId", "eth_call"] });
  await seconds(1);
  assert.equal((await a.call("status")).ok.chainOk, false);
  assert.deepEqual(await a.pay(id, 2n), { ok: "settled" }, "payments do not need the chain");
  await a.wallet({ fail: [] });
  await seconds(1.5);
  assert.equal((await a.call("status")).ok.chainOk, true);
  await agree(a, b, id, 1_000_000n);
  await a.context.close();
  await b.context.close();
});

test("a reorg that takes an unconfirmed deposit away takes its effect away", async () => {
  const { a, b, id } = await openPair(here, { first: 4, second: 5, settings: { confirmations: 5 } });
  const depositing = a.call("deposit", { channel: id, amount: "77n" });
  await a.page.waitForFunction(() =>
    window.under.events.some((event) => event.type === "progress" && event.stage === "confirming"));
  await here.stack.reader.request({ method: "anvil_reorg", params: [4, []] });
  await seconds(1);
  const view = await a.channel(id);
  assert.equal(view.ours.deposited, 1_000_000n);
  assert.equal(view.status, "open");
  assert.deepEqual(await a.pay(id, 1n), { ok: "settled" });
  await a.context.close();
  await depositing.catch(() => undefined);
  await b.context.close();
});
