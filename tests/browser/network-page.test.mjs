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

/** Waits until Alice sees a way to Dave: who was away is announced as back by its neighbours after a while. */
async function untilWay() {
  await page.getByTestId("network-from").selectOption({ label: "Alice" });
  await page.getByTestId("network-to").selectOption({ label: "Dave" });
  const quote = page.getByTestId("network-quote");
  for (let tries = 0; tries < 100; tries += 1) {
    await page.getByTestId("network-amount").fill("10");
    await quote.filter({ hasText: /\S/, visible: true }).waitFor();
    if ((await quote.textContent()).startsWith("Through")) return;
    await page.getByTestId("network-amount").fill("");
    await quote.waitFor({ state: "hidden" });
  }
  assert.fail(await quote.textContent());
}

async function pay(from, to, amount) {
  await page.getByTestId("network-from").selectOption({ label: from });
  await page.getByTestId("network-to").selectOption({ label: to });
  await page.getByTestId("network-amount").fill(amount);
  await page.getByTestId("network-pay").click();
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
  await pay("Alice", "Dave", "10");
  await page.getByTestId("network-error").filter({ hasText: /\S/ }).waitFor();
  await until(before);
  assert.ok(!(await page.getByTestId("network-list").textContent()).includes("locked"), "no lock is left");
  await inspect("a refusal");
  await person("Carol").getByTestId("refuse").click();
  await person("Carol").locator('[data-testid="refuse"][aria-pressed="false"]').waitFor();
});

test("Carol is silent: the payment hangs and is seen to, and is made or comes back whole when she is back", async () => {
  await untilWay();
  const before = await held();
  await person("Carol").getByTestId("silence").click();
  await person("Carol").locator('[data-testid="silence"][aria-pressed="true"]').waitFor();
  await pay("Alice", "Dave", "10");
  await page.getByTestId("network-list").getByText("locked").first().waitFor();
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
