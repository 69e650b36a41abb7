// A browser with a profile on the disk, and two origins of one server: two tabs that share neither process nor database.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { chromiumFlags, findChromium } from "../../scripts/lib/browser.mjs";
import { stateDir } from "../../scripts/lib/paths.mjs";
import { serve } from "../../tests/browser/server.mjs";

const mounts = [
  ["/bench/", "benches/dist"],
  ["/peers/tiny-secp256k1/", "benches/peers/node_modules/tiny-secp256k1"],
  ["/measure/", "benches/page"],
  ["/pkg/", "pkg/dist"],
  ["/bare/", "tests/browser/page"],
];

/**
 * Serves and launches. In a private window, which other tests use, IndexedDB lies in memory and a strict commit costs nothing, so
 * this one has a profile.
 *
 * @param {() => object} deployment what `/deployment.json` answers
 */
export async function openPages(deployment) {
  const server = await serve(mounts, deployment);
  // In the clone and not in the system's folder for temporary files, which may lie in memory.
  const profile = join(stateDir, "bench-profile");
  const forget = () => rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  forget();
  const context = await chromium
    .launchPersistentContext(profile, { executablePath: findChromium(), headless: true, args: chromiumFlags })
    .catch(async (error) => {
      await server.close();
      forget();
      throw error;
    });
  // The same server under two names.
  const origins = [server.url, server.url.replace("127.0.0.1", "localhost")];
  return {
    context,
    origins,
    version: context.browser()?.version() ?? "unknown",
    /** A fresh page with `window.bench`. */
    async measuring() {
      const page = await context.newPage();
      await page.goto(`${origins[0]}/measure/index.html`);
      await page.waitForFunction(() => window.ready);
      return page;
    },
    async close() {
      await context.close();
      await server.close();
      forget();
    },
  };
}
