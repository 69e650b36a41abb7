// The browser's storage fails, is cleared, or is another tab's: the client stops with a typed error and loses nothing.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Ledger } from "./proofs.mjs";
import { agree, leave, openPair, world } from "./support.mjs";

const total = 1_000_000n;
let here;
before(async () => (here = await world()));
after(async () => here?.close());

for (const [failing, code] of [
  ["full", "STORAGE_FULL"],
  ["abort", "STORAGE_LOST"],
]) {
  for (const role of ["payer", "payee"]) {
    test(`a commit that fails (${failing}) stops the ${role} with ${code}, and a reload loses nothing`, async () => {
      const { a, b, id } = await openPair(here);
      const ledger = new Ledger();
      assert.deepEqual(await a.pay(id, 100n), { ok: "settled" });
      assert.deepEqual(await b.pay(id, 30n), { ok: "settled" });
      const victim = role === "payer" ? a : b;
      await victim.page.evaluate((failing) => void (window.gates.failing = failing), failing);
      const paying = a.pay(id, 7n);
      await victim.page.waitForFunction(() => window.under.events.some((event) => event.type === "fatal"));
      const fatal = await victim.page.evaluate(() => window.under.events.find((event) => event.type === "fatal"));
      assert.equal(fatal.code, code);
      assert.equal(await victim.page.evaluate(() => window.under.client.closed), true);
      // Frozen: it neither pays nor signs anything more, even when the disk is well again.
      await victim.page.evaluate(() => void (window.gates.failing = undefined));
      const sent = (await victim.counters()).sent;
      assert.equal((await victim.pay(id, 1n)).code, code);
      assert.equal((await victim.call("channels")).code, code);
      assert.equal((await victim.counters()).sent, sent, "nothing leaves a client that could not store");
      if (role === "payer") assert.equal((await paying).code, code);

      await victim.load();
      ledger.note(await victim.storedUpdates());
      await victim.start();
      if (role === "payee") assert.deepEqual(await paying, { ok: "settled" }, "the payer's payment waits for the payee's return");
      const view = await agree(a, b, id, total);
      assert.equal(view.ours.transferred, role === "payer" ? 100n : 107n, "what could not be stored was not paid");
      assert.equal(view.theirs.transferred, 30n);
      assert.deepEqual(await a.pay(id, 5n), { ok: "settled" });
      assert.deepEqual(await b.pay(id, 5n), { ok: "settled" });
      for (const person of [a, b]) ledger.note(await person.storedUpdates());
      await leave(a, b);
    });
  }
}

test("clearing the browser's data loses nothing that the partner holds", async () => {
  const { a, b, id } = await openPair(here);
  assert.deepEqual(await a.pay(id, 500n), { ok: "settled" });
  assert.deepEqual(await b.pay(id, 200n), { ok: "settled" });
  await a.context.close();
  const wiped = await here.person(here.accounts.indexOf(a.account));
  await wiped.authorize();
  const view = await wiped.until(id, (channel) => channel.ready, "the wiped client has caught up");
  assert.equal(view.ours.transferred, 500n);
  assert.equal(view.theirs.transferred, 200n);
  assert.deepEqual(await wiped.pay(id, 11n), { ok: "settled" });
  const after = await agree(wiped, b, id, total);
  assert.equal(after.ours.transferred, 511n);
  await leave(wiped, b);
});

test("a second tab of the same account is told so and changes nothing", async () => {
  const { a, b, id } = await openPair(here);
  const page = await a.context.newPage();
  await page.goto(`${here.server.url}/bare/index.html`);
  await page.waitForFunction(() => window.ready);
  const start = () =>
    page.evaluate((options) => window.under.attempt(async () => void (await window.under.start(options))), { wallet: a.account });
  const second = await start();
  assert.equal(second.code, "ALREADY_OPEN");
  assert.equal(second.isChit, true);
  assert.deepEqual(await a.pay(id, 5n), { ok: "settled" });
  await a.kill();
  const end = Date.now() + 10_000;
  let taken = await start();
  // The browser needs a moment to notice that the first tab is gone.
  while (taken.retryable && Date.now() < end) taken = await start();
  assert.deepEqual(taken, { ok: undefined }, "the second tab takes over when the first is gone");
  a.page = page;
  assert.equal((await agree(a, b, id, total)).ours.transferred, 5n);
  await leave(a, b);
});
