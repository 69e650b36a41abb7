// The newcomer's story on the demo page: two tabs, one channel, payments both ways, a close, tokens back in the wallets.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { world } from "./support.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let here;
before(async () => (here = await world()));
after(async () => here?.close());

async function enter(index) {
  const context = await here.browser.newContext({ viewport: { width: 1180, height: 1000 } });
  const page = await context.newPage();
  await page.goto(`${here.server.url}/index.html?account=${index}`);
  await page.locator('[data-testid="wallet-choice"][data-rdns="dev.chit.wallet"]').click();
  await page.getByTestId("wallet-confirm").click();
  await page.getByTestId("session").waitFor();
  return page;
}

const channel = (page, state) => page.locator(`[data-testid="channel"]${state}`).first();

test("two people open, pay both ways and close, each with a wallet of their own", async () => {
  const alice = await enter(0);
  const bob = await enter(1);
  const before = await here.balance(here.accounts[1]);

  await bob.getByTestId("go-online").click();
  await bob.getByTestId("wallet-confirm").click();

  await alice.getByTestId("open-partner").fill(here.accounts[1]);
  await alice.getByTestId("open-deposit").fill("100");
  await alice.getByTestId("open-submit").click();
  await alice.getByTestId("wallet-confirm").click();
  await channel(alice, '[data-ready="true"]').waitFor({ timeout: 60_000 });
  await channel(bob, '[data-ready="true"]').waitFor({ timeout: 60_000 });

  await alice.getByTestId("pay-quick-10").first().click();
  await alice.getByTestId("pay-amount").first().fill("5");
  await alice.getByTestId("pay-memo").first().fill("coffee");
  await alice.getByTestId("pay-amount").first().press("Enter");
  await bob.locator('[data-testid="history-row"][data-direction="received"]').nth(1).waitFor();
  await bob.getByTestId("pay-quick-1").first().click();
  await alice.locator('[data-testid="history-row"][data-direction="received"]').first().waitFor();
  assert.equal(await alice.getByTestId("wallet-dialog").isVisible().catch(() => false), false, "no prompt to pay");

  await alice.addScriptTag({ content: axe }).catch(() => undefined);
  const found = await alice.evaluate(async () => (window.axe ? (await window.axe.run()).violations : []));
  const serious = found.filter((violation) => ["serious", "critical"].includes(violation.impact));
  assert.deepEqual(serious.map((violation) => violation.id), []);
  if (process.env.CHIT_SCREENSHOT) await alice.screenshot({ path: process.env.CHIT_SCREENSHOT });

  await alice.reload();
  await alice.getByTestId("session").waitFor();
  await channel(alice, '[data-ready="true"]').waitFor({ timeout: 60_000 });

  await alice.getByTestId("manage").first().locator("summary").click();
  await alice.getByTestId("close-submit").first().click();
  await alice.getByTestId("wallet-confirm").click();
  await channel(alice, '[data-status="settled"]').waitFor({ timeout: 60_000 });
  assert.equal(await here.balance(here.accounts[1]), before + 14n * 10n ** BigInt(here.stack.deployment.token.decimals));
});
