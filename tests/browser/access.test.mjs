// The demo page for everybody: by keyboard alone, and as axe-core sees it, in light and in dark.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { askToOpen, card, confirm, demoStack, enter, goOnline, manage, pay } from "./demo.mjs";
import { world } from "./support.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let here;
before(async () => (here = await world(demoStack)));
after(async () => here?.close());

/** Fails when axe finds something serious in what the page shows now. */
async function inspect(page, what) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    // Evaluated by the debugger, which the page's policy does not bind; as a script element it would be blocked.
    await page.evaluate(`${axe}; undefined`);
    const { violations, passes } = await page.evaluate(() => window.axe.run());
    assert.ok(passes.length >= 10, `axe looked at ${what} in ${colorScheme}: ${passes.length} rules passed`);
    const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
    const told = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`);
    assert.deepEqual(told, [], `${what} in ${colorScheme}`);
  }
}

test("axe is not blind: it finds what is wrong when something is", async () => {
  const context = await here.browser.newContext();
  const page = await context.newPage();
  await page.goto(`${here.server.url}/`);
  await page.getByTestId("wallet-choice").first().waitFor();
  await page.evaluate(() => document.querySelector("main").append(document.createElement("button")));
  await assert.rejects(inspect(page, "a page with a nameless button"), /button-name/);
  await context.close();
});

test("axe-core finds nothing serious on any page or dialog, in light and dark", async () => {
  const context = await here.browser.newContext();
  const a = await context.newPage();
  await a.goto(`${here.server.url}/?account=0`);
  await a.getByTestId("wallet-choice").first().waitFor();
  await inspect(a, "the first page");
  await a.getByTestId("wallet-choice").first().click();
  await a.getByTestId("wallet-title").waitFor();
  await inspect(a, "the choice of an account");
  await confirm(a);
  await a.getByTestId("session").waitFor();
  await inspect(a, "a session without channels");
  const b = await enter(here, 1);
  await goOnline(b);
  await a.getByTestId("open-submit").click();
  await a.getByTestId("open-error").waitFor();
  await inspect(a, "an error");
  await askToOpen(a, here.accounts[1]);
  await a.getByTestId("wallet-title").waitFor();
  await a.getByText("Exact contents").click();
  await inspect(a, "the wallet's question");
  await confirm(a);
  await card(a, '[data-status="opening"]').waitFor();
  await inspect(a, "an opening channel");
  for (const page of [a, b]) await card(page, '[data-ready="true"]').waitFor({ timeout: 60_000 });
  await pay(a, "3", "tea");
  await manage(a);
  await card(a).getByText("Numbers").click();
  await inspect(a, "an open channel");
  await inspect(b, "a payment received");
  await a.getByTestId("whatif-cheat").click();
  await confirm(a);
  await b.getByTestId("wallet-title").waitFor({ timeout: 60_000 });
  await b.getByTestId("wallet-reject").click();
  await inspect(b, "a dispute");
  await b.goto(`${here.server.url}/killed.html`);
  await inspect(b, "the page of a killed tab");
  await context.close();
  await b.context().close();
});

/** Where the keyboard is; fails when that is nowhere or cannot be seen. */
async function focused(page, what) {
  const at = await page.evaluate(() => {
    const element = document.activeElement;
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
    const isMarked = (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none";
    return { id: element.dataset.testid, tag: element.tagName, text: element.textContent.slice(0, 40), isMarked };
  });
  assert.notEqual(at.tag, "BODY", `${what}: the focus is lost`);
  assert.ok(at.isMarked, `${what}: the focus on ${at.tag} “${at.text}” cannot be seen`);
  return at;
}

/** Presses Tab until the control has the focus. */
async function tabTo(page, id) {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press("Tab");
    // Past the last control the browser itself has the focus for one press.
    if (await page.evaluate(() => document.activeElement === document.body)) continue;
    if ((await focused(page, `on the way to ${id}`)).id === id) return;
  }
  assert.fail(`${id} cannot be reached with Tab`);
}

test("the whole story by keyboard alone, with the focus always somewhere and always to be seen", async () => {
  const dave = await enter(here, 3);
  await goOnline(dave);
  const context = await here.browser.newContext({ viewport: { width: 1180, height: 1000 } });
  const page = await context.newPage();
  const press = (key) => page.keyboard.press(key);
  await page.goto(`${here.server.url}/`);
  await page.getByTestId("wallet-choice").first().waitFor();
  await tabTo(page, "wallet-choice");
  await press("Enter");
  await page.getByTestId("wallet-title").waitFor();
  assert.equal((await focused(page, "the wallet's dialog")).id, "wallet-confirm");
  await tabTo(page, "wallet-account-0");
  await press("ArrowDown");
  await press("ArrowDown");
  assert.equal((await focused(page, "the choice")).id, "wallet-account-2");
  await press("Enter");
  await page.getByTestId("session").waitFor();
  assert.equal(await page.getByTestId("account-name").textContent(), "Carol");

  await tabTo(page, "open-suggest-3");
  await press("Space");
  assert.equal((await focused(page, "a chosen partner")).id, "open-deposit");
  await press("ControlOrMeta+A");
  await page.keyboard.type("50");
  await press("Enter");
  await page.getByTestId("wallet-title").waitFor();
  await press("Escape");
  await page.locator('[data-testid="open-error"][data-code="USER_REJECTED"]').waitFor();
  assert.equal((await focused(page, "after saying no")).id, "open-submit");
  await press("Space");
  await page.getByTestId("wallet-title").waitFor();
  assert.equal((await focused(page, "the wallet's dialog")).id, "wallet-confirm");
  await press("Enter");
  await card(page, '[data-ready="true"]').waitFor({ timeout: 60_000 });
  await page.getByTestId("open-steps").waitFor({ state: "hidden" });
  assert.equal((await focused(page, "after opening")).id, "open-submit");

  await tabTo(page, "pay-amount");
  await page.keyboard.type("4");
  await press("Tab");
  await page.keyboard.type("by keyboard");
  await press("Enter");
  await page.getByTestId("pay-result").filter({ hasText: "Paid 4 TEST to Dave" }).waitFor();
  assert.equal((await focused(page, "after paying")).id, "pay-amount");
  await tabTo(page, "pay-quick-1");
  await press("Space");
  await press("Enter");
  await dave.waitForFunction(() => document.querySelectorAll('[data-testid="history-row"]').length === 3);
  assert.equal((await focused(page, "after quick payments")).id, "pay-quick-1");

  await tabTo(page, "pay-burst");
  await press("Tab");
  assert.equal((await focused(page, "the folded part")).tag, "SUMMARY");
  await press("Enter");
  await tabTo(page, "close-submit");
  await press("Enter");
  await page.getByTestId("wallet-title").waitFor();
  assert.equal((await focused(page, "the wallet's dialog")).id, "wallet-confirm");
  await press("Enter");
  await card(page, '[data-status="settled"]').waitFor({ timeout: 60_000 });
  await page.getByTestId("outcome").filter({ hasText: "44 TEST" }).waitFor();
  assert.equal((await focused(page, "after closing")).id, "channel");
  await context.close();
  await dave.context().close();
});
