// Payments over one mediator, a lock among many, and ways through large networks: in one thread, in wasm and native.
import { capture, UserError } from "../../scripts/lib/run.mjs";
import { rates, ratio, ratioOfMedians } from "../lib/stats.mjs";

/** Transfers over one mediator per second in one process, measured with raiden-ts on another machine. */
const raiden = 4.5;
const microseconds = (figures) => figures.map((figure) => figure / 1_000);

export async function routed(report, { pages, native }) {
  report.group("Payments over one mediator: three engines in one thread, memory stores, messages encoded and decoded");
  for (const [where, figures] of [
    ["wasm", await inPage(pages, "routed")],
    ["native", mapValues(ask(native, "routed"), microseconds)],
  ]) {
    const { direct, oneAtATime, atOnce } = figures;
    report.add(`${where}: one direct payment`, direct, "µs");
    report.add(`${where}: one over a mediator, all messages handled`, oneAtATime, "µs", { against: { ratio: ratio(oneAtATime, direct), to: "direct" } });
    for (const [name, of] of [["one at a time", oneAtATime], ["100 at once", atOnce]]) {
      const perSecond = rates(of);
      report.add(`${where}: over a mediator, ${name}`, perSecond, "/s", {
        goal: { figure: 100 * raiden, least: true },
        note: `raiden-ts, elsewhere: ${raiden} /s`,
      });
    }
  }
}

export async function pending(report, { pages, native }) {
  report.group("A lock, the new root, and both taken back, among pending locks");
  const { sizes, figures } = ask(native, "locks");
  for (const [where, all] of [
    ["wasm", Object.values(await inPage(pages, "locks", sizes))],
    ["native", figures.map(microseconds)],
  ]) {
    for (const [index, of] of all.entries()) {
      report.add(`${where}: among ${sizes[index].toLocaleString("en")}`, of, "µs", {
        ...(index > 0 ? { against: { ratio: ratioOfMedians(of, all[0]), to: `among ${sizes[0]}` } } : {}),
      });
    }
  }
}

export async function paths(report, { pages, native }) {
  report.group("The five cheapest ways in generated scale-free networks, with fees and capacities");
  for (const { wallets, channels, cold, warm } of ask(native, "paths")) {
    const page = await pages.measuring();
    const wasm = await page.evaluate(([wallets, channels]) => window.bench.paths(wallets, channels), [wallets, channels]);
    await page.close();
    const milliseconds = (figures) => figures.map((figure) => figure / 1e6);
    const name = `${wallets.toLocaleString("en")} accounts, ${channels.toLocaleString("en")} channels`;
    // The goal is for the smaller network in what ships.
    const goal = wallets === 10_000 ? { goal: { figure: 10 } } : {};
    report.add(`wasm: ${name}, a new target`, wasm.cold, "ms", goal);
    report.add(`wasm: ${name}, a known target`, wasm.warm, "ms", goal);
    report.add(`native: ${name}, a new target`, milliseconds(cold), "ms");
    report.add(`native: ${name}, a known target`, milliseconds(warm), "ms");
  }
}

async function inPage(pages, name, argument) {
  const page = await pages.measuring();
  const figures = await page.evaluate(([name, argument]) => window.bench[name](argument), [name, argument]);
  await page.close();
  return figures;
}

function ask(native, what) {
  const printed = capture(native, [what]);
  if (printed === undefined) throw new UserError("the native benchmark failed");
  return JSON.parse(printed);
}

function mapValues(object, change) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));
}
