// Takes the README's pictures of the demo, www/screenshot.png and www/network.png. With a folder as argument it takes one of every state there as
// well, in light, dark and narrow, for looking at: node tests/browser/screenshot.mjs [FOLDER]
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { card, confirm, demoPair, demoStack, askToOpen, manage, pay } from "./demo.mjs";
import { world } from "./support.mjs";

const picture = fileURLToPath(new URL("../../www/screenshot.png", import.meta.url));
const networkPicture = fileURLToPath(new URL("../../www/network.png", import.meta.url));
const folder = process.argv[2];
if (folder) mkdirSync(folder, { recursive: true });
let here = await world({ ...demoStack, challenge: 60 });

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

/** Four people in one window, with a payment that hangs because a mediator went silent. */
async function network() {
  const page = await (await here.browser.newContext({ viewport: { width: 1180, height: 1000 } })).newPage();
  await page.goto(`${here.server.url}/network.html`);
  await page.getByTestId("build").waitFor();
  await take(page, "network-empty");
  await page.getByTestId("build").click();
  await page.getByTestId("wallet-title").waitFor();
  await take(page, "network-wallet");
  await confirm(page);
  await page.getByTestId("build").waitFor({ state: "hidden", timeout: 60_000 });
  await page.getByTestId("network-amount").fill("20");
  await page.getByTestId("network-quote").filter({ hasText: "Through" }).waitFor({ timeout: 60_000 });
  await take(page, "network-quote");
  await page.getByTestId("network-pay").click();
  await page.getByTestId("network-result").waitFor();
  const carol = page.locator('[data-testid="person"][data-name="Carol"]');
  await carol.getByTestId("silence-later").click();
  await page.getByTestId("network-amount").fill("12.5");
  await page.getByTestId("network-pay").click();
  await carol.locator('[data-testid="silence"][aria-pressed="true"]').waitFor();
  await page.locator(".net-dot").waitFor({ state: "hidden" });
  await page.setViewportSize({ width: 1180, height: 1000 });
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: networkPicture });
  await take(page, "network-hanging");
  await page.getByTestId("request-amount").fill("3");
  await page.getByTestId("request-submit").click();
  await page.getByTestId("request-made").waitFor();
  await take(page, "network-request");
  await page.context().close();
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

here = await world({ ...demoStack, challenge: 60 });
try {
  await network();
} finally {
  await here.close();
}
