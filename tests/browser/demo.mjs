// Persons on the demo page, and what they do there. Shared by the page's tests and by the script that takes its picture.

/** The stack for the demo: as many accounts as the page has names. */
export const demoStack = { accounts: 10, challenge: 15 };

/** Opens the page in a browser profile of its own and connects the development wallet. */
export async function enter(world, index, { context: options = {}, path = `/?account=${index}` } = {}) {
  const context = await world.browser.newContext({ viewport: { width: 1180, height: 1000 }, ...options });
  const page = await context.newPage();
  await page.goto(world.server.url + path);
  await page.locator('[data-testid="wallet-choice"][data-rdns="dev.chit.wallet"]').click();
  await page.getByTestId("wallet-confirm").click();
  await page.getByTestId("session").waitFor();
  return page;
}

/** Says yes to what the wallet asks, and tells what it was. */
export async function confirm(page) {
  const title = await page.getByTestId("wallet-title").textContent();
  await page.getByTestId("wallet-confirm").click();
  return title;
}

/** Lets others open channels with this person. */
export async function goOnline(page) {
  await page.getByTestId("go-online").click();
  await confirm(page);
  await page.getByText("Online. Others can find you").waitFor();
}

/** The card of a channel, in a state given as an attribute selector. */
export const card = (page, state = "") => page.locator(`[data-testid="channel"]${state}`).first();

/** Fills in and submits the form that opens a channel; the wallet's question is left to the caller. */
export async function askToOpen(page, partner, { deposit = "100", token } = {}) {
  await page.getByTestId("open-partner").fill(partner);
  if (token !== undefined) await page.getByTestId("open-token").selectOption(token);
  await page.getByTestId("open-deposit").fill(deposit);
  await page.getByTestId("open-submit").click();
}

/** Two persons with an open channel that the first has opened. */
export async function demoPair(world, first, second, { deposit = "100", context } = {}) {
  const a = await enter(world, first, { context });
  const b = await enter(world, second, { context });
  await goOnline(b);
  await askToOpen(a, world.accounts[second], { deposit });
  await confirm(a);
  for (const page of [a, b]) await card(page, '[data-ready="true"]').waitFor({ timeout: 60_000 });
  return { a, b };
}

/** Pays by the form; resolves when the page says that it is paid. */
export async function pay(page, amount, memo = "") {
  await page.getByTestId("pay-amount").first().fill(amount);
  await page.getByTestId("pay-memo").first().fill(memo);
  await page.getByTestId("pay-submit").first().click();
  await page.getByTestId("pay-result").filter({ hasText: new RegExp(`^Paid ${amount.replace(".", "\\.")} `) }).waitFor();
}

/** Unfolds what is beside paying. */
export async function manage(page) {
  const details = page.getByTestId("manage").first();
  if (!(await details.evaluate((element) => element.open))) await details.locator("summary").click();
}

/** The balances that a card shows, in base units. */
export async function balances(page) {
  const value = async (id) => BigInt((await card(page).getByTestId(id).getAttribute("data-value")) ?? "-1");
  return { ours: await value("balance-ours"), theirs: await value("balance-theirs") };
}
