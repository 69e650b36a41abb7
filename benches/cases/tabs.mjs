// Durable payments between two tabs: two origins in one Chromium with a profile on the disk, the real relay in between.
import { openPair, Person } from "../../tests/browser/support.mjs";
import { ratio } from "../lib/stats.mjs";

const sequential = 100;
const repeats = 5;
/** Payments that are submitted at once, with the goal for payments per second. */
const batches = [{ count: 1_000 }, { count: 20_000, least: 10_000 }];
/** About what the records of an update with one payment take, and of one with 1,000. */
const smallRecord = 600;
const largeRecord = 24 * 1_024;

export async function tabs(report, { pages, stack }) {
  const accounts = stack.deployment.accounts;
  let used = 0;
  const world = {
    token: stack.deployment.token.address,
    fresh: () => used++,
    async person(index, settings) {
      const person = new Person(pages.context, pages.origins[index % 2], accounts[index], settings);
      return person.open();
    },
  };
  const settings = { pollingInterval: 15_000 };
  const { a, b, id } = await openPair(world, { deposit: 10_000_000n, settings });
  try {
    await measure(report, { a, id, pages });
  } finally {
    await Promise.all([a, b].map((person) => person.page.close()));
  }
}

async function measure(report, { a, id, pages }) {
  const page = await pages.measuring();
  const raw = (bytes) => page.evaluate((bytes) => window.bench.rawCommits({ bytes }), bytes);
  const figures = { small: [], large: [], one: [], batches: batches.map(() => []) };
  const signatures = batches.map(() => 0);
  // Everything in turn, so that the machine's noise falls on all of it. The first repetition warms up.
  for (let repeat = 0; repeat <= repeats; repeat += 1) {
    const keep = (list, figure) => repeat > 0 && list.push(figure);
    keep(figures.small, await raw(smallRecord));
    keep(figures.large, await raw(largeRecord));
    keep(figures.one, sequential / (await pay(a, id, sequential, 1)).seconds);
    for (const [index, { count }] of batches.entries()) {
      const done = await pay(a, id, count, count);
      keep(figures.batches[index], count / done.seconds);
      signatures[index] = Math.max(signatures[index], done.signatures);
    }
  }
  await page.close();

  report.group("Two tabs over the relay: every payment strictly durable on both sides before it is reported");
  report.add(`raw IndexedDB: strict commits of ${smallRecord} bytes`, figures.small, "/s");
  report.add(`raw IndexedDB: strict commits of ${largeRecord / 1_024} KB, as for 1,000 payments`, figures.large, "/s");
  report.add("payments, one at a time", figures.one, "/s", {
    against: { ratio: ratio(figures.one, figures.small), to: "raw small commits" },
    note: "three commits and a round trip each",
  });
  for (const [index, { count, least }] of batches.entries()) {
    report.add(`payments, ${count.toLocaleString("en")} at once`, figures.batches[index], "/s", {
      against: { ratio: ratio(figures.batches[index], figures.small), to: "raw small commits" },
      ...(least ? { goal: { figure: least, least: true } } : {}),
      note: `signatures: ${signatures[index]}`,
    });
  }
}

/** Pays `count` times in groups of `together`, a group after the other; seconds, and how many proofs were signed. */
function pay(person, channel, count, together) {
  return person.page.evaluate(
    async ([channel, count, together]) => {
      const { client } = window.under;
      const before = await client.channel({ channel });
      const begun = performance.now();
      for (let paid = 0; paid < count; paid += together) {
        const payments = await Promise.all(Array.from({ length: together }, () => client.pay({ channel, amount: 1n })));
        if (payments.some(({ status }) => status !== "settled")) throw new Error("a payment was not settled");
      }
      const seconds = (performance.now() - begun) / 1_000;
      const after = await client.channel({ channel });
      return { seconds, signatures: after.ours.nonce - before.ours.nonce };
    },
    [channel, count, together],
  );
}
