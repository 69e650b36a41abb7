import assert from "node:assert/strict";
import { test } from "node:test";
import { Report } from "./report.mjs";
import { median, rates, ratio, ratioOfMedians, readable } from "./stats.mjs";

test("medians and ratios", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  // The second repetition was disturbed: both figures of it were, and their ratio was not.
  assert.equal(ratio([2, 20, 2], [1, 10, 1]), 2);
  assert.equal(ratioOfMedians([2, 20, 2], [1, 10, 4]), 0.5);
  assert.deepEqual(rates([1_000, 250]), [1_000, 4_000]);
  assert.deepEqual([1.234, 12.34, 1_234.5].map(readable), ["1.23", "12.3", "1,235"]);
});

test("a row says whether its goal was reached", (context) => {
  context.mock.method(console, "log", () => {});
  const report = new Report();
  report.group("things");
  report.add("slow", [2], "µs", { against: { ratio: 1.2, to: "bare", goal: 1.15 } });
  report.add("fast", [2], "µs", { against: { ratio: 1.1, to: "bare", goal: 1.15 } });
  report.add("many", [9, 11, 12], "/s", { goal: { figure: 10, least: true } });
  report.add("few", [9], "/s", { goal: { figure: 10, least: true } });
  assert.deepEqual(report.rows.map(({ reached }) => reached), [false, true, true, false]);
  assert.match(report.text(), /many +11\.0 \/s +9\.00 … 12\.0 +≥ 10\.0: reached/);
  assert.match(report.markdown({ machine: "this one" }), /machine: this one[^]*\| slow \| 2\.00 µs \|/);
});
