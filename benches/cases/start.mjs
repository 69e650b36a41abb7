// Cold start: a fresh page, a database that holds channels, and the time until they are listed.
import { UserError } from "../../scripts/lib/run.mjs";
import { ratioOfMedians } from "../lib/stats.mjs";

const repeats = 5;
const sizes = [10, 1_000, 10_000];
/** How many partners the channels are spread over, at most. */
const mostPartners = 50;

export async function start(report, { pages, stack }) {
  report.group("Cold start in a fresh page: wasm loaded, records read, channels listed; each channel was paid in both directions");
  const wallet = stack.deployment.accounts[4];
  let least;
  for (const channels of sizes) {
    const storageName = `start-${channels}`;
    const seeding = await pages.measuring();
    const partners = Math.min(channels, mostPartners);
    await seeding.evaluate((options) => window.bench.seed(options), { storageName, wallet, partners, channels });
    await seeding.close();
    const figures = { created: [], listed: [] };
    for (let repeat = 0; repeat <= repeats; repeat += 1) {
      const page = await pages.measuring();
      const started = await page.evaluate((options) => window.bench.start(options), { storageName, wallet });
      await page.close();
      if (started.channels !== channels || started.usable !== channels) {
        throw new UserError(`${started.channels} channels were listed and ${started.usable} are open, of ${channels}`);
      }
      if (repeat === 0) continue;
      figures.created.push(started.created);
      figures.listed.push(started.listed);
    }
    const name = channels.toLocaleString("en");
    report.add(`${name} channels: client created`, figures.created, "ms");
    report.add(`${name} channels: listed`, figures.listed, "ms", {
      ...(least ? { against: { ratio: ratioOfMedians(figures.listed, least), to: `with ${sizes[0]}` } } : {}),
    });
    least ??= figures.listed;
  }
}
