// Bad input at every public function of the real client: a typed error, and nothing has changed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openPair, world, zero } from "./support.mjs";

let here;
before(async () => (here = await world()));
after(async () => here?.close());

const unknown = `0x${"ab".repeat(32)}`;
const tooMuch = `${2n ** 128n}n`;

test("every public function answers bad input with a typed error and leaves the state alone", async () => {
  const { a, b, id } = await openPair(here);
  const partner = b.account;
  const cases = [
    ["pay", { channel: id, amount: 5 }, "INVALID_ARGUMENT"],
    ["pay", { channel: id, amount: "-1n" }, "INVALID_ARGUMENT"],
    ["pay", { channel: id, amount: "0n" }, "INVALID_ARGUMENT"],
    ["pay", { channel: id, amount: tooMuch }, "INVALID_ARGUMENT"],
    ["pay", { channel: id }, "INVALID_ARGUMENT"],
    ["pay", { channel: "0x12", amount: "1n" }, "INVALID_ARGUMENT"],
    ["pay", { channel: unknown, amount: "1n" }, "UNKNOWN_CHANNEL"],
    ["pay", { channel: id, amount: "1000001n" }, "INSUFFICIENT_CAPACITY"],
    ["pay", { channel: id, amount: "1n", memo: "x".repeat(257) }, "INVALID_ARGUMENT"],
    ["pay", { channel: id, amount: "1n", memo: 7 }, "INVALID_ARGUMENT"],
    ["openChannel", { partner: "0x12", token: zero, deposit: "1n" }, "INVALID_ARGUMENT"],
    ["openChannel", { partner: a.account, token: zero, deposit: "1n" }, "INVALID_ARGUMENT"],
    ["openChannel", { partner: zero, token: zero, deposit: "1n" }, "INVALID_ARGUMENT"],
    ["openChannel", { partner, token: "eth", deposit: "1n" }, "INVALID_ARGUMENT"],
    ["openChannel", { partner, token: zero, deposit: tooMuch }, "INVALID_ARGUMENT"],
    ["openChannel", { partner, token: zero, deposit: 1.5 }, "INVALID_ARGUMENT"],
    ["openChannel", { partner, token: zero, deposit: `${2n ** 127n}n` }, "INSUFFICIENT_FUNDS"],
    ["deposit", { channel: unknown, amount: "1n" }, "UNKNOWN_CHANNEL"],
    ["deposit", { channel: id, amount: "0n" }, "INVALID_ARGUMENT"],
    ["deposit", { channel: id, amount: "-5n" }, "INVALID_ARGUMENT"],
    ["withdraw", { channel: unknown, amount: "1n" }, "UNKNOWN_CHANNEL"],
    ["withdraw", { channel: id, amount: "1000001n" }, "INSUFFICIENT_CAPACITY"],
    ["withdraw", { channel: id, amount: tooMuch }, "INVALID_ARGUMENT"],
    ["closeChannel", { channel: unknown }, "UNKNOWN_CHANNEL"],
    ["closeChannel", { channel: id, mode: "rude" }, "INVALID_ARGUMENT"],
    ["closeChannel", { channel: id, timeout: -1 }, "INVALID_ARGUMENT"],
    ["respond", { channel: id }, "NOTHING_TO_DO"],
    ["respond", { channel: unknown }, "UNKNOWN_CHANNEL"],
    ["settle", { channel: id }, "NOTHING_TO_DO"],
    ["settle", { channel: unknown }, "UNKNOWN_CHANNEL"],
    ["channel", { channel: unknown }, "UNKNOWN_CHANNEL"],
    ["channel", { channel: 5 }, "INVALID_ARGUMENT"],
    ["payments", { channel: "x" }, "INVALID_ARGUMENT"],
    ["payments", { limit: 0 }, "INVALID_ARGUMENT"],
  ];
  const seen = async () => JSON.stringify(await a.call("channels"), (_, value) => (typeof value === "bigint" ? `${value}n` : value));
  const before = await seen();
  for (const [method, parameters, code] of cases) {
    const result = await a.call(method, parameters);
    const what = `${method} ${JSON.stringify(parameters)}`;
    assert.equal(result.code, code, `${what}: ${result.message}`);
    assert.equal(result.isChit, true, what);
    assert.equal(await seen(), before, `${what} changed something`);
  }
  await a.call("close");
  for (const [method, parameters] of cases) {
    const result = await a.call(method, parameters);
    assert.ok(["CLIENT_CLOSED", "INVALID_ARGUMENT"].includes(result.code), `${method} after close: ${result.code}`);
  }
  await a.context.close();
  await b.context.close();
});

test("a foreign chain is refused before anything is asked of the wallet", async () => {
  const context = await here.browser.newContext();
  const page = await context.newPage();
  await page.goto(`${here.server.url}/bare/index.html`);
  await page.waitForFunction(() => window.ready);
  const result = await page.evaluate(
    (wallet) => window.under.attempt(() => window.under.start({ wallet, chainId: 1 })),
    here.accounts[5],
  );
  if (result.code === undefined) {
    const opened = await page.evaluate(
      ([partner, token]) => window.under.attempt(async () => void (await window.under.client.openChannel({ partner, token, deposit: 1n }))),
      [here.accounts[6], zero],
    );
    assert.equal(opened.code, "WRONG_CHAIN", opened.message);
  } else {
    assert.equal(result.code, "WRONG_CHAIN", result.message);
  }
  assert.deepEqual(await page.evaluate(() => window.under.wallet.prompts), []);
  await context.close();
});
