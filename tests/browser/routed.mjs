// Persons whose channels form a network, shared by the tests of payments over several hops.
import assert from "node:assert/strict";

/** What a mediator of these tests takes: two units and one percent, rounded up. */
export const fees = { flat: 2n, proportional: 10_000 };

/** The fee for passing `amount` on. */
export const feeOf = (amount) => fees.flat + (amount * BigInt(fees.proportional) + 999_999n) / 1_000_000n;

/** What is sent into a way of `mediators` so that `amount` arrives at its end. */
export function sentFor(amount, mediators) {
  let sent = amount;
  for (let count = 0; count < mediators; count += 1) sent += feeOf(sent);
  return sent;
}

/**
 * Persons with channels between them, all open and ready.
 *
 * @param {[number, number][]} pairs who opens to whom; both deposit
 * @returns {Promise<{people: import("./support.mjs").Person[], ids: string[]}>} `ids` in the order of `pairs`
 */
export async function openNetwork(world, count, pairs, { deposit = 100_000n, deposits, settings = {} } = {}) {
  const all = { mediate: fees, ...settings };
  const people = [];
  for (let index = 0; index < count; index += 1) people.push(await world.person(world.fresh(), all));
  for (const person of people) await person.authorize();
  const ids = [];
  // One after the other: two transactions of one account must not race for a number.
  for (const [index, [from, to]] of pairs.entries()) {
    const [a, b] = [people[from], people[to]];
    const amount = deposits?.[index] ?? deposit;
    const id = await a.openChannel(b.account, world.token, amount);
    await b.until(id, ({ status }) => status === "open", "the partner sees the channel");
    const deposited = await b.call("deposit", { channel: id, amount: `${amount}n` });
    assert.equal(deposited.ok?.ours.deposited, amount, deposited.message);
    ids.push(id);
  }
  for (const [index, [from, to]] of pairs.entries()) {
    for (const at of [from, to]) {
      const both = (channel) => channel.ready && channel.ours.deposited > 0n && channel.theirs.deposited > 0n;
      await people[at].until(ids[index], both, "both deposits count");
    }
  }
  for (const person of people) await knows(person, ids);
  return { people, ids };
}

/** Waits until a person has heard of both sides of every channel that they can send something over it. */
export async function knows(person, ids) {
  const end = Date.now() + 30_000;
  for (;;) {
    const view = (await person.call("network", { token: person.token })).ok;
    const isTold = (id) => view?.channels.some((channel) => channel.id === id && channel.hintA > 0n && channel.hintB > 0n);
    if (view?.complete && ids.every(isTold)) return;
    if (Date.now() > end) assert.fail(`the network was not heard of: ${JSON.stringify(view, (_, value) => (typeof value === "bigint" ? `${value}n` : value))}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A, B, C and D in a row. */
export async function openRow(world, options) {
  const { people, ids } = await openNetwork(world, 4, [[0, 1], [1, 2], [2, 3]], options);
  const [a, b, c, d] = people;
  return { people, a, b, c, d, ids };
}

/** Two ways from A to D: over B and over C. */
export async function openDiamond(world, options) {
  const { people, ids } = await openNetwork(world, 4, [[0, 1], [1, 3], [0, 2], [2, 3]], options);
  const [a, b, c, d] = people;
  return { people, a, b, c, d, ids, overB: ids.slice(0, 2), overC: ids.slice(2) };
}

/** Starts a payment to an account; resolves to its view with the steps it took, or to an error's code. */
export function payTo(person, to, amount, more = {}) {
  return person.page.evaluate(
    ([to, token, amount, more]) =>
      window.under.attempt(async () => {
        const payment = window.under.client.pay({ to, token, amount: BigInt(amount), ...more });
        const view = await payment;
        return { ...view, steps: [...payment.progress] };
      }),
    [to, person.token, String(amount), more],
  );
}

/** Asks how a payment would go, without paying. */
export const quote = (person, to, amount) => person.call("quote", { to, token: person.token, amount: `${amount}n` });

/** Waits until there is a way: whoever was away is announced as back by its neighbours after a while. */
export async function untilWay(person, to, amount) {
  const end = Date.now() + 60_000;
  for (;;) {
    const asked = await quote(person, to, amount);
    if (asked.ok) return;
    if (Date.now() > end) assert.fail(`there is no way: ${asked.code}: ${asked.message}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** How much a person's channels hold for it, and how much of it hangs in locks. */
export async function holdings(person, ids) {
  const views = await Promise.all(ids.map((id) => person.channel(id).catch(() => undefined)));
  const own = views.filter((view) => view !== undefined);
  return {
    balance: own.reduce((sum, { ours }) => sum + ours.balance, 0n),
    locked: own.reduce((sum, { ours }) => sum + ours.locked, 0n),
  };
}

/** Waits until nothing hangs in any of the channels, and both sides of each agree; returns what everybody holds. */
export async function calm(people, ids, timeout = 60_000) {
  const end = Date.now() + timeout;
  for (;;) {
    const views = await Promise.all(ids.map((id) => Promise.all(people.map((person) => person.channel(id).catch(() => undefined)))));
    const pairs = views.map((both) => both.filter((view) => view !== undefined));
    const isCalm = pairs.every(([one, other]) =>
      one && other && one.ours.balance === other.theirs.balance && one.theirs.balance === other.ours.balance &&
      one.ours.nonce === other.theirs.nonce && one.theirs.nonce === other.ours.nonce &&
      [one, other].every(({ ours, theirs, pendingPayments }) => ours.locked === 0n && theirs.locked === 0n && pendingPayments === 0));
    if (isCalm) return Promise.all(people.map(async (person) => (await holdings(person, ids)).balance));
    if (Date.now() > end) {
      const told = pairs.map((both) => both.map(({ ours, theirs }) => [ours, theirs].map(({ balance, locked, nonce }) => `${balance}/${locked}#${nonce}`).join(" ")));
      assert.fail(`the channels do not come to rest: ${JSON.stringify(told)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * Lets the chain's time pass in small steps, each seen by everybody who lives, until `reached` says so: what a client has to
 * do in time it can do, as on a chain that takes its time.
 */
export async function passUntil(world, people, reached, what, { step = 3, limit = 400 } = {}) {
  const { reader } = world.stack;
  for (let count = 0; count < limit; count += 1) {
    if (await reached()) return;
    await reader.request({ method: "evm_increaseTime", params: [step] });
    await world.mine(1);
    const { timestamp } = await reader.getBlock();
    for (const person of people) await person.untilStatus((status) => (status.timestamp ?? 0) >= Number(timestamp), "a block is seen");
  }
  assert.fail(`${what} did not happen`);
}
