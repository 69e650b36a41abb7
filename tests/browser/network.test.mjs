// The network as two tabs see it: channels from a real chain, announcements over the real relay.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { agree, leave, openPair, world } from "./support.mjs";

let here;
before(async () => (here = await world()));
after(async () => here?.close());

const same = (one, other) => one.toLowerCase() === other.toLowerCase();
const node = (view, wallet) => view.nodes.find((node) => same(node.wallet, wallet));

/** Asks for the network until it looks as wanted. */
async function until(person, wanted, what) {
  const end = Date.now() + 30_000;
  let last;
  while (Date.now() < end) {
    last = (await person.call("network")).ok;
    if (last && wanted(last)) return last;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const printed = JSON.stringify(last, (_, value) => (typeof value === "bigint" ? `${value}n` : value));
  assert.fail(`${what} did not happen; last seen: ${printed}`);
}

test("two mediators see their channel, their fees and what changes", async () => {
  const settings = { mediate: { flat: 3n, proportional: 250 } };
  const { a, b, id } = await openPair(here, { settings });
  await a.page.evaluate(() => {
    window.changes = 0;
    window.under.client.on("network", () => (window.changes += 1));
  });
  const found = (view) => view.channels.find((channel) => channel.id === id);
  const first = await until(a, (view) => found(view) && node(view, b.account)?.mediates, "B's announcement");
  assert.equal(first.complete, true);
  assert.ok(first.block > 0n);
  const channel = found(first);
  assert.equal(channel.total, 1_000_000n);
  assert.ok(same(channel.token, here.token));
  assert.ok([channel.a, channel.b].every((wallet) => same(wallet, a.account) || same(wallet, b.account)));
  const { flat, proportional, reachable } = node(first, b.account);
  assert.deepEqual([flat, proportional, reachable], [3n, 250, true]);

  // Half of it goes to B, and both say so in sixteenths.
  assert.deepEqual(await a.pay(id, 500_000n), { ok: "settled" });
  const hint = (view, wallet) => (same(channel.a, wallet) ? found(view).hintA : found(view).hintB);
  const halves = (view) => hint(view, a.account) === 500_000n && hint(view, b.account) === 500_000n;
  await until(b, halves, "the change");
  await agree(a, b, id, 1_000_000n);
  assert.ok((await a.page.evaluate(() => window.changes)) > 0, "A heard that the network changed");

  // A new tab of A goes on with the stored graph; of other tokens there is nothing.
  await a.load();
  await a.start();
  await until(a, halves, "the network after a reload");
  const none = await a.call("network", { token: "0x0000000000000000000000000000000000000000" });
  assert.deepEqual(none.ok.channels.filter((channel) => channel.id === id), []);

  await b.page.evaluate(() => window.under.client.close());
  await until(a, (view) => !node(view, b.account).reachable, "B's farewell");
  await leave(a, b);
});

test("who does not ask for the network neither reads nor tells anything of it", async () => {
  const { a, b, id } = await openPair(here);
  assert.deepEqual(await a.pay(id, 5n), { ok: "settled" });
  const view = await until(b, (view) => node(view, a.account), "the graph");
  assert.deepEqual([node(view, a.account).reachable, node(view, a.account).mediates], [false, false]);
  // B has asked, so A finds it; but nothing of its channels is told.
  await until(a, (view) => node(view, b.account)?.reachable, "B's announcement");
  const after = await until(a, (view) => node(view, a.account)?.reachable, "A's announcement");
  const channel = after.channels.find((channel) => channel.id === id);
  assert.deepEqual([channel.hintA, channel.hintB, node(after, b.account).mediates], [undefined, undefined, false]);
  await leave(a, b);
});

test("a bad token and a bad fee are refused", async () => {
  const a = await here.person(here.fresh());
  assert.equal((await a.call("network", { token: "0x12" })).code, "INVALID_ARGUMENT");
  const wrong = `${here.token.slice(0, 2)}${here.token.slice(2).toUpperCase()}`;
  if (/[A-F]/.test(wrong)) {
    const mixed = wrong.replace(/[A-F](?=[^A-F]*$)/, (letter) => letter.toLowerCase());
    assert.equal((await a.call("network", { token: mixed })).code, "INVALID_ARGUMENT");
  }
  await leave(a);
});
