// Takes the README's picture of the demo, www/screenshot.png. With a folder as argument it takes one of every state there as
// well, in light, dark and narrow, for looking at: node tests/browser/screenshot.mjs [FOLDER]
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { card, confirm, demoPair, demoStack, askToOpen, manage, pay } from "./demo.mjs";
import { world } from "./support.mjs";

const picture = fileURLToPath(new URL("../../www/screenshot.png", import.meta.url));
const folder = process.argv[2];
if (folder) mkdirSync(folder, { recursive: true });
const here = await world({ ...demoStack, challenge: 60 });

/** One state, in every way that it can be looked at. */
async function take(page, name) {
  if (!folder) return;
  for (const [suffix, colorScheme, width] of [["light", "light", 1180], ["dark", "dark", 1180], ["narrow", "light", 390]]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width, height: 900 });
    await page.screenshot({ path: join(folder, `${name}-${suffix}.png`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1180, height: 1000 });
}

try {
  const context = await here.browser.newContext();
  const first = await context.newPage();
  await first.goto(`${here.server.url}/`);
  await first.getByTestId("wallet-choice").first().waitFor();
  await take(first, "welcome");
  await first.getByTestId("wallet-choice").first().click();
  await first.getByTestId("wallet-title").waitFor();
  await take(first, "wallet-connect");
  await context.close();

  const { a, b } = await demoPair(here, 0, 1);
  await take(a, "open");
  await pay(a, "25", "tickets");
  await pay(b, "4.5", "coffee");
  await pay(a, "5", "lunch");
  await a.getByTestId("pay-burst").first().click();
  await a.getByTestId("pay-result").filter({ hasText: "1,000 payments of" }).waitFor();
  await a.getByTestId("received-toast").waitFor({ state: "hidden" });
  await a.setViewportSize({ width: 1180, height: 1130 });
  await a.screenshot({ path: picture });
  await take(a, "paid");
  await take(b, "paid-partner");
  await manage(a);
  await take(a, "manage");
  await askToOpen(a, here.accounts[2], { deposit: "12" });
  await a.getByTestId("wallet-title").waitFor();
  await take(a, "wallet-open");
  await confirm(a);
  await a.locator('[data-testid="open-steps"][data-stage="confirming"]').waitFor();
  await take(a, "opening");
  await a.locator('[data-testid="channel"][data-status="open"]').nth(1).waitFor({ timeout: 60_000 });
  await b.getByTestId("whatif-cheat").click();
  await confirm(b);
  await card(a, '[data-status="closing"]').waitFor({ timeout: 60_000 });
  await a.getByTestId("wallet-title").waitFor();
  await take(a, "dispute-wallet");
  await a.getByTestId("wallet-reject").click();
  await take(a, "dispute");
  await take(b, "dispute-cheat");
} finally {
  await here.close();
}
