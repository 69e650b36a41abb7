import assert from "node:assert/strict";
import test from "node:test";
import { TestCounter } from "./counts.mjs";

function count(...pieces) {
  const counter = new TestCounter();
  for (const piece of pieces) counter.feed(piece);
  counter.end();
  return [counter.passed, counter.failed];
}

test("cargo's result lines are summed, the tests' own lines are not", () => {
  const text = `running 2 tests
test a ... ok
test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

test result: FAILED. 3 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s
`;
  assert.deepEqual(count(text), [5, 4]);
});

test("node's two reporters are understood", () => {
  assert.deepEqual(count("# tests 3\n# pass 2\n# fail 1\n# cancelled 0\n"), [2, 1]);
  assert.deepEqual(count("\u001b[34mℹ pass 7\u001b[39m\nℹ fail 0\n"), [7, 0]);
});

test("a nested TAP subtest is not counted twice", () => {
  assert.deepEqual(count("    # Subtest: pass 3\n    ok 1 - x\n# pass 1\n# fail 0"), [1, 0]);
});

test("plain lines count, with or without a word in front", () => {
  assert.deepEqual(count("5 passed, 0 failed\npolicy: 6 passed, 1 failed, 2 skipped\n"), [11, 1]);
});

test("lines may arrive in pieces and without an end", () => {
  assert.deepEqual(count("test result: o", "k. 10 pas", "sed; 0 failed; 0 ignored"), [10, 0]);
});
