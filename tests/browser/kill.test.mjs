// Tabs are killed between any two steps of a payment and at random moments, on either side, and come back: nothing that was
// reported is lost, nothing is paid twice, no number is ever signed with two contents, and both sides agree in the end.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { Ledger } from "./proofs.mjs";
import { agree, leave, openPair, quieten, world } from "./support.mjs";

const kills = Number(process.env.CHIT_KILLS ?? 200);
const total = 1_000_000n;
const quiet = { pollingInterval: 3_600_000 };
let here;
before(async () => (here = await world()));
after(async () => here?.close());

/** A small generator, so that a failing run can be repeated with its seed. */
function random(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Starts a payment that a kill may cut short; resolves to its status, an error's code, or "killed". */
function startPaying(person, channel, amount, id) {
  return person.pay(channel, amount, undefined, id).then(
    ({ ok, code }) => ok ?? code,
    () => "killed",
  );
}

/** Brings a person back, and takes down what its disk says before the client touches it. */
async function comeBack(person, ledger) {
  await person.load();
  ledger.note(await person.storedUpdates());
  await person.start();
}

test("a tab killed between any two steps of a payment loses nothing, and pays nothing twice", async () => {
  const { a: payer, b: payee, id } = await openPair(here);
  const ledger = new Ledger();
  // Without news from the chain, all that these tabs store and send is the payment.
  for (const person of [payer, payee]) {
    person.settings = quiet;
    await comeBack(person, ledger);
  }
  const paths = new Map([
    [payer, ["before commit", "committed", "before frame", "frame sent", "frame received", "before commit", "committed"]],
    [payee, ["frame received", "before commit", "committed", "before frame", "frame sent"]],
  ]);
  let paid = 0n;
  /** Pays once, undisturbed, and returns the steps of both. */
  const walk = async () => {
    await quieten([payer, payee]);
    for (const person of paths.keys()) await person.page.evaluate(() => window.gates.record());
    assert.deepEqual(await payer.pay(id, 1n), { ok: "settled" });
    paid += 1n;
    return Promise.all([...paths.keys()].map((person) => person.page.evaluate(() => window.gates.seen)));
  };
  // A sign of life to the relay may fall among the steps; then they are taken down again.
  let steps = await walk();
  for (let tries = 1; tries < 5 && JSON.stringify(steps) !== JSON.stringify([...paths.values()]); tries += 1) steps = await walk();
  assert.deepEqual(steps, [...paths.values()], "the steps of a payment");

  /** Kills the victim at the step with this number in its path, once; false when something else came in between. */
  const killAt = async (victim, step, index, what) => {
    await quieten([payer, payee]);
    const stopped = here.server.stopped();
    await victim.page.evaluate((index) => window.gates.record(index), index);
    const paying = startPaying(payer, id, 10n);
    const isThere = (await stopped) === step;
    await victim.kill();
    await comeBack(victim, ledger);
    const status = await paying;
    const view = await agree(payer, payee, id, total);
    const made = view.ours.transferred - paid;
    paid = view.ours.transferred;
    assert.equal(status, victim === payer ? "killed" : "settled", what);
    // Wherever it was killed, the payment is made once or not at all; and what the payer was told is so.
    assert.ok(made === 10n || (made === 0n && victim === payer), `${what}: ${made}`);
    // What was not stored was never said to anybody; whatever was stored is paid.
    if (isThere) assert.equal(made, victim === payee || index > 0 ? 10n : 0n, what);
    return isThere;
  };
  for (const [victim, path] of paths) {
    for (const [index, step] of path.entries()) {
      const what = `the ${victim === payer ? "payer" : "payee"} killed at “${step}” (${index})`;
      let tries = 1;
      while (!(await killAt(victim, step, index, what))) assert.ok((tries += 1) <= 5, `${what} was never reached`);
    }
  }
  for (const person of [payer, payee]) ledger.note(await person.storedUpdates());
  await leave(payer, payee);
});

test(`killing either tab ${kills} times at random moments of payments loses nothing`, async () => {
  const seed = Number(process.env.CHIT_SEED ?? Date.now() % 1_000_000);
  console.log(`# seed ${seed} (CHIT_SEED repeats its choices)`);
  const next = random(seed);
  const { a, b, id } = await openPair(here);
  const ledger = new Ledger();
  // By payer: payment id to amount, and the ids that were reported as settled.
  const tried = new Map([[a, new Map()], [b, new Map()]]);
  const settled = new Map([[a, new Set()], [b, new Set()]]);
  const submit = (payer, amount) => {
    const payment = `0x${randomBytes(16).toString("hex")}`;
    tried.get(payer).set(payment, amount);
    return startPaying(payer, id, amount, payment).then((status) => {
      if (status === "settled") settled.get(payer).add(payment);
      return status;
    });
  };
  assert.equal(await submit(a, 100_000n), "settled");

  const check = async () => {
    const view = await agree(a, b, id, total);
    const [ofA, ofB] = await Promise.all([a, b].map((person) => person.call("payments", { channel: id, limit: 1_000 })));
    for (const [payer, own, other, transferred] of [
      [a, ofA.ok, ofB.ok, view.ours.transferred],
      [b, ofB.ok, ofA.ok, view.theirs.transferred],
    ]) {
      const content = (list, direction) =>
        list.filter((payment) => payment.direction === direction).map(({ id, amount, nonce }) => `${id}:${amount}:${nonce}`).sort();
      const sent = own.filter((payment) => payment.direction === "sent");
      assert.deepEqual(content(own, "sent"), content(other, "received"), "both sides hold the same payments");
      const ids = new Set(sent.map((payment) => payment.id));
      assert.equal(ids.size, sent.length, "no payment is there twice");
      for (const payment of settled.get(payer)) assert.ok(ids.has(payment), `${payment} was reported as settled and is gone`);
      for (const { id: payment, amount } of sent) assert.equal(amount, tried.get(payer).get(payment), "the amount that was asked for");
      assert.equal(sent.reduce((sum, { amount }) => sum + amount, 0n), transferred, "the payments add up to what was signed");
    }
  };

  for (let round = 0; round < kills; round += 1) {
    const [payer, victim] = [next(2) === 0 ? a : b, next(2) === 0 ? a : b];
    // Several at once, so that updates are in flight while others are queued.
    const paying = Array.from({ length: 1 + next(3) }, () => submit(payer, BigInt(1 + next(20))));
    await new Promise((resolve) => setTimeout(resolve, next(25)));
    // A tab that is closed, or one whose page is torn down under it: the second costs less time, and its process lives on.
    if (next(4) === 0) await victim.kill();
    await comeBack(victim, ledger);
    const statuses = await Promise.all(paying);
    // A payer that lives on hears of its payments once the payee is back.
    if (payer !== victim) assert.deepEqual(new Set(statuses), new Set(["settled"]));
    if (round % 10 === 9 || round === kills - 1) await check();
  }
  for (const person of [a, b]) ledger.note(await person.storedUpdates());
  const reported = settled.get(a).size + settled.get(b).size;
  console.log(`# ${kills} kills, ${reported} payments reported as settled, ${ledger.size} proofs, 0 lost, 0 signed twice`);
  await leave(a, b);
});
