// Bad input at every public function of the real client: a typed error, and nothing has changed. The list of functions is
// the client's own, so that a new one cannot be forgotten here.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { leave, openPair, world, zero } from "./support.mjs";

let here;
before(async () => (here = await world()));
after(async () => here?.close());

const unknown = `0x${"ab".repeat(32)}`;
const tooMuch = 2n ** 128n;
const unknownAccount = `0x${"cd".repeat(20)}`;
const badChecksum = "0x70997970C51812dc3A010C7d01b50e0d17dc79c8";
const request = "chit:AQID-_8";
const listener = { $function: true };

/** Functions and amounts survive the trip into the page only in disguise. */
const disguise = (value) =>
  JSON.stringify(value, (_, part) => (typeof part === "bigint" ? { $bigint: String(part) } : part === undefined ? { $undefined: true } : part));

/** Calls a function of the page by its path, such as `client.testing.setOffline`. */
const invoke = (page, path, parameters) =>
  page.evaluate(
    ([path, text]) => {
      const parameters = JSON.parse(text, (_, part) => {
        if (part?.$bigint !== undefined) return BigInt(part.$bigint);
        if (part?.$undefined) return undefined;
        return part?.$function ? () => undefined : part;
      });
      const names = path.split(".");
      const last = names.pop();
      const owner = names.reduce((object, name) => object[name], { client: window.under.client, module: window.under.module });
      return window.under.attempt(async () => void (await owner[last](...parameters)));
    },
    [path, disguise(parameters)],
  );

/** Every way to get an argument wrong: [arguments, code, the parameter that is named]. */
function casesOf({ id, self, partner }) {
  const notParameters = [null, 5, "x", []].map((wrong) => [[wrong], "INVALID_ARGUMENT", "parameters"]);
  const optional = [...notParameters, [[{ signal: "now" }], "INVALID_ARGUMENT", "signal"]];
  const required = [...notParameters, [[], "INVALID_ARGUMENT", "parameters"], [[undefined], "INVALID_ARGUMENT", "parameters"]];
  const bad = (parameter, good, ...values) => values.map((value) => [[{ ...good, [parameter]: value }], "INVALID_ARGUMENT", parameter]);
  const badChannel = (good) => [
    ...bad("channel", good, undefined, null, 5, {}, "", "0x12", `${unknown}00`, unknown.replace("0x", "0y")),
    [[{ ...good, channel: unknown }], "UNKNOWN_CHANNEL"],
    ...bad("signal", { ...good, channel: id }, "now", {}),
  ];
  const notAmounts = [undefined, null, 5, 1.5, "5", {}, 0n, -1n, tooMuch];
  const notAddresses = [undefined, null, 5, {}, "", "0x12", "vitalik.eth", `${zero}00`, badChecksum];
  const notTimeouts = [-1, 0, 1.5, "5", null, 5n, Number.MAX_SAFE_INTEGER];
  const amount = 1n;
  const hint = { channel: id, from: self, to: partner, capacity: 1n };
  const badLimits = (good) => [
    ...bad("maxFee", good, null, 5, "5", -1n, tooMuch),
    ...bad("maxParts", good, null, 0, 1.5, 17, "2", 2n),
    ...bad("exclude", good, null, partner, {}, [5], ["0x12"], [zero], [badChecksum]),
    ...bad("hints", good, null, {}, [5], [{}], [{ ...hint, capacity: 5 }], [{ ...hint, flat: -1n }], [{ ...hint, proportional: 1.5 }], [{ ...hint, from: badChecksum }]),
  ];
  const badRequest = (good) => bad("request", good, undefined, null, 5, {}, "", "chit:", "chit:A", "chit:!!", "http:AQID");
  return {
    authorize: optional,
    openChannel: [
      ...required,
      ...bad("partner", { token: zero, deposit: 1n }, ...notAddresses, zero, self),
      ...bad("token", { partner, deposit: 1n }, ...notAddresses),
      ...bad("deposit", { partner, token: zero }, ...notAmounts),
      ...bad("salt", { partner, token: zero, deposit: 1n }, -1n, 2n ** 64n, 5, "5"),
      ...bad("signal", { partner, token: zero, deposit: 1n }, "now"),
      [[{ partner, token: zero, deposit: tooMuch - 1n }], "INSUFFICIENT_FUNDS"],
    ],
    deposit: [
      ...required,
      ...badChannel({ amount }),
      ...bad("amount", { channel: id }, ...notAmounts),
      [[{ channel: id, amount: tooMuch - 1n }], "INVALID_ARGUMENT"],
    ],
    pay: [
      ...required,
      ...badChannel({ amount }),
      ...bad("amount", { channel: id }, ...notAmounts),
      ...bad("memo", { channel: id, amount }, 7, {}, null, "x".repeat(257), "ü".repeat(129), "\ud800"),
      ...bad("id", { channel: id, amount }, "0x12", 7, null),
      ...badLimits({ to: partner, token: here.token, amount }),
      [[{ to: self, token: here.token, amount }], "INVALID_ARGUMENT"],
      [[{ to: unknownAccount, token: here.token, amount }], "NO_ROUTE"],
      [[{ request, channel: id, amount }], "INVALID_ARGUMENT", "request"],
      ...bad("to", { token: zero, amount }, ...notAddresses.slice(1), zero),
      ...bad("token", { to: partner, amount }, ...notAddresses),
      [[{ channel: id, to: partner, token: zero, amount }], "INVALID_ARGUMENT", "channel"],
      [[{ to: partner, token: zero, amount }], "UNKNOWN_CHANNEL"],
      [[{ channel: id, amount: 1_000_001n }], "INSUFFICIENT_CAPACITY"],
      [[{ channel: id, amount: tooMuch - 1n }], "INSUFFICIENT_CAPACITY"],
    ],
    quote: [
      ...required,
      ...bad("to", { token: zero, amount }, ...notAddresses, zero),
      ...bad("token", { to: partner, amount }, ...notAddresses),
      ...bad("amount", { to: partner, token: zero }, ...notAmounts),
      ...badLimits({ to: partner, token: here.token, amount }),
      ...bad("signal", { to: partner, token: here.token, amount }, "now"),
      [[{ to: partner, token: zero, amount }], "UNKNOWN_CHANNEL"],
      [[{ to: self, token: here.token, amount }], "INVALID_ARGUMENT"],
      [[{ to: unknownAccount, token: here.token, amount }], "NO_ROUTE"],
      [[{ to: partner, token: here.token, amount: 1_000_001n }], "INSUFFICIENT_CAPACITY"],
    ],
    estimateCapacity: [
      ...required,
      ...bad("to", { token: zero }, ...notAddresses, zero),
      ...bad("token", { to: partner }, ...notAddresses),
      [[{ to: self, token: here.token }], "INVALID_ARGUMENT"],
    ],
    createRequest: [
      ...required,
      ...bad("token", {}, ...notAddresses),
      ...bad("amount", { token: here.token }, ...notAmounts.slice(1)),
      ...bad("expiresIn", { token: here.token }, ...notTimeouts),
      ...bad("memo", { token: here.token }, 7, {}, null, "x".repeat(257)),
      ...bad("id", { token: here.token }, "0x12", 7, null),
    ],
    readRequest: [...required, ...badRequest({}), [[{ request }], "INVALID_ARGUMENT"]],
    payRequest: [
      ...required,
      ...badRequest({}),
      ...bad("amount", { request }, ...notAmounts.slice(1)),
      ...badLimits({ request }),
      [[{ request }], "INVALID_ARGUMENT"],
    ],
    requestStatus: [...required, ...badRequest({}), [[{ request }], "INVALID_ARGUMENT"], [[{ id: unknown }], "UNKNOWN_REQUEST"]],
    requests: [...optional, ...bad("limit", {}, 0, -1, 1.5, 1_001, "5", null), ...bad("before", {}, "0x12", 5, null)],
    network: [...optional, ...bad("token", {}, ...notAddresses.slice(1))],
    withdraw: [
      ...required,
      ...badChannel({ amount }),
      ...bad("amount", { channel: id }, ...notAmounts),
      ...bad("timeout", { channel: id, amount }, ...notTimeouts),
      [[{ channel: id, amount: 1_000_001n }], "INSUFFICIENT_CAPACITY"],
    ],
    closeChannel: [
      ...required,
      ...badChannel({}),
      ...bad("mode", { channel: id }, "rude", 5, null),
      ...bad("timeout", { channel: id }, ...notTimeouts),
      ...bad("force", { channel: id }, "yes", 1, null),
    ],
    respond: [...required, ...badChannel({}), [[{ channel: id }], "NOTHING_TO_DO"]],
    settle: [...required, ...badChannel({}), [[{ channel: id }], "NOTHING_TO_DO"]],
    channels: optional,
    channel: [...required, ...badChannel({})],
    payments: [
      ...optional,
      ...bad("channel", {}, null, 5, "x", "0x12"),
      ...bad("limit", {}, 0, -1, 1.5, 1_001, "5", null),
      ...bad("before", {}, "0x12", 5, null),
    ],
    balance: [...required, ...bad("token", {}, ...notAddresses), ...bad("signal", { token: zero }, "now")],
    status: optional,
    events: [...optional, ...bad("buffer", {}, 0, -1, 1.5, 1_000_001, "5")],
    on: [
      [[], "INVALID_ARGUMENT", "type"],
      [["nothing", listener], "INVALID_ARGUMENT", "type"],
      [[5, listener], "INVALID_ARGUMENT", "type"],
      [["payment"], "INVALID_ARGUMENT", "listener"],
      [["payment", "x"], "INVALID_ARGUMENT", "listener"],
      [["payment", listener, 5], "INVALID_ARGUMENT", "parameters"],
      [["payment", listener, { signal: "now" }], "INVALID_ARGUMENT", "signal"],
    ],
    // It takes nothing.
    close: [],
    "testing.setOffline": [...required, ...bad("offline", {}, undefined, "yes", 1, null)],
    "testing.closeWithOldProof": [...required, ...badChannel({})],
    "testing.refuse": [undefined, null, 0, "yes", {}].map((on) => [[on], "INVALID_ARGUMENT", "on"]),
    "testing.revealOnChain": [...required, ...badChannel({})],
  };
}

/** What a closed client is asked, correctly. */
const correct = ({ id, partner }) => ({
  openChannel: [{ partner, token: zero, deposit: 1n }],
  deposit: [{ channel: id, amount: 1n }],
  pay: [{ channel: id, amount: 1n }],
  quote: [{ to: partner, token: zero, amount: 1n }],
  estimateCapacity: [{ to: partner, token: zero }],
  createRequest: [{ token: zero }],
  "testing.refuse": [true],
  ...Object.fromEntries(["readRequest", "payRequest", "requestStatus"].map((name) => [name, [{ request }]])),
  withdraw: [{ channel: id, amount: 1n }],
  balance: [{ token: zero }],
  on: ["payment", listener],
  "testing.setOffline": [{ offline: true }],
  ...Object.fromEntries(["closeChannel", "respond", "settle", "channel", "testing.closeWithOldProof", "testing.revealOnChain"].map((name) => [name, [{ channel: id }]])),
});

test("every public function answers bad input with a typed error and leaves the state alone", async (t) => {
  const { a, b, id } = await openPair(here);
  const place = { id, self: a.account, partner: b.account };
  const cases = casesOf(place);
  const functions = await a.page.evaluate(() => {
    const { client } = window.under;
    const of = (object, prefix) => Object.keys(object).filter((name) => typeof object[name] === "function").map((name) => prefix + name);
    return [...of(client, ""), ...of(client.testing, "testing.")];
  });
  assert.deepEqual(functions.sort(), Object.keys(cases).sort(), "every function has its cases here");

  const state = () =>
    a.page.evaluate(async () => {
      const { client, wallet } = window.under;
      const seen = [await client.channels(), await client.payments(), (await client.status()).relay, wallet.prompts, await window.storedUpdates()];
      return JSON.stringify(seen, (_, value) => (typeof value === "bigint" ? `${value}n` : value));
    });
  const before = await state();
  let count = 0;
  for (const [name, list] of Object.entries(cases)) {
    for (const [parameters, code, parameter] of list) {
      const result = await invoke(a.page, `client.${name}`, parameters);
      const what = `${name}(${disguise(parameters)})`;
      assert.equal(result.code, code, `${what}: ${result.message}`);
      assert.equal(result.isChit, true, what);
      // The core checks what needs its knowledge, such as checksums, and says so in words only.
      if (parameter !== undefined && result.details?.parameter !== undefined) assert.equal(result.details.parameter, parameter, what);
      count += 1;
    }
    assert.equal(await state(), before, `${name} changed something`);
  }
  t.diagnostic(`${count} calls of ${functions.length} functions`);

  assert.deepEqual(await invoke(a.page, "client.close", []), { ok: undefined });
  for (const name of functions.filter((name) => name !== "close")) {
    const result = await invoke(a.page, `client.${name}`, correct(place)[name] ?? []);
    assert.equal(result.code, "CLIENT_CLOSED", `${name} after close: ${result.message}`);
    assert.equal(result.isChit, true);
  }
  assert.deepEqual(await invoke(a.page, "client.close", []), { ok: undefined }, "closing twice is no mistake");
  await leave(a, b);
});

test("every option of createChannelClient and discoverWallets is checked", async (t) => {
  const context = await here.browser.newContext();
  const page = await context.newPage();
  await page.goto(`${here.server.url}/bare/index.html`);
  await page.waitForFunction(() => window.ready);
  const exported = await page.evaluate(() =>
    Object.entries(window.under.module).filter(([, value]) => typeof value === "function").map(([name]) => name));
  assert.deepEqual(exported.sort(), ["ChitError", "createChannelClient", "discoverWallets", "isChitError", "receiptTypedData", "requestLink"], "every export has its cases here");

  const wallet = here.accounts[here.fresh()];
  const notAddresses = [undefined, null, 5, {}, "", "0x12", "vitalik.eth", zero, badChecksum];
  const options = {
    chainId: [undefined, null, 0, -1, 1.5, "1", 1n],
    judge: notAddresses,
    fromBlock: [undefined, null, 0, "0", -1n, 2n ** 64n],
    relayUrl: [undefined, null, 5, "", "relay.example", "https://relay.example", "ws:"],
    provider: [undefined, null, 5, "x", {}, { request: 5 }],
    wallet: notAddresses,
    confirmations: [0, -1, 1.5, 10_001, "5", null],
    pollingInterval: [0, 49, 1.5, 3_600_001, "5", null],
    wasm: [5, true, {}],
    storageName: ["", 5, null, "x".repeat(65)],
    signal: ["now", 5, {}],
  };
  let count = 0;
  for (const [option, values] of Object.entries(options)) {
    for (const value of values) {
      const result = await page.evaluate(
        ([wallet, option, text]) => {
          const value = JSON.parse(text, (_, part) => (part?.$bigint === undefined ? part : BigInt(part.$bigint)));
          return window.under.attempt(async () => void (await window.under.start({ wallet, [option]: value?.$undefined ? undefined : value })));
        },
        [wallet, option, disguise(value)],
      );
      const what = `${option}: ${disguise(value)}`;
      assert.equal(result.code, "INVALID_ARGUMENT", `${what}: ${result.message}`);
      assert.equal(result.isChit, true, what);
      if (value !== badChecksum) assert.equal(result.details?.parameter, option, what);
      count += 1;
    }
  }
  for (const wrong of [undefined, null, 5, "x", []]) {
    for (const name of ["createChannelClient", "discoverWallets"]) {
      if (wrong === undefined && name === "discoverWallets") continue;
      const result = await invoke(page, `module.${name}`, [wrong]);
      assert.equal(result.code, "INVALID_ARGUMENT", `${name}(${disguise(wrong)})`);
      count += 1;
    }
  }
  for (const wrong of [{ timeout: -1 }, { timeout: 60_001 }, { timeout: "5" }, { onWallet: 5 }, { signal: "now" }]) {
    const result = await invoke(page, "module.discoverWallets", [wrong]);
    assert.equal(result.code, "INVALID_ARGUMENT", disguise(wrong));
    assert.equal(result.details.parameter, Object.keys(wrong)[0]);
    count += 1;
  }
  for (const wrong of [undefined, null, 5, {}, "", "chit:", "https://chit.example"]) {
    const result = await invoke(page, "module.requestLink", [wrong, "https://chit.example"]);
    assert.equal(result.details?.parameter, "text", disguise(wrong));
    count += 1;
  }
  assert.equal((await invoke(page, "module.requestLink", [request, ""])).details.parameter, "base");
  for (const value of [undefined, null, 5, {}, { name: "ChitError" }, { name: "ChitError", code: "NO_SUCH_CODE" }]) {
    assert.equal(await page.evaluate((value) => window.under.module.isChitError(value), value), false);
  }
  assert.deepEqual(await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name)), [], "nothing was stored");
  assert.deepEqual(await page.evaluate(() => [window.under.wallet.prompts, window.under.counters.requests]), [[], {}], "nor was the wallet asked");
  t.diagnostic(`${count} calls`);
  await context.close();
});

test("a foreign chain is refused before anything is asked of the wallet, and nothing of it is kept", async () => {
  const person = await here.person(here.fresh(), {}, { start: false });
  const start = () => person.page.evaluate((wallet) => window.under.attempt(async () => void (await window.under.start({ wallet }))), person.account);
  await person.wallet({ chainId: "0x1" });
  const refused = await start();
  assert.equal(refused.code, "WRONG_CHAIN", refused.message);
  assert.equal(refused.isChit, true);
  assert.equal(await person.prompts(), 0);
  // The same page goes on as soon as the wallet is on the right chain.
  await person.wallet({ chainId: undefined });
  assert.deepEqual(await start(), { ok: undefined });
  // A client that was here before starts without the chain, for its payments need none, and says what is wrong.
  await person.load();
  await person.wallet({ chainId: "0x1" });
  assert.deepEqual(await start(), { ok: undefined });
  await person.untilStatus((status) => status.chainOk === false && /chain/i.test(status.chainReason), "the wrong chain is told");
  const opened = await person.call("openChannel", { partner: here.accounts.at(-1), token: zero, deposit: "1n" });
  assert.equal(opened.code, "WRONG_CHAIN", opened.message);
  assert.equal(await person.prompts(), 0);
  await leave(person);
});
