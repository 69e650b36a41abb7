// A payment by fetch: a real Service Worker between a page that knows nothing of Chit and the tab with the client. openapi.json
// judges what real clients answer.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { answers, conforms } from "../../pkg/test/openapi.mjs";
import { agree, leave, openPair, world, zero } from "./support.mjs";

let here;
before(async () => (here = await world()));
after(async () => here?.close());

/** A page of the person's browser that the Service Worker controls and that has no client. */
async function caller(person, worker = "sw.js") {
  const page = await person.context.newPage();
  await page.goto(`${person.url}/bare/index.html`);
  await page.evaluate(async (worker) => {
    const controlled = new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve));
    await navigator.serviceWorker.register(worker, { type: "module" });
    if (!navigator.serviceWorker.controller) await controlled;
  }, worker);
  return page;
}

/** Lets the person's client answer. */
function serve(person, options = {}) {
  return person.page.evaluate(async ({ readOnly }) => {
    const { serveHttp } = await import("/pkg/http/index.js");
    window.stopServing = await serveHttp(window.under.client, readOnly ? { allow: ({ method }) => method === "GET" } : {});
  }, options);
}

/** Calls the interface from a page; `route` is the path in openapi.json, which judges the answer. */
async function call(page, method, route, path = route, body = undefined) {
  const answer = await page.evaluate(
    async ([method, path, body]) => {
      const init = body === undefined ? { method } : { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
      const response = await fetch(`/chit/v1${path}`, init);
      return { status: response.status, body: await response.json() };
    },
    [method, path, body],
  );
  answers(method, route, answer.status, answer.body);
  return answer;
}

const fails = ({ status, body }, expected, code) => assert.deepEqual([status, body.code], [expected, code], JSON.stringify(body));

/** Collects the events that an EventSource of the page hears; goes on behind the last one when the browser gave the first up. */
async function listen(page) {
  await page.evaluate(async () => {
    window.heard ??= [];
    window.source = new EventSource(`/chit/v1/events${window.after ? `?after=${window.after}` : ""}`);
    for (const type of ["payment", "channel", "lagged"]) {
      window.source.addEventListener(type, ({ data, lastEventId }) => {
        window.heard.push(JSON.parse(data));
        window.after = lastEventId;
      });
    }
    await new Promise((resolve) => window.source.addEventListener("open", resolve, { once: true }));
  });
}

const payments = (page) => page.evaluate(() => window.heard.filter(({ type }) => type === "payment").map(({ payment }) => payment));
const hears = (page, memo) =>
  page.waitForFunction((memo) => window.heard.some(({ payment }) => payment?.memo === memo && payment.status === "settled"), memo);

test("a page without a client opens a channel, pays, lists, listens, withdraws and closes by fetch", async () => {
  const a = await here.person(here.fresh());
  const b = await here.person(here.fresh());
  await b.authorize();
  const page = await caller(a);
  fails(await call(page, "GET", "/status"), 503, "NO_CLIENT");
  await serve(a);

  assert.equal((await call(page, "GET", "/status")).body.relay, "online");
  const account = (await call(page, "GET", "/address")).body;
  assert.equal(account.wallet.toLowerCase(), a.account.toLowerCase());
  assert.deepEqual((await call(page, "GET", "/channels")).body, []);
  await listen(page);

  const opened = await call(page, "PUT", "/channels", "/channels", { partner: b.account, token: here.token, deposit: "1000000" });
  assert.equal(opened.status, 201);
  const { id } = opened.body;
  await a.until(id, (channel) => channel.ready, "the channel is ready");
  await page.waitForFunction((id) => window.heard.some(({ channel }) => channel?.id === id && channel.ready), id);
  const prompts = await a.prompts();

  const payment = "0x00112233445566778899aabbccddeeff";
  const path = `/payments/${here.token}/${b.account}`;
  const paid = await call(page, "POST", "/payments/{token}/{to}", path, { amount: "250000", id: payment, memo: "coffee" });
  assert.equal(paid.status, 200, JSON.stringify(paid.body));
  assert.deepEqual([paid.body.id, paid.body.amount, paid.body.status], [payment, "250000", "settled"]);
  assert.equal(await a.prompts(), prompts, "no prompt to pay");
  await hears(page, "coffee");
  for (const event of await page.evaluate(() => window.heard)) conforms(event, "/components/schemas/Event");
  const again = await call(page, "POST", "/payments/{token}/{to}", path, { amount: "250000", id: payment, memo: "coffee" });
  fails(again, 409, "DUPLICATE_PAYMENT");
  assert.equal((await agree(a, b, id, 1_000_000n)).ours.transferred, 250_000n, "paid once");

  const listed = (await call(page, "GET", "/payments", `/payments?channel=${id}&limit=5`)).body;
  assert.deepEqual(listed.map(({ id, memo, direction }) => [id, memo, direction]), [[payment, "coffee", "sent"]]);
  assert.deepEqual((await call(page, "GET", "/payments", `/payments?channel=${id}&before=${payment}`)).body, []);
  assert.equal((await call(page, "GET", "/channels/{channel}", `/channels/${id}`)).body.capacity, "750000");

  fails(await call(page, "POST", "/payments/{token}/{to}", path, { amount: "750001" }), 402, "INSUFFICIENT_CAPACITY");
  fails(await call(page, "POST", "/payments/{token}/{to}", path, { amount: 5 }), 400, "INVALID_ARGUMENT");
  fails(await call(page, "GET", "/channels/{channel}", `/channels/0x${"00".repeat(32)}`), 404, "UNKNOWN_CHANNEL");
  fails(await call(page, "PATCH", "/channels/{channel}", `/channels/${id}`, { state: "settled" }), 409, "NOTHING_TO_DO");
  await a.wallet({ reject: ["eth_sendTransaction", "eth_signTypedData_v4"] });
  fails(await call(page, "PATCH", "/channels/{channel}", `/channels/${id}`, { deposit: "1000" }), 403, "USER_REJECTED");
  await a.wallet({ reject: undefined });

  const change = (body) => call(page, "PATCH", "/channels/{channel}", `/channels/${id}`, body);
  assert.equal((await change({ deposit: "1000" })).body.ours.deposited, "1001000");
  assert.equal((await change({ withdraw: "51000" })).body.ours.withdrawn, "51000");
  const before = await here.balance(a.account);
  const closed = await change({ state: "closed", mode: "cooperative" });
  assert.equal(closed.body.status, "settled", JSON.stringify(closed.body));
  assert.equal((await here.balance(a.account)) - before, 700_000n);
  await leave(a, b);
});

test("the worker is stopped, and events go on behind the last one", async () => {
  const { a, b, id } = await openPair(here);
  const page = await caller(a);
  await serve(a);
  await listen(page);
  assert.deepEqual(await a.pay(id, 1n, "first"), { ok: "settled" });
  await hears(page, "first");
  const session = await a.context.newCDPSession(page);
  await session.send("ServiceWorker.enable");
  const broken = page.evaluate(() => new Promise((resolve) => window.source.addEventListener("error", resolve, { once: true })));
  await session.send("ServiceWorker.stopAllWorkers");
  assert.deepEqual(await a.pay(id, 2n, "unheard"), { ok: "settled" });
  await broken;
  // A browser may connect again by itself; Chromium gives the source up.
  if (await page.evaluate(() => window.source.readyState === EventSource.CLOSED)) await listen(page);
  await hears(page, "unheard");
  assert.equal(await page.evaluate(() => window.heard.some(({ type }) => type === "lagged")), false);
  const settled = (await payments(page)).filter(({ status }) => status === "settled").map(({ memo }) => memo);
  assert.deepEqual(settled, ["first", "unheard"], "each once");
  await leave(a, b);
});

test("the tab is replaced by another, and a listener is told that it missed something", async () => {
  const { a, b, id } = await openPair(here);
  const page = await caller(a);
  await serve(a);
  await listen(page);
  assert.deepEqual(await a.pay(id, 1n, "first"), { ok: "settled" });
  await hears(page, "first");
  await a.kill();
  await a.open();
  await serve(a);
  // Either the browser connects again by itself, or it gives up and the page does.
  await page.waitForFunction(() => window.heard.some(({ type }) => type === "lagged") || window.source.readyState === EventSource.CLOSED);
  if (await page.evaluate(() => window.source.readyState === EventSource.CLOSED)) await listen(page);
  await page.waitForFunction(() => window.heard.some(({ type }) => type === "lagged"));
  await a.until(id, (channel) => channel.ready, "the payer is back");
  const path = `/payments/${here.token}/${b.account}`;
  assert.equal((await call(page, "POST", "/payments/{token}/{to}", path, { amount: "2", memo: "second" })).status, 200);
  await hears(page, "second");
  await leave(a, b);
});

test("a tab that dies before it answers leaves a caller that knows so", async () => {
  const a = await here.person(here.fresh());
  const page = await caller(a);
  await serve(a);
  await a.wallet({ delay: 3_600_000 });
  const opening = call(page, "PUT", "/channels", "/channels", { partner: here.accounts[0], token: zero, deposit: "5" });
  await a.page.waitForFunction(async () => (await navigator.locks.query()).pending.some(({ name }) => name.startsWith("chit-http/")));
  await a.kill();
  fails(await opening, 504, "CLIENT_GONE");
  fails(await call(page, "GET", "/status"), 503, "NO_CLIENT");
  await leave(a);
});

test("with two wallets in one browser the caller says which, and nobody pays for the other", async () => {
  const { a, b, id } = await openPair(here);
  const page = await caller(a);
  await serve(a);
  const other = await a.context.newPage();
  await other.goto(`${a.url}/bare/index.html`);
  await other.waitForFunction(() => window.ready);
  const second = here.accounts[here.fresh()];
  await other.evaluate((wallet) => window.under.start({ wallet }), second);
  await other.evaluate(async () => void (await (await import("/pkg/http/index.js")).serveHttp(window.under.client)));

  const ambiguous = await call(page, "GET", "/channels");
  fails(ambiguous, 409, "AMBIGUOUS_WALLET");
  assert.deepEqual(ambiguous.body.details.wallets.sort(), [a.account, second].map((wallet) => wallet.toLowerCase()).sort());
  assert.deepEqual((await call(page, "GET", "/channels", `/channels?wallet=${second}`)).body, []);
  assert.equal((await call(page, "GET", "/channels", `/channels?wallet=${a.account}`)).body[0].id, id);
  fails(await call(page, "GET", "/channels", `/channels?wallet=${b.account}`), 503, "NO_CLIENT");
  await a.page.evaluate(() => window.stopServing());
  assert.deepEqual((await call(page, "GET", "/channels")).body, [], "one is left");
  await leave(a, b);
});

test("neither another site's form nor a call that the page forbids pays", async () => {
  const { a, b, id } = await openPair(here);
  const base = "/bare/chit/v1";
  const page = await caller(a, `sw.js?base=${base}`);
  await serve(a, { readOnly: true });
  const path = `${base}/payments/${here.token}/${b.account}`;
  const sent = await page.evaluate(async (path) => {
    const response = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: '{"amount":"5"}' });
    return { status: response.status, body: await response.json() };
  }, path);
  fails(sent, 403, "FORBIDDEN");
  await a.page.evaluate(() => window.stopServing());
  await serve(a);

  const evil = await a.context.newPage();
  const answered = evil.waitForEvent("framenavigated", (frame) => frame.url().endsWith(path));
  await evil.setContent(`<form method="post" enctype="text/plain" action="${a.url}${path}"><input name='{"amount":"5","memo":"' value='"}'></form>`);
  await evil.evaluate(() => document.forms[0].submit());
  await answered;
  assert.match(await evil.evaluate(() => document.body.innerText), /UNSUPPORTED_MEDIA_TYPE/);
  assert.equal((await a.channel(id)).ours.transferred, 0n);
  await leave(a, b);
});
