// The HTTP interface without a transport: every resource is called, and openapi.json judges the answers.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { ErrorCode, ChitError } from '../dist/slim.js';
import { handle } from '../dist/http/index.js';
import { STATUS } from '../dist/http/problems.js';
import { routes } from '../dist/http/routes.js';
import { A, B, ID, PAYMENT, ZERO, deferred, rawChannel, rawPayment, start, tick } from './helpers.mjs';
import { answers, conforms, document, operations, resolve } from './openapi.mjs';

const url = (path) => `https://shop.example/chit/v1${path}`;

const request = { id: ID, text: 'chit:abc', token: ZERO, amount: 5n, expiry: 9, memo: undefined, payee: B, direction: 'created', status: 'open' };
const hop = { channel: ID, from: B, to: A, amount: 5n };

/** What a client will answer that the scripted core does not know; calls are written down. */
function network(calls) {
  const answer = (method, value) => async ({ signal: _, ...parameters }) => {
    calls.push({ method, parameters });
    return value;
  };
  return {
    quote: answer('quote', { direct: false, amount: 5n, fee: 1n, parts: [{ amount: 5n, fee: 1n, path: [hop] }] }),
    network: answer('network', {
      complete: true,
      block: 12n,
      nodes: [{ wallet: A, mediates: true, reachable: true, flat: 1n, proportional: 100 }, { wallet: B, mediates: false, reachable: false, flat: undefined, proportional: undefined }],
      channels: [{ id: ID, token: ZERO, a: A, b: B, total: 100n, hintA: 2n ** 127n, hintB: undefined }],
    }),
    createRequest: answer('createRequest', request),
    requests: answer('requests', [request]),
    requestStatus: answer('requestStatus', {
      ...request,
      status: 'paid',
      payment: PAYMENT,
      receipt: { request: ID, payment: PAYMENT, payer: A, payee: B, amount: 5n, at: 8, signature: `0x${'33'.repeat(65)}` },
    }),
    payRequest: answer('payRequest', { id: PAYMENT, channel: undefined, partner: A, direction: 'sent', amount: 5n, fee: 1n, routed: true, memo: undefined, request: ID, status: 'settled', nonce: 0, at: 8, error: undefined }),
  };
}

async function running(overrides, options) {
  const { client, core } = await start(overrides);
  const calls = [];
  const whole = { ...client, ...network(calls) };
  const send = async (method, path, body, headers) => {
    const init = { method, headers: { ...(method === 'GET' ? {} : { 'content-type': 'application/json' }), ...headers } };
    if (body !== undefined) init.body = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await handle(whole, new Request(url(path), init), options);
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  return { client: whole, core, calls, send };
}

/** The last call that reached the core. */
const last = (core) => core.calls.at(-1);

describe('openapi.json', () => {
  test('is OpenAPI 3.1', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(document);
    assert.ok(valid, JSON.stringify(errors));
    assert.equal(validator.version, '3.1');
  });

  test('has what the router has, and nothing else', () => {
    const inFile = operations.map(({ method, path, operation }) => {
      const query = operation.parameters.map(resolve).filter((parameter) => parameter.in === 'query').map(({ name }) => name);
      const parts = operation.parameters.map(resolve).filter((parameter) => parameter.in === 'path').map(({ name }) => `{${name}}`);
      assert.deepEqual(parts, path.match(/\{\w+\}/g) ?? [], path);
      const schema = resolve(operation.requestBody?.content['application/json'].schema);
      const shapes = (schema?.oneOf ?? [schema]).map((shape) => Object.keys(shape?.properties ?? {}));
      return { method, path, query: query.filter((name) => name !== 'wallet').sort(), body: [...new Set(shapes.flat())].sort() };
    });
    const inRouter = routes.map(({ method, path, query = [], body = [] }) => ({ method, path, query: [...query].sort(), body: [...body].sort() }));
    const order = (one, other) => `${one.path} ${one.method}`.localeCompare(`${other.path} ${other.method}`);
    assert.deepEqual(inFile.sort(order), inRouter.sort(order));
  });

  test('gives examples that are what it describes', () => {
    let seen = 0;
    const visit = (value, at) => {
      if (typeof value !== 'object' || value === null) return;
      if (value.schema) {
        const examples = [...(Object.hasOwn(value, 'example') ? [value.example] : []), ...Object.values(value.examples ?? {}).map((one) => one.value)];
        for (const example of examples) conforms(example, `${at}/schema`);
        seen += examples.length;
      }
      for (const [name, item] of Object.entries(value)) visit(item, `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`);
    };
    visit({ paths: document.paths, components: document.components }, '');
    assert.ok(seen > 40, `${seen} examples`);
  });
});

describe('every resource', () => {
  for (const { method, path, operation } of operations.filter(({ operation: { responses } }) => resolve(responses[200] ?? responses[201]).content['application/json'])) {
    const bodies = Object.entries(operation.requestBody?.content['application/json'].examples ?? { nothing: { value: undefined } });
    const parameters = operation.parameters.map(resolve);
    const filled = path.replace(/\{(\w+)\}/g, (_, name) => parameters.find((one) => one.in === 'path' && one.name === name).example);
    const query = new URLSearchParams(parameters.filter((one) => one.in === 'query' && one.example).map((one) => [one.name, one.example]));
    for (const [name, { value }] of bodies) {
      test(`${method} ${path} takes the example ${name} and answers as written`, async () => {
        const { send, core, calls } = await running();
        for (const target of query.size > 0 ? [filled, `${filled}?${query}`] : [filled]) {
          const { status, body, headers } = await send(method, target, value);
          assert.equal(String(status), Object.keys(operation.responses).find((key) => key.startsWith('2')), JSON.stringify(body));
          answers(method, path, status, body);
          assert.equal(headers.get('content-type'), 'application/json');
          assert.equal(headers.get('cache-control'), 'no-store');
          assert.equal(headers.get('access-control-allow-origin'), null);
        }
        if (path !== '/address') assert.ok(core.calls.length + calls.length > 0, 'the client was asked');
      });
    }
  }
});

describe('parameters', () => {
  test('of a payment reach the core to the unit', async () => {
    const { send, core } = await running();
    const amount = (2n ** 128n - 1n).toString();
    const { status, body } = await send('POST', `/payments/${ZERO}/${A}`, { amount, id: PAYMENT, memo: 'tea' });
    assert.equal(status, 200);
    assert.equal(body.amount, '3');
    const { method, params } = last(core);
    assert.equal(method, 'pay');
    assert.deepEqual({ to: params.to, token: params.token, amount: params.amount, payment: params.payment, memo: params.memo }, { to: A, token: ZERO, amount, payment: PAYMENT, memo: 'tea' });
  });

  test('of a fee limit reach the client', async () => {
    const { client } = await running();
    let given;
    client.pay = async (parameters) => {
      given = parameters;
      return {};
    };
    const init = { method: 'POST', headers: { 'content-type': 'application/json; charset=utf-8' }, body: '{"amount":"7","maxFee":"0","maxParts":3}' };
    await handle(client, new Request(url(`/payments/${ZERO}/${A}`), init));
    assert.equal(given.maxFee, 0n);
    assert.equal(given.maxParts, 3);
    assert.ok(given.signal instanceof AbortSignal);
  });

  test('of a page of payments reach the core', async () => {
    const { send, core } = await running();
    await send('GET', `/payments?channel=${ID}&limit=7&before=${PAYMENT}`);
    assert.deepEqual(last(core), { method: 'payments', params: { channel: ID, limit: 7, before: PAYMENT } });
  });

  const changes = [
    [{ deposit: '5' }, 'deposit', { amount: '5' }],
    [{ withdraw: '5', timeout: 9 }, 'withdraw', { amount: '5', timeout: 9 }],
    [{ state: 'closed', mode: 'unilateral', force: true, timeout: 9 }, 'closeChannel', { mode: 'unilateral', force: true, timeout: 9 }],
    [{ state: 'settled' }, 'settle', {}],
    [{ respond: true }, 'respond', {}],
  ];
  for (const [body, method, expected] of changes) {
    test(`of a change ${JSON.stringify(body)} become ${method}`, async () => {
      const { send, core } = await running();
      assert.equal((await send('PATCH', `/channels/${ID}`, body)).status, 200);
      const { params: { operation, ...params }, method: called } = last(core);
      assert.match(operation, /^0x/);
      assert.equal(called, method);
      assert.deepEqual({ ...params, channel: ID, ...expected }, params);
    });
  }

  test('of a settlement at any cost reach the client', async () => {
    const { client } = await running();
    let given;
    client.settle = async (parameters) => {
      given = parameters;
      return {};
    };
    const init = { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: '{"state":"settled","force":true}' };
    assert.equal((await handle(client, new Request(url(`/channels/${ID}`), init))).status, 200);
    assert.deepEqual([given.channel, given.force], [ID, true]);
  });

  test('a request is paid by its text, and found by its id', async () => {
    const { send, calls } = await running();
    await send('POST', `/requests/${ID}/payment`);
    assert.deepEqual(calls.map(({ method }) => method), ['requestStatus', 'payRequest']);
    assert.equal(calls[1].parameters.request, 'chit:abc');
    await send('POST', `/requests/${encodeURIComponent('chit:x/y')}/payment`, { amount: '4' });
    assert.equal(calls.length, 3);
    assert.deepEqual(calls[2].parameters, { request: 'chit:x/y', amount: 4n, maxFee: undefined, maxParts: undefined });
  });
});

describe('errors', () => {
  test('every code has a status', () => {
    assert.deepEqual(Object.keys(ErrorCode).filter((code) => !(STATUS[code] >= 400)), []);
  });

  const pay = `/payments/${ZERO}/${A}`;
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const cases = [
    ['an unknown path', ['GET', '/wallets'], 404, 'NOT_FOUND'],
    ['a longer path', ['GET', '/status/now'], 404, 'NOT_FOUND'],
    ['an empty segment', ['GET', '/channels/'], 404, 'NOT_FOUND'],
    ['a broken escape', ['GET', '/channels/%zz'], 404, 'NOT_FOUND'],
    ['an unknown method', ['DELETE', '/channels', {}], 405, 'METHOD_NOT_ALLOWED'],
    ['a preflight', ['OPTIONS', pay], 405, 'METHOD_NOT_ALLOWED'],
    ['a form', ['POST', pay, 'amount=5', form], 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a form in plain text', ['POST', pay, '{"amount":"5","x":"="}', { 'content-type': 'text/plain' }], 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a body that is no JSON', ['POST', pay, '{'], 400, 'INVALID_ARGUMENT'],
    ['a body that is no object', ['POST', pay, []], 400, 'INVALID_ARGUMENT'],
    ['a large body', ['POST', pay, { amount: '5', memo: 'x'.repeat(65_536) }], 413, 'TOO_LARGE'],
    ['a misspelt limit', ['POST', pay, { amount: '5', maxfee: '0' }], 400, 'INVALID_ARGUMENT'],
    ['a missing amount', ['POST', pay, {}], 400, 'INVALID_ARGUMENT'],
    ['a number for an amount', ['POST', pay, { amount: 5 }], 400, 'INVALID_ARGUMENT'],
    ['a fraction', ['POST', pay, { amount: '0.5' }], 400, 'INVALID_ARGUMENT'],
    ['an amount in hex', ['POST', pay, { amount: '0x10' }], 400, 'INVALID_ARGUMENT'],
    ['a negative amount', ['POST', pay, { amount: '-5' }], 400, 'INVALID_ARGUMENT'],
    ['an amount of zero', ['POST', pay, { amount: '0' }], 400, 'INVALID_ARGUMENT'],
    ['an amount beyond the largest', ['POST', pay, { amount: (2n ** 128n).toString() }], 400, 'INVALID_ARGUMENT'],
    ['a bad address', ['POST', `/payments/${ZERO}/0x12`, { amount: '5' }], 400, 'INVALID_ARGUMENT'],
    ['a bad channel', ['GET', '/channels/0x12'], 400, 'INVALID_ARGUMENT'],
    ['an unknown parameter', ['GET', '/payments?page=2'], 400, 'INVALID_ARGUMENT'],
    ['a parameter given twice', ['GET', '/payments?limit=2&limit=3'], 400, 'INVALID_ARGUMENT'],
    ['a limit that is no number', ['GET', '/payments?limit=many'], 400, 'INVALID_ARGUMENT'],
    ['no change', ['PATCH', `/channels/${ID}`, {}], 400, 'INVALID_ARGUMENT'],
    ['two changes', ['PATCH', `/channels/${ID}`, { deposit: '5', state: 'closed' }], 400, 'INVALID_ARGUMENT'],
    ['a force that does nothing', ['PATCH', `/channels/${ID}`, { withdraw: '5', force: true }], 400, 'INVALID_ARGUMENT'],
    ['a timeout that does nothing', ['PATCH', `/channels/${ID}`, { deposit: '5', timeout: 5 }], 400, 'INVALID_ARGUMENT'],
    ['an unknown state', ['PATCH', `/channels/${ID}`, { state: 'open' }], 400, 'INVALID_ARGUMENT'],
    ['an answer that is not wanted', ['PATCH', `/channels/${ID}`, { respond: false }], 400, 'INVALID_ARGUMENT'],
    ['another wallet', ['GET', `/status?wallet=${A}`], 503, 'NO_CLIENT'],
    ['another origin', ['GET', '/status', undefined, { origin: 'https://evil.example' }], 403, 'FORBIDDEN'],
    ['an opaque origin', ['POST', pay, { amount: '5' }, { origin: 'null' }], 403, 'FORBIDDEN'],
    ['another site', ['GET', '/status', undefined, { 'sec-fetch-site': 'cross-site' }], 403, 'FORBIDDEN'],
  ];
  for (const [what, [method, path, body, headers], status, code] of cases) {
    test(`${what}: ${status} ${code}, and the core is not asked`, async () => {
      const { send, core } = await running();
      const answer = await send(method, path, body, headers);
      assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify(answer.body));
      conforms(answer.body, '/components/schemas/Error');
      assert.deepEqual(core.calls, []);
    });
  }

  test('the methods of a path are named', async () => {
    const { send } = await running();
    assert.equal((await send('POST', '/channels', {})).headers.get('allow'), 'GET, PUT');
  });

  test('outside of the base there is nothing', async () => {
    const { client } = await running();
    for (const path of ['/chit/v1', '/chit/v10/status', '/', '/chit/v2/status']) {
      assert.equal((await handle(client, new Request(`https://shop.example${path}`))).status, 404, path);
    }
    const moved = await handle(client, new Request('https://shop.example/money/status'), { base: '/money/' });
    assert.equal(moved.status, 200);
  });

  test("the client's own errors keep code, message and details, with exact amounts", async () => {
    const { send } = await running({
      pay: () => {
        throw new ChitError('INSUFFICIENT_CAPACITY', 'Too much.', { details: { capacity: 2n ** 100n } });
      },
    });
    const { status, body } = await send('POST', pay, { amount: '5' });
    assert.equal(status, 402);
    assert.deepEqual(body, { code: 'INSUFFICIENT_CAPACITY', message: 'Too much.', details: { capacity: (2n ** 100n).toString() }, retryable: false });
    answers('POST', '/payments/{token}/{to}', status, body);
  });

  test('what a host lacks is answered 501', async () => {
    const { client } = await start();
    const bare = Object.fromEntries(Object.entries(client).filter(([name]) => !['quote', 'network', 'createRequest', 'requests', 'requestStatus', 'payRequest'].includes(name)));
    const post = { method: 'POST', headers: { 'content-type': 'application/json' } };
    for (const [path, init] of [['/quotes', post], ['/requests', post], ['/requests'], [`/requests/${ID}`], [`/requests/${ID}/payment`, post], ['/network']]) {
      const response = await handle(bare, new Request(url(path), init));
      assert.deepEqual([response.status, (await response.json()).code], [501, 'NOT_IMPLEMENTED'], path);
    }
  });

  test('a closed client is unavailable', async () => {
    const { send, client } = await running();
    await client.close();
    for (const path of ['/status', '/channels', '/events']) {
      const { status, body } = await send('GET', path);
      assert.deepEqual([status, body.code], [503, 'CLIENT_CLOSED'], path);
    }
  });
});

describe('allow', () => {
  test('is asked with the parsed call, and refuses', async () => {
    const asked = [];
    const { send, core } = await running({}, {
      allow: async ({ method, path, body, headers }) => {
        asked.push({ method, path, body, token: headers.get('x-token') });
        return method === 'GET';
      },
    });
    assert.equal((await send('GET', '/channels')).status, 200);
    const refused = await send('POST', `/payments/${ZERO}/${A}`, { amount: '5' }, { 'x-token': 'k' });
    assert.deepEqual([refused.status, refused.body.code], [403, 'FORBIDDEN']);
    assert.deepEqual(asked[1], { method: 'POST', path: `/payments/${ZERO}/${A}`, body: { amount: '5' }, token: 'k' });
    assert.deepEqual(core.calls.map(({ method }) => method), ['channels']);
  });

  test('that throws refuses too', async () => {
    const { send, core } = await running({}, { allow: () => Promise.reject(new Error('broken')) });
    assert.equal((await send('GET', '/channels')).status, 500);
    assert.deepEqual(core.calls, []);
  });
});

test('aborting the request takes a queued payment back', async () => {
  const paid = deferred();
  const { client, core } = await running({ pay: () => paid.promise, cancelPayment: () => true });
  const left = new AbortController();
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"amount":"5"}', signal: left.signal };
  const answer = handle(client, new Request(url(`/payments/${ZERO}/${A}`), init));
  while (!core.calls.some(({ method }) => method === 'pay')) await tick();
  left.abort();
  const response = await answer;
  assert.deepEqual([response.status, (await response.json()).code], [409, 'PAYMENT_CANCELLED']);
  assert.equal(last(core).method, 'cancelPayment');
});

describe('events', () => {
  const ask = (client, headers) => handle(client, new Request(url('/events'), { headers }));
  const emit = (core, ...ids) => {
    for (const id of ids) core.emit({ type: 'recovered', channel: id });
  };
  /** A reader that yields one event after the other. */
  async function* read(response) {
    const decoder = new TextDecoder();
    let text = '';
    for await (const piece of response.body) {
      text += decoder.decode(piece, { stream: true });
      for (let at = text.indexOf('\n\n'); at >= 0; at = text.indexOf('\n\n')) {
        const lines = text.slice(0, at).split('\n').map((line) => /^(\w+): (.*)$/.exec(line).slice(1));
        text = text.slice(at + 2);
        const { data, ...fields } = Object.fromEntries(lines);
        yield data === undefined ? fields : { ...fields, data: JSON.parse(data) };
      }
    }
  }
  const next = async (reader) => (await reader.next()).value;

  test('arrive as written in the file', async () => {
    const { client, core } = await running();
    const response = await ask(client);
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    const reader = read(response);
    assert.match((await next(reader)).id, /^[0-9a-f]{8}-0$/);
    const sent = [
      { type: 'channel', channel: rawChannel },
      { type: 'payment', payment: rawPayment },
      { type: 'progress', operation: '0x1', stage: 'submitted', hash: ID },
      { type: 'connection', relay: 'offline', reason: 'gone' },
      { type: 'chain', block: 7, ok: true, timestamp: 5 },
      { type: 'actionRequired', channel: ID, action: 'respond', deadline: 9 },
      { type: 'recovered', channel: ID },
      { type: 'warning', code: 'STORAGE_FULL', message: 'soon' },
      { type: 'fatal', code: 'FATAL', message: 'over' },
    ];
    for (const event of sent) core.emit(event);
    for (const { type } of sent) {
      const { event, data } = await next(reader);
      assert.deepEqual([event, data.type], [type, type]);
      conforms(data, '/components/schemas/Event');
    }
    assert.equal((await reader.next()).done, true, 'a client that has ended ends the stream');
  });

  test('go on behind the last one that was seen', async () => {
    const { client, core } = await running();
    const first = read(await ask(client));
    await next(first);
    emit(core, '0xa', '0xb', '0xc');
    const { id, data } = await next(first);
    assert.equal(data.channel, '0xa');
    await first.return();
    emit(core, '0xd');
    const second = read(await ask(client, { 'last-event-id': id }));
    assert.equal((await next(second)).id, id);
    for (const channel of ['0xb', '0xc', '0xd']) assert.equal((await next(second)).data.channel, channel);
    const third = read(await handle(client, new Request(url(`/events?after=${id}`))));
    await next(third);
    assert.equal((await next(third)).data.channel, '0xb', 'the address says it too');
  });

  test('go on when the connection broke before the first one', async () => {
    const { client, core } = await running();
    const first = read(await ask(client));
    const { id } = await next(first);
    await first.return();
    emit(core, '0xa');
    const second = read(await ask(client, { 'last-event-id': id }));
    await next(second);
    assert.equal((await next(second)).data.channel, '0xa');
  });

  test('of another page are lost, and it says so', async () => {
    const { client, core } = await running();
    for (const id of ['00000000-0', '00000000-99', 'nonsense']) {
      const reader = read(await ask(client, { 'last-event-id': id }));
      await next(reader);
      const { event, data } = await next(reader);
      assert.deepEqual([event, data], ['lagged', { type: 'lagged' }]);
      conforms(data, '/components/schemas/Event');
      emit(core, '0xa');
      assert.equal((await next(reader)).data.channel, '0xa');
    }
  });

  test('an id that was not given out yet is not believed', async () => {
    const { client } = await running();
    const { id } = await next(read(await ask(client)));
    const reader = read(await ask(client, { 'last-event-id': id.replace('-0', '-5') }));
    await next(reader);
    assert.equal((await next(reader)).event, 'lagged');
  });

  test('that a slow reader missed are counted', async () => {
    const { client, core } = await running();
    const reader = read(await ask(client));
    await next(reader);
    // Until the client has started, it holds events back.
    await tick();
    emit(core, ...Array.from({ length: 1_500 }, (_, index) => `0x${index}`));
    const seen = [];
    while (seen.at(-1)?.data.channel !== '0x1499') seen.push(await next(reader));
    const dropped = seen.filter(({ event }) => event === 'lagged').reduce((sum, { data }) => sum + data.dropped, 0);
    assert.equal(seen.filter(({ event }) => event === 'recovered').length + dropped, 1_500);
    assert.ok(dropped > 0 && dropped <= 1_500 - 1_024, `${dropped} dropped`);
    const numbers = seen.map(({ id }) => Number(id.split('-')[1]));
    assert.deepEqual(numbers, [...numbers].sort((one, other) => one - other), 'ids go up');
  });

  test('readers do not take them from each other', async () => {
    const { client, core } = await running();
    const readers = [read(await ask(client)), read(await ask(client))];
    for (const reader of readers) await next(reader);
    emit(core, '0xa');
    for (const reader of readers) assert.equal((await next(reader)).data.channel, '0xa');
  });
});
