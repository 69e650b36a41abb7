import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { cacheDir } from "./paths.mjs";

test("the cache follows the platform's custom and can be moved", () => {
  assert.equal(cacheDir({ CHIT_CACHE: "/elsewhere" }, "linux"), "/elsewhere");
  assert.equal(cacheDir({ XDG_CACHE_HOME: "/xdg" }, "linux"), join("/xdg", "chit"));
  assert.match(cacheDir({}, "linux"), /\.cache.chit$/);
  assert.match(cacheDir({}, "darwin"), /Library.Caches.chit$/);
  assert.equal(cacheDir({ LOCALAPPDATA: "local" }, "win32"), join("local", "chit"));
});
