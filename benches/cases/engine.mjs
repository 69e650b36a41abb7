// What the engine adds to a payment's signature and verification, and how many payments two engines in one thread make.
import { capture, UserError } from "../../scripts/lib/run.mjs";
import { rates, ratio } from "../lib/stats.mjs";

const goal = 1.15;
const atOnce = 1_000;

export async function engine(report, { pages, native }) {
  const page = await pages.measuring();
  const wasm = await page.evaluate((atOnce) => window.bench.engine(atOnce), atOnce);
  await page.close();
  report.group("Engine: both sides of a payment in one thread, memory store, messages encoded and decoded");
  rows(report, "wasm", wasm.figures, `signatures: ${wasm.signatures}`);

  const printed = capture(native, []);
  if (printed === undefined) throw new UserError("the native benchmark failed");
  const { signAndVerify, oneAtATime, atOnce: many } = JSON.parse(printed);
  const microseconds = (figures) => figures.map((figure) => figure / 1_000);
  const figures = { signAndVerify: microseconds(signAndVerify), oneAtATime: microseconds(oneAtATime), atOnce: microseconds(many) };
  rows(report, "native", figures, "");
}

function rows(report, where, { signAndVerify, oneAtATime, atOnce: many }, note) {
  report.add(`${where}: bare sign + verify`, signAndVerify, "µs");
  report.add(`${where}: one payment, Update and Ack handled`, oneAtATime, "µs", {
    against: { ratio: ratio(oneAtATime, signAndVerify), to: "bare", goal },
  });
  report.add(`${where}: payments, one at a time`, rates(oneAtATime), "/s");
  report.add(`${where}: payments, ${atOnce.toLocaleString("en")} at once`, rates(many), "/s", { note });
}
