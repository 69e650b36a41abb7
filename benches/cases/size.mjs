// What a page loads for Chit, against what was published for others: bundled and minified, gzipped.
import { measure } from "../../scripts/size.mjs";

/** KB, gzipped. */
const published = { "raiden-ts": 780, nitrolite: 340, "viem alone": 115 };
const goal = 200;

export async function size(report) {
  report.group("Size: the whole package in an application's own build");
  const sizes = await measure();
  const kilobytes = (bytes) => [bytes / 1_024];
  for (const [part, { raw, gzip, brotli }] of Object.entries(sizes)) {
    report.add(`${part}: raw`, kilobytes(raw), "KB");
    report.add(`${part}: gzip`, kilobytes(gzip), "KB", part === "together" ? { goal: { figure: goal } } : {});
    report.add(`${part}: brotli`, kilobytes(brotli), "KB");
  }
  for (const [name, size] of Object.entries(published)) {
    report.add(`${name}: gzip, published`, [size], "KB", { against: { ratio: sizes.together.gzip / 1_024 / size, to: "of it is Chit" } });
  }
}
