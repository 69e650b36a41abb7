// k256, built into wasm as it ships, against libsecp256k1 in wasm and against noble, called from a page of Chromium.
import { ratio } from "../lib/stats.mjs";

/** Goals are against libsecp256k1 in wasm. Nothing that a payment does recovers a key; that row is for wallets' grants. */
const goals = { sign: 1.25, verify: 1.25 };

export async function signatures(report, { pages }) {
  const page = await pages.measuring();
  const figures = await page.evaluate(() => window.bench.signatures());
  await page.close();
  report.group("Signatures in Chromium: Chit's k256 in wasm, tiny-secp256k1 (libsecp256k1 in wasm), @noble/curves");
  for (const what of ["sign", "verify", "recover"]) {
    const [ours, tiny, noble] = ["chit", "tiny", "noble"].map((library) => figures[`${library} ${what}`]);
    report.add(`${what}: libsecp256k1`, tiny, "µs");
    report.add(`${what}: noble`, noble, "µs", { against: { ratio: ratio(noble, tiny), to: "libsecp256k1" } });
    report.add(`${what}: Chit`, ours, "µs", { against: { ratio: ratio(ours, tiny), to: "libsecp256k1", goal: goals[what] } });
  }
}
