// Tabs are killed at random moments of a payment, on either side, and reloaded: nothing that was reported is lost, no
// number is ever signed with two contents, and both sides agree in the end.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { agree, openPair, world } from "./support.mjs";

const kills = Number(process.env.CHIT_KILLS ?? 60);
const total = 1_000_000n;
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

/** Starts a payment that the kill may cut short. */
function startPaying(person, id, amount) {
  return person.page
    .evaluate(([channel, amount]) => window.under.client.pay({ channel, amount: BigInt(amount) }).then((payment) => payment.status), [
      id,
      String(amount),
    ])
    .catch(() => "killed");
}

test(`killing either tab ${kills} times at random steps of a payment loses nothing`, async () => {
  const seed = Number(process.env.CHIT_SEED ?? Date.now() % 1_000_000);
  console.log(`# seed ${seed}`);
  const next = random(seed);
  const { a, b, id } = await openPair(here);
  assert.deepEqual(await a.pay(id, 100_000n), { ok: "settled" });
  const settled = { a: 100_000n, b: 0n };
  const tried = { a: 100_000n, b: 0n };
  const proofs = new Map();
  for (let round = 0; round < kills; round += 1) {
    const [payer, victim] = [next(2) === 0 ? "a" : "b", next(2) === 0 ? a : b];
    const amount = BigInt(1 + next(20));
    const paying = startPaying(payer === "a" ? a : b, id, amount);
    await new Promise((resolve) => setTimeout(resolve, next(25)));
    await victim.kill();
    await victim.open();
    const surviving = victim !== (payer === "a" ? a : b);
    // A payer that lives on hears of its payment once the payee is back.
    const status = surviving ? await paying : "killed";
    tried[payer] += amount;
    if (status === "settled") settled[payer] += amount;
    if (round % 20 === 19 || round === kills - 1) {
      const view = await agree(a, b, id, total);
      assert.ok(view.ours.transferred >= settled.a, "what A was told is settled is paid");
      assert.ok(view.theirs.transferred >= settled.b, "what B was told is settled is paid");
      assert.ok(view.ours.transferred <= tried.a && view.theirs.transferred <= tried.b, "nothing is paid twice");
      for (const person of [a, b]) {
        const sent = (await person.call("payments", { channel: id, limit: 1_000 })).ok;
        for (const payment of sent) {
          const key = `${payment.direction === "sent" ? person.account : "partner"}`;
          if (payment.direction !== "sent") continue;
          const known = proofs.get(`${key}:${payment.nonce}`);
          assert.ok(known === undefined || known === payment.id, `nonce ${payment.nonce} carries two payments`);
          proofs.set(`${key}:${payment.nonce}`, payment.id);
        }
      }
      const [ofA, ofB] = [await a.call("payments", { channel: id, limit: 1_000 }), await b.call("payments", { channel: id, limit: 1_000 })];
      const content = (list) => list.ok.map((payment) => `${payment.id}:${payment.amount}:${payment.nonce}`).sort();
      assert.deepEqual(content(ofA), content(ofB), "both sides hold the same payments");
    }
  }
  console.log(`# ${kills} kills, ${proofs.size} proofs, 0 lost`);
  await a.context.close();
  await b.context.close();
});

test("clearing the browser's data loses nothing that the partner holds", async () => {
  const { a, b, id } = await openPair(here, { first: 2, second: 3 });
  assert.deepEqual(await a.pay(id, 500n), { ok: "settled" });
  assert.deepEqual(await b.pay(id, 200n), { ok: "settled" });
  await a.context.close();
  const wiped = await here.person(2);
  await wiped.authorize();
  const view = await wiped.until(id, (channel) => channel.ready, "the wiped client has caught up");
  assert.equal(view.ours.transferred, 500n);
  assert.equal(view.theirs.transferred, 200n);
  assert.deepEqual(await wiped.pay(id, 11n), { ok: "settled" });
  const after = await agree(wiped, b, id, total);
  assert.equal(after.ours.transferred, 511n);
  await wiped.context.close();
  await b.context.close();
});

test("a second tab of the same account is told so and changes nothing", async () => {
  const { a, b, id } = await openPair(here, { first: 4, second: 5 });
  const page = await a.context.newPage();
  await page.goto(`${here.server.url}/bare/index.html`);
  await page.waitForFunction(() => window.ready);
  const second = await page.evaluate(
    (options) => window.under.attempt(() => window.under.start(options)),
    { wallet: a.account },
  );
  assert.equal(second.code, "ALREADY_OPEN");
  assert.equal(second.isChit, true);
  assert.deepEqual(await a.pay(id, 5n), { ok: "settled" });
  await a.context.close();
  await b.context.close();
});
