// Durable payments between two tabs: two origins in one Chromium with a profile on the disk, the real relay in between.
import { openPair, Person } from "../../tests/browser/support.mjs";
import { ratioOfMedians } from "../lib/stats.mjs";

const sequential = 100;
const repeats = 5;
/** Payments that are submitted at once, with the goal for payments per second. */
const batches = [{ count: 1_000 }, { count: 20_000, least: 10_000 }];
/** About what one update's record takes. */
const record = 600;

export async function tabs(report, { pages, stack }) {
  const accounts = stack.deployment.accounts;
  const world = {
    token: stack.deployment.token.address,
    async person(index, settings) {
      const person = new Person(pages.context, pages.origins[index % 2], accounts[index], settings);
      return person.open();
    },
  };
  const settings = { pollingInterval: 15_000 };
  const { a, b, id } = await openPair(world, { deposit: 10_000_000n, settings });
  try {
    await measure(report, { a, b, id, pages });
  } finally {
    await Promise.all([a, b].map((person) => person.page.close()));
  }
}

async function measure(report, { a, id, pages }) {
  report.group("Two tabs over the relay: every payment strictly durable on both sides before it is reported");
  const page = await pages.measuring();
  const commits = await page.evaluate((bytes) => window.bench.rawCommits({ values: 1, bytes }), record);
  await page.close();
  report.add("raw IndexedDB: strict commits, one small value each", commits, "/s");

  const one = [];
  for (let repeat = 0; repeat <= repeats; repeat += 1) {
    const { seconds } = await pay(a, id, sequential, 1);
    if (repeat > 0) one.push(sequential / seconds);
  }
  report.add("payments, one at a time", one, "/s", {
    against: { ratio: ratioOfMedians(one, commits), to: "raw commits" },
    note: "three commits and a round trip each",
  });
  for (const { count, least } of batches) {
    const [figures, signatures] = [[], []];
    for (let repeat = 0; repeat <= repeats; repeat += 1) {
      const done = await pay(a, id, count, count);
      if (repeat === 0) continue;
      figures.push(count / done.seconds);
      signatures.push(done.signatures);
    }
    report.add(`payments, ${count.toLocaleString("en")} at once`, figures, "/s", {
      against: { ratio: ratioOfMedians(figures, commits), to: "raw commits" },
      ...(least ? { goal: { figure: least, least: true } } : {}),
      note: `signatures: ${Math.max(...signatures)}`,
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
