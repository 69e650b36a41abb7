// Bad input at every public function: a typed error that names the parameter, and a core that never heard of it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFactory } from '../dist/client.js';
import { A, B, ID, PAYMENT, REQUEST, ZERO, code, config, fakeCore, start } from './helpers.mjs';

const address = [undefined, null, 1, 1n, {}, [], '', 'alice.eth', '0x', A.slice(0, -1), `${A}0`, `${A.slice(0, -1)}g`, A.slice(2)];
const nonZero = [...address, ZERO];
const amount = [undefined, null, 1, 1.5, '1', '', {}, [], NaN, Infinity, true, 0n, -1n, 1n << 128n, -(1n << 200n)];
const channel = [undefined, null, 1, 1n, {}, '', '0x', ID.slice(0, -1), `${ID}0`, ID.slice(2), A, `${ID.slice(0, -1)}z`];
const signal = [null, 1, 'abort', {}, { aborted: 'no' }, () => undefined];
const request = [undefined, null, 1, {}, '', 'chit:', 'AQID', `${REQUEST}=`, `${REQUEST}+`, 'chit:A', 'chit:AB', `chit:${'A'.repeat(1708)}`, ID];
const requestId = [null, 1, '', '0x', PAYMENT, ID.slice(0, -1), ID.slice(2)];
const parameters = [null, 1, 'x', [], true];
const timeout = [null, 0, -1, 1.5, NaN, Infinity, '1000', 1000n, 86_400_001];
const given = (values) => values.filter((value) => value !== undefined);

const limits = {
  maxFee: [null, 1, '1', -1n, 1n << 128n],
  maxParts: [null, 0, -1, 1.5, '1', 1n, 17],
  exclude: [null, A, {}, [ZERO], [1], [A, 'x']],
  hints: [null, {}, [null], [1], [{}], [{ channel: ID, from: A, to: B, capacity: 1 }], [{ channel: ID, from: A, to: B, capacity: 1n, flat: 1 }]],
};

/** For each action: good parameters, and for each parameter values that must be refused. */
const table = {
  authorize: { good: {}, bad: { signal } },
  openChannel: {
    good: { partner: A, token: ZERO, deposit: 1n },
    bad: { partner: nonZero, token: address, deposit: amount, salt: [null, 1, '1', {}, -1n, 1n << 64n, ID], signal },
    required: true,
  },
  deposit: { good: { channel: ID, amount: 1n }, bad: { channel, amount, signal }, required: true },
  withdraw: { good: { channel: ID, amount: 1n }, bad: { channel, amount, timeout, signal }, required: true },
  pay: {
    good: { channel: ID, amount: 1n },
    bad: {
      channel,
      amount,
      memo: [null, 1, {}, 'x'.repeat(257), '€'.repeat(86), '\ud800'],
      id: [null, 1, '', '0x', ID, PAYMENT.slice(0, -1), PAYMENT.slice(2)],
      ...limits,
      signal,
    },
    required: true,
  },
  quote: {
    good: { to: A, token: ZERO, amount: 1n },
    bad: { to: nonZero, token: address, amount, ...limits, signal },
    required: true,
  },
  estimateCapacity: { good: { to: A, token: ZERO }, bad: { to: nonZero, token: address, signal }, required: true },
  closeChannel: {
    good: { channel: ID },
    bad: {
      channel,
      mode: [null, 1, '', 'Auto', 'toString', {}],
      timeout,
      force: [null, 0, 1, 'true', {}],
      signal,
    },
    required: true,
  },
  respond: { good: { channel: ID }, bad: { channel, signal }, required: true },
  settle: { good: { channel: ID }, bad: { channel, signal }, required: true },
  channels: { good: {}, bad: { signal } },
  channel: { good: { channel: ID }, bad: { channel, signal }, required: true },
  payments: {
    good: {},
    bad: {
      channel: given(channel),
      limit: [null, 0, -1, 1.5, NaN, '10', 10n, 1001],
      before: [null, 1, '', ID],
      signal,
    },
  },
  createRequest: {
    good: { token: ZERO },
    bad: {
      token: address,
      amount: given(amount),
      expiresIn: [null, 0, -1, 1.5, NaN, '60', 60n, 31_622_401],
      memo: [null, 1, {}, '', 'x'.repeat(257), '\ud800'],
      id: [null, 1, '', '0x', ID, PAYMENT.slice(0, -1)],
      signal,
    },
    required: true,
  },
  payRequest: {
    good: { request: REQUEST },
    bad: {
      request,
      amount: given(amount),
      ...limits,
      memo: [null, 1, {}, 'x'.repeat(257), '\ud800'],
      id: [null, 1, '', '0x', ID, PAYMENT.slice(0, -1)],
      signal,
    },
    required: true,
  },
  readRequest: { good: { request: REQUEST }, bad: { request, signal }, required: true },
  requestStatus: { good: { request: REQUEST }, bad: { request, signal }, required: true },
  requests: { good: {}, bad: { limit: [null, 0, -1, 1.5, NaN, '10', 10n, 1001], before: requestId, signal } },
  balance: { good: { token: ZERO }, bad: { token: address, signal }, required: true },
  network: { good: { token: ZERO }, bad: { token: given(address), signal } },
  status: { good: {}, bad: { signal } },
  'testing.setOffline': { good: { offline: true }, bad: { offline: [undefined, null, 0, 'true'] }, required: true },
  'testing.closeWithOldProof': { good: { channel: ID }, bad: { channel, signal }, required: true },
  'testing.revealOnChain': { good: { channel: ID }, bad: { channel, signal }, required: true },
};

const spelled = (value) => JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part));
const show = (value) =>
  typeof value === 'bigint' ? `${value}n` : typeof value === 'function' ? 'a function' : (spelled(value) ?? String(value)).slice(0, 40);
const pick = (client, path) => path.split('.').reduce((value, key) => value[key], client);

for (const [name, { good, bad, required }] of Object.entries(table)) {
  describe(name, () => {
    test('takes what is good', async () => {
      const { client, core } = await start();
      await pick(client, name)(good);
      assert.equal(core.calls.length, 1);
    });

    for (const value of required ? [undefined, ...parameters] : parameters) {
      test(`refuses ${show(value)} for its parameters`, async () => {
        const { client, core } = await start();
        await assert.rejects(async () => pick(client, name)(value), code('INVALID_ARGUMENT', 'parameters'));
        assert.equal(core.calls.length, 0);
      });
    }

    for (const [parameter, values] of Object.entries(bad)) {
      for (const value of values) {
        test(`refuses ${show(value)} for ${parameter}`, async () => {
          const { client, core } = await start();
          const call = { ...good, [parameter]: value };
          await assert.rejects(async () => pick(client, name)(call), code('INVALID_ARGUMENT', parameter));
          assert.equal(core.calls.length, 0);
        });
      }
    }

    test('rejects instead of throwing', async () => {
      const { client } = await start();
      const returned = pick(client, name)('bad');
      assert.equal(typeof returned.then, 'function');
      await assert.rejects(returned);
    });

    test('after close says CLIENT_CLOSED', async () => {
      const { client, core } = await start();
      await client.close();
      await assert.rejects(async () => pick(client, name)(good), code('CLIENT_CLOSED'));
      assert.equal(core.calls.length, 0);
    });

    test('passes on what the core refuses', async () => {
      const method = { 'testing.setOffline': 'debugOffline', 'testing.closeWithOldProof': 'debugCloseWithOldProof', 'testing.revealOnChain': 'revealOnChain' }[name] ?? name;
      const refusal = Object.assign(new Error('No such channel.'), { name: 'ChitError', code: 'UNKNOWN_CHANNEL', details: { channel: ID }, retryable: false });
      const { client } = await start({
        [method]: () => {
          throw refusal;
        },
      });
      await assert.rejects(
        async () => pick(client, name)(good),
        (error) => code('UNKNOWN_CHANNEL')(error) && error.cause === refusal && error.details.channel === ID && error.retryable === false,
      );
    });

    if ('signal' in bad) {
      test('does nothing when its signal has fired already', async () => {
        const { client, core } = await start();
        await assert.rejects(async () => pick(client, name)({ ...good, signal: AbortSignal.abort('why') }), (error) => code('ABORTED')(error) && error.cause === 'why');
        assert.equal(core.calls.length, 0);
      });
    }
  });
}

describe('pay names its channel in one of two ways', () => {
  for (const [text, target, parameter] of [
    ['neither', {}, 'channel'],
    ['both', { channel: ID, to: A, token: ZERO }, 'channel'],
    ['an id and a token', { channel: ID, token: ZERO }, 'channel'],
    ['no token', { to: A }, 'token'],
    ['a request and a channel', { request: REQUEST, channel: ID }, 'request'],
    ['a request and an account', { request: REQUEST, to: A, token: ZERO }, 'request'],
    ['a bad account', { to: 'bob', token: ZERO }, 'to'],
    ['the zero account', { to: ZERO, token: ZERO }, 'to'],
  ]) {
    test(`refuses ${text}`, async () => {
      const { client, core } = await start();
      await assert.rejects(client.pay({ ...target, amount: 1n }), code('INVALID_ARGUMENT', parameter));
      assert.equal(core.calls.length, 0);
    });
  }
});

describe('testing.refuse', () => {
  test('takes a boolean and nothing else', async () => {
    const { client, core } = await start();
    await client.testing.refuse(true);
    assert.deepEqual(core.calls.map(({ method, params }) => [method, params]), [['debugRefuse', { on: true }]]);
    for (const value of [undefined, null, 0, 'true', {}]) await assert.rejects(client.testing.refuse(value), code('INVALID_ARGUMENT', 'on'));
    assert.equal(core.calls.length, 1);
  });
});

describe('events and on', () => {
  for (const value of parameters) {
    test(`events refuses ${show(value)} for its parameters`, async () => {
      const { client } = await start();
      assert.throws(() => client.events(value), code('INVALID_ARGUMENT', 'parameters'));
    });
  }
  for (const value of signal) {
    test(`both refuse ${show(value)} for signal`, async () => {
      const { client } = await start();
      assert.throws(() => client.events({ signal: value }), code('INVALID_ARGUMENT', 'signal'));
      assert.throws(() => client.on('chain', () => undefined, { signal: value }), code('INVALID_ARGUMENT', 'signal'));
    });
  }
  for (const buffer of [0, -1, 1.5, NaN, '1', 1n, 1_000_001]) {
    test(`events refuses a buffer of ${show(buffer)}`, async () => {
      const { client } = await start();
      assert.throws(() => client.events({ buffer }), code('INVALID_ARGUMENT', 'buffer'));
    });
  }
  for (const type of [undefined, null, 1, '', 'Payment', 'constructor', 'lagged']) {
    test(`on refuses the type ${show(type)}`, async () => {
      const { client } = await start();
      assert.throws(() => client.on(type, () => undefined), code('INVALID_ARGUMENT', 'type'));
    });
  }
  for (const listener of [undefined, null, {}, 'f']) {
    test(`on refuses the listener ${show(listener)}`, async () => {
      const { client } = await start();
      assert.throws(() => client.on('payment', listener), code('INVALID_ARGUMENT', 'listener'));
    });
  }
  test('after close both say CLIENT_CLOSED', async () => {
    const { client } = await start();
    await client.close();
    assert.throws(() => client.events(), code('CLIENT_CLOSED'));
    assert.throws(() => client.on('payment', () => undefined), code('CLIENT_CLOSED'));
  });
});

describe('createChannelClient', () => {
  const bad = {
    chainId: [undefined, null, 0, -1, 1.5, NaN, '1', 1n, 2 ** 53],
    judge: nonZero,
    fromBlock: [undefined, null, 0, 7, '7', '0x7', -1n, 1n << 64n],
    relayUrl: [undefined, null, 1, '', 'localhost:1', 'http://localhost:1', 'file:///x', 'ws://'],
    provider: [undefined, null, 1, {}, { request: 'yes' }, () => undefined],
    wallet: nonZero,
    confirmations: [null, 0, -1, 1.5, NaN, '5', 5n, 10_001],
    pollingInterval: [null, 0, 49, -1, 1.5, '4000', 4000n, 3_600_001],
    wasm: [null, 1, '', {}, [], () => undefined],
    storageName: [null, 1, '', 'x'.repeat(65), {}],
    mediate: [
      null, true, 1, 'yes', [],
      ...[null, 1, '1', -1n, 1n << 128n].map((flat) => ({ flat })),
      ...[null, -1, 1.5, 1n, '1', 1_000_001].map((proportional) => ({ proportional })),
    ],
    signal,
  };
  for (const [parameter, values] of Object.entries(bad)) {
    for (const value of values) {
      test(`refuses ${show(value)} for ${parameter}`, async () => {
        const core = fakeCore();
        core.loader.load = () => assert.fail('the wasm file was touched');
        await assert.rejects(createFactory(core.loader)({ ...config, [parameter]: value }), code('INVALID_ARGUMENT', parameter));
      });
    }
  }
  for (const value of [undefined, ...parameters]) {
    test(`refuses ${show(value)} for its parameters`, async () => {
      await assert.rejects(createFactory(fakeCore().loader)(value), code('INVALID_ARGUMENT', 'parameters'));
    });
  }
  test('hands the core what it expects', async () => {
    const { core } = await start({}, { storageName: 'second' });
    assert.deepEqual(core.config, {
      chainId: 31337,
      judge: config.judge,
      fromBlock: '0x7',
      confirmations: 5,
      pollingInterval: 4000,
      relayUrl: 'ws://localhost:1/ws',
      wallet: config.wallet,
      storageName: 'second',
    });
    assert.equal(core.provider, config.provider);
  });
  for (const [mediate, expected] of [
    [false, {}],
    [undefined, {}],
    [{}, { mediateFlat: '0', mediateProportional: 0 }],
    [{ flat: 5n, proportional: 1000 }, { mediateFlat: '5', mediateProportional: 1000 }],
  ]) {
    test(`hands the core what mediate ${show(mediate)} means`, async () => {
      const { core } = await start({}, { mediate });
      const { mediateFlat, mediateProportional } = core.config;
      assert.deepEqual({ mediateFlat, mediateProportional }, { mediateFlat: undefined, mediateProportional: undefined, ...expected });
    });
  }
});

describe('what reaches the core', () => {
  for (const [name, parameters, expected] of [
    ['openChannel', { partner: A, token: ZERO, deposit: (1n << 128n) - 1n }, { partner: A, token: ZERO, deposit: '340282366920938463463374607431768211455' }],
    ['openChannel', { partner: A, token: A, deposit: 1n, salt: 255n }, { partner: A, token: A, deposit: '1', salt: `0x${'0'.repeat(62)}ff` }],
    ['deposit', { channel: ID.toUpperCase().replace('0X', '0x'), amount: 5n }, { channel: ID, amount: '5' }],
    ['withdraw', { channel: ID, amount: 5n }, { channel: ID, amount: '5', timeout: 20_000 }],
    ['withdraw', { channel: ID, amount: 5n, timeout: 7 }, { channel: ID, amount: '5', timeout: 7 }],
    ['balance', { token: A }, { token: A }],
    ['closeChannel', { channel: ID }, { channel: ID, mode: 'auto', timeout: 20_000, force: false }],
    ['closeChannel', { channel: ID, mode: 'unilateral', timeout: 1, force: true }, { channel: ID, mode: 'unilateral', timeout: 1, force: true }],
    ['respond', { channel: ID }, { channel: ID }],
    ['settle', { channel: ID }, { channel: ID, force: false }],
    ['pay', { channel: ID, amount: 1n, id: PAYMENT, memo: 'tea' }, { payment: PAYMENT, again: true, channel: ID, amount: '1', memo: 'tea' }],
    ['pay', { to: A, token: ZERO, amount: 1n, id: PAYMENT }, { payment: PAYMENT, again: true, to: A, token: ZERO, amount: '1' }],
    ['pay', { to: A, token: ZERO, amount: 1n, id: PAYMENT, maxFee: 0n, maxParts: 2, exclude: [B], hints: [{ channel: ID, from: A, to: B, capacity: 9n }] }, { payment: PAYMENT, again: true, to: A, token: ZERO, amount: '1', maxFee: '0', maxParts: 2, exclude: [B], hints: [{ channel: ID, from: A, to: B, capacity: '9', flat: '0', proportional: 0 }] }],
    ['quote', { to: A, token: ZERO, amount: 1n, maxFee: 5n }, { to: A, token: ZERO, amount: '1', maxFee: '5' }],
    ['estimateCapacity', { to: A, token: ZERO }, { to: A, token: ZERO }],
    ['payments', undefined, { limit: 100 }],
    ['payments', { channel: ID, limit: 7, before: PAYMENT }, { channel: ID, limit: 7, before: PAYMENT }],
    ['channels', undefined, {}],
    ['status', undefined, {}],
    ['authorize', undefined, {}],
  ]) {
    test(`${name} ${show(Object.keys(parameters ?? {}))}`, async () => {
      const { client, core } = await start();
      const running = client[name](parameters);
      await running;
      const { operation, ...params } = core.calls[0].params;
      assert.equal(core.calls[0].method, name);
      assert.deepEqual(params, expected);
      // An operation is named in its call, a payment by the payment.
      assert.equal(operation ?? params.payment, running.id);
    });
  }
  test('every payment gets an id of its own', async () => {
    const { client, core } = await start();
    await Promise.all([client.pay({ channel: ID, amount: 1n }), client.pay({ channel: ID, amount: 1n })]);
    const [first, second] = core.calls.map(({ params }) => params.payment);
    assert.deepEqual(core.calls.map(({ params }) => params.again), [false, false]);
    assert.match(first, /^0x[0-9a-f]{32}$/);
    assert.notEqual(first, second);
  });
});
