// The newcomer's story on the demo page: two tabs with a wallet each, one channel, payments both ways, every way to close it,
// reloads in the middle of anything, and what people want to try.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { askToOpen, balances, card, confirm, demoPair, demoStack, enter, goOnline, manage, pay } from "./demo.mjs";
import { world } from "./support.mjs";

let here;
before(async () => (here = await world(demoStack)));
after(async () => here?.close());

const leave = async (...pages) => {
  for (const page of pages) await page.context().close();
};
const tokens = (text) => BigInt(Math.round(Number(text) * 100)) * 10n ** BigInt(here.stack.deployment.token.decimals - 2);
const wallet = (index) => here.balance(here.accounts[index]);
const hidden = (locator) => locator.waitFor({ state: "hidden" });

/** Writes down every step that an operation's display goes through. */
function watchSteps(page, id) {
  return page.getByTestId(id).first().evaluate((element) => {
    const seen = (window.seenSteps = []);
    new MutationObserver(() => {
      const line = element.querySelector(".steps-detail")?.textContent;
      if (!element.hidden && seen.at(-1) !== line) seen.push(line);
    }).observe(element, { subtree: true, childList: true, characterData: true, attributes: true });
  });
}

test("two people open with one confirmation, pay both ways without any, and close together", async () => {
  const alice = await enter(here, 0);
  const bob = await enter(here, 1);
  const before = [await wallet(0), await wallet(1)];
  await goOnline(bob);
  await watchSteps(alice, "open-steps");
  await askToOpen(alice, here.accounts[1]);
  assert.equal(await confirm(alice), "Open a channel with Bob");
  await card(alice, '[data-ready="true"]').waitFor({ timeout: 60_000 });
  await card(bob, '[data-ready="true"]').waitFor({ timeout: 60_000 });
  await hidden(alice.getByTestId("open-steps"));
  const steps = await alice.evaluate(() => window.seenSteps);
  const told = ["Confirm in your wallet", "Submitted, waiting for a block", "2 of 5 confirmations", "4 of 5 confirmations"];
  for (const step of told) assert.ok(steps.includes(step), `“${step}” was shown: ${steps}`);
  assert.equal(await wallet(0), before[0] - tokens("100"));

  await alice.getByTestId("pay-quick-10").first().click();
  await pay(alice, "5", "coffee");
  await bob.getByTestId("history-row").filter({ hasText: "coffee" }).waitFor();
  await bob.getByTestId("pay-quick-1").first().click();
  await alice.getByTestId("history-row").filter({ hasText: "From Bob" }).waitFor();
  assert.deepEqual(await balances(alice), { ours: tokens("86"), theirs: tokens("14") });
  assert.deepEqual(await balances(bob), { ours: tokens("14"), theirs: tokens("86") });
  for (const page of [alice, bob]) assert.equal(await page.getByTestId("wallet-dialog").count(), 0, "no prompt to pay");
  const rows = await alice.getByTestId("history-row").allTextContents();
  assert.equal(rows.length, 3);
  for (const [index, words] of [["From Bob", "+1 TEST"], ["To Bob", "coffee", "−5 TEST"], ["To Bob", "−10 TEST"]].entries()) {
    for (const word of words) assert.ok(rows[index].includes(word), `${rows[index]} says ${word}`);
  }

  await alice.getByTestId("pay-burst").first().click();
  const result = alice.getByTestId("pay-result").first();
  await result.filter({ hasText: "1,000 payments of 0.001 TEST" }).waitFor();
  assert.ok(Number(await result.getAttribute("data-signatures")) <= 20, "many payments share a signature");
  await bob.getByTestId("history-row").filter({ hasText: "1,000 payments" }).waitFor();

  await manage(alice);
  await alice.getByTestId("close-submit").first().click();
  assert.equal(await confirm(alice), "Close a channel together");
  for (const page of [alice, bob]) await card(page, '[data-status="settled"]').waitFor({ timeout: 60_000 });
  assert.equal(await card(bob).getByTestId("outcome").textContent(), "The Judge has paid you 15 TEST.");
  assert.equal(await wallet(0), before[0] - tokens("15"));
  assert.equal(await wallet(1), before[1] + tokens("15"));
  await leave(alice, bob);
});

test("a reload in the middle of opening, paying and closing loses nothing", async () => {
  const before = [await wallet(2), await wallet(3)];
  const a = await enter(here, 2);
  const b = await enter(here, 3);
  await goOnline(b);
  await askToOpen(a, here.accounts[3]);
  await confirm(a);
  await a.locator('[data-testid="open-steps"][data-stage="confirming"]').waitFor();
  await a.reload();
  await card(a, '[data-status="opening"]').waitFor();
  assert.match(await a.getByTestId("opening-progress").textContent(), /of 5 confirmations/);
  for (const page of [a, b]) await card(page, '[data-ready="true"]').waitFor({ timeout: 60_000 });

  // The partner is away, so the payment is under way when the page is reloaded.
  await b.getByTestId("whatif-offline").click();
  await b.locator('[data-testid="status-relay"][data-state="bad"]').waitFor();
  await a.getByTestId("pay-amount").first().fill("7");
  await a.getByTestId("pay-submit").first().click();
  await a.getByTestId("pay-waiting").first().waitFor();
  await a.reload();
  await card(a, '[data-status="open"]').waitFor();
  await b.getByTestId("whatif-offline").click();
  for (const page of [a, b]) await card(page, '[data-ready="true"]').waitFor({ timeout: 60_000 });
  const { ours } = await balances(a);
  // A payment that was signed when the page went away arrives; one that was only queued was never made.
  assert.ok(ours === tokens("93") || ours === tokens("100"), `${ours}`);
  await pay(a, "3");
  await b.waitForFunction((value) => document.querySelector('[data-testid="balance-theirs"]').dataset.value === value, String(ours - tokens("3")));

  await manage(a);
  await a.getByTestId("close-submit").first().click();
  await confirm(a);
  await a.locator('[data-testid="close-steps"][data-stage="confirming"]').first().waitFor();
  await a.reload();
  for (const page of [a, b]) await card(page, '[data-status="settled"]').waitFor({ timeout: 60_000 });
  const kept = ours - tokens("3");
  assert.equal(await wallet(2), before[0] - tokens("100") + kept);
  assert.equal(await wallet(3), before[1] + tokens("100") - kept);
  await leave(a, b);
});

test("a silent partner: close alone, the other side's answer, settle, and the tokens are back in the wallets", async () => {
  const before = [await wallet(4), await wallet(5)];
  const { a, b } = await demoPair(here, 4, 5);
  await pay(a, "40");
  await pay(b, "15");
  await a.getByTestId("whatif-offline").click();
  // Whoever comes back finds the partner gone at once; others notice within half a minute.
  await b.reload();
  await card(b, '[data-status="open"][data-ready="false"]').waitFor();
  await manage(b);
  await b.getByTestId("close-submit").first().click();
  await b.getByTestId("close-steps").first().filter({ hasText: "signs" }).waitFor();
  assert.equal(await confirm(b), "Close a channel alone");
  await card(b, '[data-status="closing"]').waitFor({ timeout: 60_000 });
  // A still sees the chain, and its client asks to answer with what B left out.
  assert.equal(await confirm(a), "Show the Judge your newest note");
  await card(a).locator('[data-testid="dispute"][data-action=""]').waitFor({ timeout: 60_000 });
  await card(b, '[data-status="settleable"]').waitFor({ timeout: 60_000 });
  await b.getByTestId("settle-submit").first().click();
  assert.equal(await confirm(b), "Pay out a closed channel");
  for (const page of [a, b]) await card(page, '[data-status="settled"]').waitFor({ timeout: 60_000 });
  assert.equal(await card(a).getByTestId("outcome").getAttribute("data-paid"), String(tokens("75")));
  assert.equal(await wallet(4), before[0] - tokens("25"));
  assert.equal(await wallet(5), before[1] + tokens("25"));
  await a.waitForFunction((value) => document.querySelector('[data-testid="balance-token"]').dataset.value === value, String(await wallet(4)));
  await leave(a, b);
});

test("what if this tab dies, my connection drops, somebody cheats", async () => {
  const before = [await wallet(6), await wallet(7)];
  const { a, b } = await demoPair(here, 6, 7);

  // Killed with a payment on its way: it is there when the tab comes back, or was never made.
  await pay(a, "20", "before");
  await a.evaluate(() => {
    document.querySelector('[data-testid="pay-quick-1"]').click();
    document.querySelector('[data-testid="whatif-kill"]').click();
  });
  await a.waitForURL(/killed/);
  await a.getByTestId("come-back").click();
  await card(a, '[data-ready="true"]').waitFor({ timeout: 60_000 });
  const { ours } = await balances(a);
  assert.ok(ours === tokens("80") || ours === tokens("79"), `${ours}`);
  await a.getByTestId("history-row").filter({ hasText: "before" }).waitFor();

  // Offline: the payment waits, can be taken back, and another goes out on return.
  await a.getByTestId("whatif-offline").click();
  await a.locator('[data-testid="status-relay"][data-state="bad"]').waitFor();
  await a.getByTestId("pay-amount").first().fill("9");
  await a.getByTestId("pay-submit").first().click();
  await a.getByTestId("pay-cancel").first().click();
  await a.locator('[data-testid="pay-error"][data-code="PAYMENT_CANCELLED"]').first().waitFor();
  await a.getByTestId("pay-quick-10").first().click();
  await a.getByTestId("pending").first().waitFor();
  await a.getByTestId("whatif-offline").click();
  await b.waitForFunction((value) => document.querySelector('[data-testid="balance-theirs"]').dataset.value === value, String(ours - tokens("10")));
  await pay(b, "2");

  // A cheat: A closes without what it paid last, and B's client answers.
  await a.getByTestId("whatif-cheat").click();
  assert.equal(await confirm(a), "Close a channel alone");
  await card(b, '[data-status="closing"]').waitFor({ timeout: 60_000 });
  await b.getByTestId("wallet-title").waitFor();
  assert.match(await b.getByTestId("dispute").first().textContent(), /closed this channel with an old note that leaves out payments to you/);
  await b.getByTestId("wallet-reject").click();
  // Whoever said no by mistake still has the button.
  await b.getByTestId("respond-submit").first().click();
  assert.equal(await confirm(b), "Show the Judge your newest note");
  await card(b).locator('[data-testid="dispute"][data-action=""]').waitFor({ timeout: 60_000 });
  await card(b, '[data-status="settleable"]').waitFor({ timeout: 60_000 });
  await b.getByTestId("settle-submit").first().click();
  await confirm(b);
  await card(b, '[data-status="settled"]').waitFor({ timeout: 60_000 });
  const kept = ours - tokens("10") + tokens("2");
  assert.equal(await wallet(6), before[0] - tokens("100") + kept, "an old proof earned nothing");
  assert.equal(await wallet(7), before[1] + tokens("100") - kept);
  await leave(a, b);
});

test("the second tab of an account is told so, and another wallet can be chosen", async () => {
  const context = await here.browser.newContext();
  await context.addInitScript(() => {
    const provider = { request: async ({ method }) => { throw Object.assign(new Error(`${method}: no`), { code: 4001 }); } };
    const detail = Object.freeze({ info: Object.freeze({ uuid: crypto.randomUUID(), name: "Another wallet", icon: "", rdns: "example.wallet" }), provider });
    window.addEventListener("eip6963:requestProvider", () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail })));
  });
  const first = await context.newPage();
  await first.goto(`${here.server.url}/?account=8`);
  await first.locator('[data-rdns="example.wallet"]').click();
  await first.getByTestId("welcome-error").filter({ hasText: "You said no in the wallet" }).waitFor();
  await first.locator('[data-rdns="dev.chit.wallet"]').click();
  await confirm(first);
  await first.getByTestId("session").waitFor();
  // As the page's own link opens it: another tab of the same browser, another person.
  const [second] = await Promise.all([context.waitForEvent("page"), first.getByTestId("second-person").first().click()]);
  await second.locator('[data-rdns="dev.chit.wallet"]').click();
  await confirm(second);
  await second.getByTestId("session").waitFor();
  assert.equal(await second.getByTestId("account-name").textContent(), "Judy");
  const third = await context.newPage();
  await third.goto(`${here.server.url}/?account=8`);
  await third.locator('[data-rdns="dev.chit.wallet"]').click();
  await confirm(third);
  await third.getByTestId("already-open").waitFor();
  await first.close();
  await third.getByTestId("already-open-retry").click();
  await third.getByTestId("session").waitFor();
  await context.close();
});
