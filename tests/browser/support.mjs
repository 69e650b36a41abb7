// What the browser tests share: the real stack, a real browser, and persons with a client each.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { findChromium } from "../../scripts/lib/browser.mjs";
import { startStack } from "../../scripts/lib/stack.mjs";
import { serve } from "./server.mjs";

/** The flags that keep Chromium quiet without a network, and awake in the background. */
export const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
];

export const zero = "0x0000000000000000000000000000000000000000";

const erc20 = [
  {
    type: "function",
    name: "balanceOf",
    stateMutability: "view",
    inputs: [{ name: "account", type: "address" }],
    outputs: [{ name: "", type: "uint256" }],
  },
];

/** The stack, a server and a browser; everything ends with `close()`. */
export async function world(options = {}) {
  const stack = await startStack({ challenge: 20, blockTime: 1, relayProfile: "dev", accounts: 24, ...options });
  const mounts = [
    ["/pkg/", "pkg/dist"],
    ["/bare/", "tests/browser/page"],
    ["/", "www/dist"],
  ];
  const server = await serve(mounts, () => stack.deployment);
  const browser = await chromium.launch({ executablePath: await findChromium(), headless: true, args: flags });
  const accounts = stack.deployment.accounts;
  let used = 0;
  return {
    stack,
    server,
    browser,
    accounts,
    token: stack.deployment.token.address,
    /** The index of an account that nobody has used yet, so that no test finds another's channels. */
    fresh() {
      assert.ok(used < accounts.length, "the world has too few accounts for its tests");
      return used++;
    },
    /** A person with a browser profile of its own. */
    async person(index, settings = {}, { start = true } = {}) {
      const token = stack.deployment.token.address;
      const person = new Person(await browser.newContext(), server.url, accounts[index], settings, token);
      return start ? person.open() : person.load();
    },
    balance: (account, token = stack.deployment.token.address) =>
      token === zero
        ? stack.reader.getBalance({ address: account })
        : stack.reader.readContract({ address: token, abi: erc20, functionName: "balanceOf", args: [account] }),
    mine: (blocks) => stack.reader.request({ method: "anvil_mine", params: [`0x${blocks.toString(16)}`, "0x1"] }),
    async close() {
      await browser.close();
      await server.close();
      await stack.stop();
    },
  };
}

/** One account in one browser profile. */
export class Person {
  constructor(context, url, account, settings, token) {
    Object.assign(this, { context, url, account, settings, token });
  }

  /** Opens a tab and starts the client in it. */
  async open() {
    await this.load();
    return this.start();
  }

  /** Opens a tab, or replaces what the tab shows, without starting a client. */
  async load() {
    if (!this.page || this.page.isClosed()) this.page = await this.context.newPage();
    await this.page.goto(`${this.url}/bare/index.html`);
    await this.page.waitForFunction(() => window.ready);
    return this;
  }

  /** Starts the client. */
  async start() {
    await this.page.evaluate((options) => window.under.start(options), { wallet: this.account, ...this.settings });
    return this;
  }

  /** Ends the tab without any chance to clean up. */
  async kill() {
    await this.page.close({ runBeforeUnload: false });
  }

  /** What is on the disk about updates, read past the client. */
  storedUpdates() {
    return this.page.evaluate(() => window.storedUpdates());
  }

  authorize() {
    return this.page.evaluate(async () => void (await window.under.client.authorize()));
  }

  openChannel(partner, token, deposit) {
    return this.page.evaluate(
      async ([partner, token, deposit]) =>
        (await window.under.client.openChannel({ partner, token, deposit: BigInt(deposit) })).id,
      [partner, token, String(deposit)],
    );
  }

  pay(channel, amount, memo, id) {
    return this.page.evaluate(
      ([channel, amount, memo, id]) =>
        window.under.attempt(async () => (await window.under.client.pay({ channel, amount: BigInt(amount), memo, id })).status),
      [channel, String(amount), memo, id],
    );
  }

  channel(id) {
    return this.page.evaluate((channel) => window.under.client.channel({ channel }), id);
  }

  /** Calls a client's method; amounts are given as strings with an `n` behind them. */
  call(method, parameters = {}) {
    return this.page.evaluate(
      ([method, parameters]) => {
        const revived = Object.fromEntries(
          Object.entries(parameters).map(([name, value]) =>
            [name, typeof value === "string" && /^\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value]),
        );
        return window.under.attempt(async () => await window.under.client[method](revived));
      },
      [method, parameters],
    );
  }

  /** Waits until the channel looks as wanted. */
  async until(id, wanted, what, timeout = 30_000) {
    const end = Date.now() + timeout;
    let last;
    while (Date.now() < end) {
      last = await this.channel(id).catch(() => undefined);
      if (last && wanted(last)) return last;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const printed = JSON.stringify(last, (_, value) => (typeof value === "bigint" ? `${value}n` : value));
    assert.fail(`${what} did not happen; last seen: ${printed}`);
  }

  wallet(changes) {
    return this.page.evaluate((changes) => void Object.assign(window.under.wallet, changes), changes);
  }

  /** Waits until the client says of itself what is wanted. */
  async untilStatus(wanted, what) {
    const end = Date.now() + 30_000;
    while (!wanted((await this.call("status")).ok ?? {})) {
      if (Date.now() > end) assert.fail(`${what} did not happen`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** How often the wallet was asked for something. */
  prompts() {
    return this.page.evaluate(() => window.under.wallet.prompts.length);
  }

  counters() {
    return this.page.evaluate(() => structuredClone(window.under.counters));
  }
}

/** Two new persons with an open channel in which A has deposited; both are ready to pay. */
export async function openPair(world, { deposit = 1_000_000n, token = world.token, settings } = {}) {
  const a = await world.person(world.fresh(), settings);
  const b = await world.person(world.fresh(), settings);
  await b.authorize();
  const id = await a.openChannel(b.account, token, deposit);
  await a.until(id, (channel) => channel.ready, "the payer is ready");
  await b.until(id, (channel) => channel.ready, "the payee is ready");
  return { a, b, id };
}

/** Closes the tabs of persons who are done. */
export async function leave(...persons) {
  for (const person of persons) await person.context.close();
}

/** Waits until the tabs have told each other everything that follows a start. */
export async function quieten(persons) {
  const frames = async () => {
    const all = await Promise.all(persons.map((person) => person.counters()));
    return all.reduce((sum, { sent, received }) => sum + sent + received, 0);
  };
  for (let before = -1, now = await frames(); now !== before; [before, now] = [now, await frames()]) {
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
}

/** Both sides agree, and nothing is missing. */
export async function agree(a, b, id, total) {
  const same = (one, other) =>
    one.ours.nonce === other.theirs.nonce &&
    one.theirs.nonce === other.ours.nonce &&
    one.ours.transferred === other.theirs.transferred &&
    one.theirs.transferred === other.ours.transferred;
  const end = Date.now() + 30_000;
  for (;;) {
    const [one, other] = [await a.channel(id), await b.channel(id)];
    if (same(one, other) && one.pendingPayments === 0 && other.pendingPayments === 0) {
      assert.equal(one.ours.balance + one.theirs.balance, total);
      assert.equal(one.ours.balance, other.theirs.balance);
      return one;
    }
    if (Date.now() > end) {
      assert.fail(`the two sides do not agree: ${one.ours.nonce}/${other.theirs.nonce}, ${other.ours.nonce}/${one.theirs.nonce}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
