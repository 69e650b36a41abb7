// The page with four people in one window: built with one yes, paid across, refused, silenced, asked for; by keyboard and for axe.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { demoStack } from "./demo.mjs";
import { world } from "./support.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let here;
let page;
before(async () => {
  here = await world(demoStack);
  page = await (await here.browser.newContext({ viewport: { width: 1180, height: 1000 } })).newPage();
  await page.goto(`${here.server.url}/network.html`);
  await page.getByTestId("network").waitFor();
});
after(async () => here?.close());

const tokens = (text) => BigInt(Math.round(Number(text) * 1_000_000)) * 10n ** BigInt(here.stack.deployment.token.decimals - 6);
const person = (name) => page.locator(`[data-testid="person"][data-name="${name}"]`);
/** What everybody holds in channels, in base units. */
const held = () => page.getByTestId("person-channels").evaluateAll((cells) => cells.map((cell) => cell.dataset.value)).then((all) => all.map(BigInt));
const until = (values) =>
  page.waitForFunction(
    (wanted) => JSON.stringify([...document.querySelectorAll('[data-testid="person-channels"]')].map((cell) => cell.dataset.value)) === wanted,
    JSON.stringify(values.map(String)),
  );

/** Fails when axe finds something serious in what the page shows now. */
async function inspect(what) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.evaluate(`${axe}; undefined`);
    const { violations, passes } = await page.evaluate(() => window.axe.run());
    assert.ok(passes.length >= 10);
    const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
    assert.deepEqual(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`), [], `${what} in ${colorScheme}`);
  }
}

/** Presses until there is a way: who was away is announced as back by its neighbours after a while. */
async function insist(form, then) {
  const noWay = page.locator(`[data-testid="${form}-error"][data-code="NO_ROUTE"]`);
  const button = page.getByTestId(form === "network" ? "network-pay" : `${form}-submit`);
  for (let tries = 0; tries < 60; tries += 1) {
    await button.click();
    await then.or(noWay).filter({ visible: true }).first().waitFor({ timeout: 60_000 });
    if (!(await noWay.isVisible())) return;
    await page.waitForTimeout(500);
  }
  assert.fail("there is no way");
}

async function fill(from, to, amount) {
  await page.getByTestId("network-from").selectOption({ label: from });
  await page.getByTestId("network-to").selectOption({ label: to });
  await page.getByTestId("network-amount").fill(amount);
}

test("one yes builds the network, with the keyboard alone", async () => {
  await inspect("four people without channels");
  await page.getByTestId("build").focus();
  await page.keyboard.press("Enter");
  await page.getByTestId("wallet-title").waitFor();
  await inspect("the question for all");
  assert.equal(await page.getByTestId("wallet-title").textContent(), "Build the network");
  await page.keyboard.press("Enter");
  await page.getByTestId("build").waitFor({ state: "hidden", timeout: 60_000 });
  assert.equal(await page.evaluate(() => document.activeElement.dataset.testid), "network-amount", "the focus is not lost");
  assert.equal(await page.getByTestId("wallet-dialog").count(), 0);
  await page.getByText("The network in words").click();
  const words = await page.getByTestId("network-list").locator("li").allTextContents();
  assert.deepEqual(words, ["Alice and Bob", "Bob and Carol", "Carol and Dave"].map((names) => {
    const [one, other] = names.split(" and ");
    return `${names}: ${one} can pay 100 TEST, ${other} can pay 100 TEST.`;
  }));
  await until(["100", "200", "200", "100"].map(tokens));
  await inspect("the network");
});

test("Alice pays Dave: the fee is told before, and everybody has what is theirs to the unit", async () => {
  const before = await held();
  await page.getByTestId("network-from").selectOption({ label: "Alice" });
  await page.getByTestId("network-to").selectOption({ label: "Dave" });
  await page.getByTestId("network-amount").fill("10");
  await page.getByTestId("network-quote").filter({ hasText: "Through Bob and Carol. Fee 0.10025 TEST, so 10.10025 TEST in all." }).waitFor();
  await page.getByTestId("network-pay").click();
  await page.getByTestId("network-result").filter({ hasText: "Alice paid 10 TEST to Dave, fee 0.10025 TEST" }).waitFor();
  await until(["-10.10025", "0.05025", "0.05", "10"].map((change, index) => before[index] + tokens(change)));
  await inspect("a payment made");
});

test("Carol refuses: the payer is told, and nothing moved or hangs", async () => {
  const before = await held();
  await person("Carol").getByTestId("refuse").click();
  await person("Carol").locator('[data-testid="refuse"][aria-pressed="true"]').waitFor();
  await fill("Alice", "Dave", "10");
  await page.getByTestId("network-pay").click();
  await page.getByTestId("network-error").filter({ hasText: /\S/ }).waitFor();
  await until(before);
  assert.ok(!(await page.getByTestId("network-list").textContent()).includes("locked"), "no lock is left");
  await inspect("a refusal");
  await person("Carol").getByTestId("refuse").click();
  await person("Carol").locator('[data-testid="refuse"][aria-pressed="false"]').waitFor();
});

test("Carol is silent: the payment hangs and is seen to, and is made or comes back whole when she is back", async () => {
  const before = await held();
  await person("Carol").getByTestId("silence").click();
  await person("Carol").locator('[data-testid="silence"][aria-pressed="true"]').waitFor();
  await fill("Alice", "Dave", "10");
  await insist("network", page.getByTestId("network-list").getByText("locked"));
  await inspect("a payment that hangs");
  await person("Carol").getByTestId("silence").click();
  const result = page.getByTestId("network-result").filter({ hasText: "Alice paid 10 TEST to Dave" });
  // Bob may notice first that she is away, and say no.
  const failed = page.getByTestId("network-error").filter({ hasText: /\S/ });
  await result.or(failed).filter({ visible: true }).waitFor({ timeout: 60_000 });
  const isMade = await result.isVisible();
  const changes = isMade ? ["-10.10025", "0.05025", "0.05", "10"] : ["0", "0", "0", "0"];
  await until(changes.map((change, index) => before[index] + tokens(change)));
  await page.locator('[data-testid="network-pay"]:not([aria-busy])').waitFor();
});

test("Carol dies away mid-payment: Dave reveals on the chain, and is paid when she is back or by the Judge", async () => {
  const before = await held();
  await person("Carol").getByTestId("silence-later").click();
  await fill("Alice", "Dave", "10");
  await insist("network", person("Carol").locator('[data-testid="silence"][aria-pressed="true"]'));
  await person("Dave").getByTestId("reveal").click();
  assert.equal(await page.getByTestId("wallet-title").textContent(), "Reveal the secret of a payment on the chain");
  await page.getByTestId("wallet-confirm").click();
  await person("Dave").getByTestId("reveal-steps").waitFor({ state: "hidden", timeout: 60_000 });
  assert.equal(await person("Dave").getByTestId("reveal-error").textContent(), "");
  await inspect("a secret revealed");
  await person("Carol").getByTestId("silence").click();
  await page.getByTestId("network-result").filter({ hasText: "Alice paid 10 TEST to Dave" }).waitFor({ timeout: 60_000 });
  await until(["-10.10025", "0.05025", "0.05", "10"].map((change, index) => before[index] + tokens(change)));
});

test("Dave asks, Alice pays what he asked for, and he signs that she did", async () => {
  const before = await held();
  await page.getByTestId("request-amount").fill("2");
  await page.getByTestId("request-memo").fill("tickets");
  await page.getByTestId("request-submit").click();
  await page.getByTestId("request-status").filter({ hasText: "Open until" }).waitFor();
  assert.match(await page.getByTestId("request-text").inputValue(), /^chit:/);
  assert.equal(await page.getByTestId("request-link").inputValue(), `${here.server.url}/#${await page.getByTestId("request-text").inputValue()}`);
  await page.getByTestId("pay-request-says").filter({ hasText: "Dave asks for 2 TEST for “tickets”" }).waitFor();
  await inspect("a request");
  await insist("pay-request", page.getByTestId("pay-request-result").filter({ hasText: "Alice paid 2 TEST to Dave" }));
  await page.getByTestId("request-status").filter({ hasText: "Paid: 2 TEST by Alice, with a receipt signed by Dave." }).waitFor();
  await until(["-2.02005", "0.01005", "0.01", "2"].map((change, index) => before[index] + tokens(change)));
  await page.getByTestId("pay-request-submit").click();
  await page.locator('[data-testid="pay-request-error"][data-code="REQUEST_PAID"]').waitFor();
});
