import assert from "node:assert/strict";
import test from "node:test";
import { compareVersions, rustVersion, wasmBindgenVersion } from "./manifest.mjs";

test("versions compare by number", () => {
  const sorted = ["lld-9", "lld-22", "lld-19"].sort(compareVersions);
  assert.deepEqual(sorted, ["lld-9", "lld-19", "lld-22"]);
  assert.ok(compareVersions("1.95", "1.95.0") === 0);
  assert.ok(compareVersions("1.100.0", "1.95.2") > 0);
});

test("the manifest names what the scripts need", () => {
  assert.match(wasmBindgenVersion(), /^\d+\.\d+\.\d+$/);
  assert.match(rustVersion(), /^\d+\.\d+/);
});
