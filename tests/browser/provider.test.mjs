// Injected providers as they really are: persons who say no, endpoints that are slow, fail or are on another chain, and
// chains that change their minds.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { agree, leave, openPair, world } from "./support.mjs";

let here;
before(async () => (here = await world({ challenge: 10 })));
after(async () => here?.close());

const transactions = ["eth_sendTransaction"];
const reorg = (depth) => here.stack.reader.request({ method: "anvil_reorg", params: [depth, []] });

test("the wallet rejects an opening and a signature, and nothing has happened", async () => {
  const a = await here.person(here.fresh());
  await a.wallet({ reject: [...transactions, "eth_signTypedData_v4"] });
  const before = await here.balance(a.account);
  const opened = await a.call("openChannel", { partner: here.accounts.at(-1), token: here.token, deposit: "10n" });
  assert.equal(opened.code, "USER_REJECTED", opened.message);
  assert.deepEqual((await a.call("channels")).ok, []);
  assert.equal(await a.prompts(), 1, "whoever says no is not asked again");
  assert.equal((await a.call("authorize")).code, "USER_REJECTED");
  assert.equal(await a.prompts(), 2);
  assert.equal(await here.balance(a.account), before);
  await a.load();
  await a.start();
  assert.deepEqual((await a.call("channels")).ok, [], "nor has anything after a reload");
  await leave(a);
});

test("the wallet rejects a deposit, a close, an answer and a settlement, and all of them work when asked again", async () => {
  const { a, b, id } = await openPair(here, { deposit: 1_000n });
  await a.wallet({ reject: transactions });
  for (const [method, parameters] of [
    ["deposit", { channel: id, amount: "10n" }],
    ["closeChannel", { channel: id, mode: "unilateral" }],
  ]) {
    const rejected = await a.call(method, parameters);
    assert.equal(rejected.code, "USER_REJECTED", `${method}: ${rejected.message}`);
    const view = await a.channel(id);
    assert.equal(view.status, "open", method);
    assert.equal(view.ours.deposited, 1_000n, method);
    assert.deepEqual(await a.pay(id, 5n), { ok: "settled" }, `payments go on after a rejected ${method}`);
  }
  await b.wallet({ reject: transactions });
  await a.wallet({ reject: [] });
  assert.equal((await a.call("closeChannel", { channel: id, mode: "unilateral" })).ok?.status, "closing");
  await b.until(id, (channel) => channel.actionRequired === "respond", "B is told that the close leaves its money out");
  assert.equal((await b.call("respond", { channel: id })).code, "USER_REJECTED");
  await b.wallet({ reject: [] });
  const answered = await b.call("respond", { channel: id });
  assert.equal(answered.ok?.actionRequired, undefined, answered.message);
  await a.until(id, (channel) => channel.status === "settleable", "the challenge period ends", 60_000);
  await a.wallet({ reject: transactions });
  const wallet = await here.balance(b.account);
  assert.equal((await a.call("settle", { channel: id })).code, "USER_REJECTED");
  assert.equal((await a.channel(id)).status, "settleable");
  await a.wallet({ reject: [] });
  assert.equal((await a.call("settle", { channel: id })).ok?.status, "settled");
  assert.equal(await here.balance(b.account), wallet + 10n);
  await leave(a, b);
});

test("a rejected withdrawal leaves the money in the channel, which pays all of it out", async () => {
  const { a, b, id } = await openPair(here, { deposit: 1_000n });
  const wallet = await here.balance(a.account);
  await a.wallet({ reject: transactions });
  const rejected = await a.call("withdraw", { channel: id, amount: "300n" });
  assert.equal(rejected.code, "USER_REJECTED", rejected.message);
  assert.equal(await here.balance(a.account), wallet);
  assert.equal((await a.channel(id)).status, "open");
  // Both have signed it, so it may still be brought until its deadline, and what it takes is not spent meanwhile.
  assert.deepEqual(await a.pay(id, 700n), { ok: "settled" });
  assert.equal((await a.pay(id, 1n)).code, "INSUFFICIENT_CAPACITY");
  await a.wallet({ reject: [] });
  assert.equal((await a.call("withdraw", { channel: id, amount: "299n" })).code, "BUSY");
  assert.equal((await a.call("closeChannel", { channel: id, mode: "unilateral" })).ok?.status, "closing");
  await a.until(id, (channel) => channel.status === "settleable", "the challenge period ends", 60_000);
  assert.equal((await a.call("settle", { channel: id })).ok?.status, "settled");
  assert.equal(await here.balance(a.account), wallet + 300n);
  await leave(a, b);
});

test("a rejected cooperative close can be brought again", async () => {
  const { a, b, id } = await openPair(here, { deposit: 1_000n });
  assert.deepEqual(await a.pay(id, 1n), { ok: "settled" });
  await a.wallet({ reject: transactions });
  assert.equal((await a.call("closeChannel", { channel: id, mode: "cooperative" })).code, "USER_REJECTED");
  await a.wallet({ reject: [] });
  const closed = await a.call("closeChannel", { channel: id, mode: "cooperative" });
  assert.equal(closed.ok?.status, "settled", closed.message);
  await leave(a, b);
});

test("a slow endpoint delays everything and breaks nothing", async () => {
  const { a, b, id } = await openPair(here);
  await a.wallet({ delay: 300 });
  assert.deepEqual(await a.pay(id, 1n), { ok: "settled" });
  const deposited = await a.call("deposit", { channel: id, amount: "7n" });
  assert.equal(deposited.ok?.ours.deposited, 1_000_007n, deposited.message);
  await agree(a, b, id, 1_000_007n);
  await leave(a, b);
});

test("a failing endpoint is reported, payments go on, and it is found well again", async () => {
  const { a, b, id } = await openPair(here);
  await a.wallet({ fail: ["eth_getBlockByNumber", "eth_getLogs", "eth_chainId", "eth_call"] });
  await a.untilStatus((status) => status.chainOk === false, "the failure is reported");
  assert.deepEqual(await a.pay(id, 2n), { ok: "settled" }, "payments do not need the chain");
  const before = await a.prompts();
  const failed = await a.call("deposit", { channel: id, amount: "1n" });
  assert.equal(failed.code, "PROVIDER_ERROR", failed.message);
  assert.equal(await a.prompts(), before, "nobody is asked for what cannot be checked");
  await a.wallet({ fail: [] });
  await a.untilStatus((status) => status.chainOk === true, "the endpoint is well again");
  await agree(a, b, id, 1_000_000n);
  await leave(a, b);
});

test("a wallet that fails while sending leaves the outcome open, and the chain tells", async () => {
  const { a, b, id } = await openPair(here);
  await a.wallet({ fail: transactions });
  const failed = await a.call("deposit", { channel: id, amount: "1n" });
  assert.ok(["PROVIDER_ERROR", "OUTCOME_UNKNOWN"].includes(failed.code), failed.code);
  assert.equal((await a.channel(id)).ours.deposited, 1_000_000n);
  await a.wallet({ fail: [] });
  assert.equal((await a.call("deposit", { channel: id, amount: "2n" })).ok?.ours.deposited, 1_000_002n);
  await leave(a, b);
});

test("a wallet that was switched to another chain is asked for nothing", async () => {
  const { a, b, id } = await openPair(here);
  await a.wallet({ chainId: "0x1" });
  await a.untilStatus((status) => status.chainOk === false, "the other chain is noticed");
  const before = await a.prompts();
  for (const [method, parameters] of [
    ["openChannel", { partner: b.account, token: here.token, deposit: "1n" }],
    ["deposit", { channel: id, amount: "1n" }],
    ["closeChannel", { channel: id, mode: "unilateral" }],
    ["authorize", {}],
  ]) {
    const refused = await a.call(method, parameters);
    assert.equal(refused.code, "WRONG_CHAIN", `${method}: ${refused.message}`);
  }
  assert.equal(await a.prompts(), before);
  assert.equal((await a.call("channels")).ok.length, 1);
  assert.deepEqual(await a.pay(id, 2n), { ok: "settled" }, "payments do not need the chain");
  await a.wallet({ chainId: undefined });
  await a.untilStatus((status) => status.chainOk === true, "the right chain is back");
  await leave(a, b);
});

test("a reorg that takes an unconfirmed deposit away takes its effect away", async () => {
  const { a, b, id } = await openPair(here, { settings: { confirmations: 6 } });
  const depositing = a.call("deposit", { channel: id, amount: "77n" }).catch(() => "the tab is closed");
  await a.page.waitForFunction(() => window.under.events.some((event) => event.type === "progress" && event.stage === "confirming"));
  const inBlock = await here.stack.reader.getBlockNumber();
  await reorg(3);
  const events = await here.stack.reader.getLogs({ address: here.stack.judge, fromBlock: inBlock - 2n });
  assert.deepEqual(events, [], "the deposit is gone from the chain");
  // As many blocks as a confirmation needs, and more, on the new chain.
  await a.page.waitForFunction((block) => window.under.client.status().then((status) => status.block > block), inBlock + 8n);
  for (const person of [a, b]) {
    const view = await person.channel(id);
    assert.equal((person === a ? view.ours : view.theirs).deposited, 1_000_000n);
    assert.equal(view.status, "open");
  }
  assert.equal((await a.pay(id, 1_000_001n)).code, "INSUFFICIENT_CAPACITY");
  assert.deepEqual(await a.pay(id, 1n), { ok: "settled" });
  await leave(a, b);
  await depositing;
});

test("a reorg that takes a spent deposit away stops the channel with a clear error", async () => {
  const { a, b, id } = await openPair(here, { deposit: 1_000n, settings: { confirmations: 1 } });
  // The opening is older than what the chain takes back.
  await here.mine(5);
  assert.equal((await a.call("deposit", { channel: id, amount: "500n" })).ok?.ours.deposited, 1_500n);
  await b.until(id, (channel) => channel.theirs.deposited === 1_500n, "the partner counts the deposit");
  assert.deepEqual(await a.pay(id, 1_400n), { ok: "settled" });
  await reorg(3);
  for (const person of [a, b]) {
    const view = await person.until(id, (channel) => channel.status === "stopped", "the channel stops");
    assert.match(view.error.message, /no longer holds the deposit/);
    assert.equal((await person.pay(id, 1n)).code, "CHANNEL_STOPPED");
  }
  await leave(a, b);
});
