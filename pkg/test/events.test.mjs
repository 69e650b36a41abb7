// Listeners and the bounded queues behind events().

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { A, B, ID, PAYMENT, ZERO, code, rawChannel, rawNetwork, rawPayment, start, tick } from './helpers.mjs';

const channelEvent = (id, capacity) => ({ type: 'channel', channel: { ...rawChannel, id, capacity } });
const paymentEvent = (amount) => ({ type: 'payment', payment: { ...rawPayment, amount } });
const other = `0x${'33'.repeat(32)}`;

async function running(overrides) {
  const started = await start(overrides);
  await tick();
  return started;
}

async function drain(iterator) {
  const events = [];
  for await (const event of iterator) events.push(event);
  return events;
}

test('the network is a frozen snapshot with amounts as bigints', async () => {
  const { client } = await running();
  const view = await client.network();
  assert.deepEqual(view, {
    complete: true,
    block: 9n,
    nodes: [
      { wallet: A, mediates: true, reachable: true, flat: 3n, proportional: 1000 },
      { wallet: B, mediates: false, reachable: false, flat: undefined, proportional: undefined },
    ],
    channels: [{ id: ID, token: ZERO, a: A, b: B, total: 200n, hintA: 120n, hintB: undefined }],
  });
  assert.ok([view, view.nodes, view.nodes[0], view.channels, view.channels[0]].every(Object.isFrozen));
  for (const broken of [null, 5, {}, { ...rawNetwork, nodes: null }, { ...rawNetwork, channels: [{ total: 5 }] }]) {
    const { client } = await start({ network: () => broken });
    await assert.rejects(client.network(), code('INTERNAL'));
  }
});

test('a slow reader finds one network event', async () => {
  const { client, core } = await running();
  const events = client.events();
  for (let i = 0; i < 3; i += 1) core.emit({ type: 'network' });
  await client.close();
  assert.deepEqual(await drain(events), [{ type: 'network' }]);
});

describe('listeners', () => {
  test('hear their type, converted, until they are taken off', async () => {
    const { client, core } = await running();
    const heard = [];
    const off = client.on('payment', ({ payment }) => heard.push(payment.amount));
    core.emit(paymentEvent('5'));
    core.emit(channelEvent(ID, '1'));
    off();
    off();
    core.emit(paymentEvent('6'));
    assert.deepEqual(heard, [5n]);
  });

  test('are taken off by their signal', async () => {
    const { client, core } = await running();
    const stop = new AbortController();
    let heard = 0;
    client.on('chain', () => (heard += 1), { signal: stop.signal });
    client.on('chain', () => (heard += 1), { signal: AbortSignal.abort() });
    core.emit({ type: 'chain', block: 1, timestamp: 1, ok: true });
    stop.abort();
    core.emit({ type: 'chain', block: 2, timestamp: 2, ok: true });
    assert.equal(heard, 1);
  });

  test('do not harm each other', async (t) => {
    const reported = t.mock.method(console, 'error', () => undefined);
    const { client, core } = await running();
    let heard = 0;
    client.on('payment', () => {
      throw new Error('a bug of the page');
    });
    client.on('payment', () => (heard += 1));
    core.emit(paymentEvent('1'));
    assert.equal(heard, 1);
    assert.equal(reported.mock.callCount(), 1);
  });

  test('one function registered twice hears twice and is taken off once', async () => {
    const { client, core } = await running();
    let heard = 0;
    const listener = () => (heard += 1);
    client.on('payment', listener);
    client.on('payment', listener)();
    core.emit(paymentEvent('1'));
    assert.equal(heard, 1);
  });

  test('attached right after the start hear what happened during it', async () => {
    const { client } = await start({ open: (core) => core.emit({ type: 'actionRequired', channel: ID, action: 'respond', deadline: 9 }) });
    const heard = [];
    client.on('actionRequired', (event) => heard.push(event));
    await tick();
    assert.deepEqual(heard, [{ type: 'actionRequired', channel: ID, action: 'respond', deadline: 9 }]);
  });

  test('hear of the start before the answer to the first call', async () => {
    const { client } = await start({ open: (core) => core.emit(channelEvent(ID, '1')) });
    const seen = [];
    client.on('channel', ({ channel }) => seen.push(channel.capacity));
    seen.push((await client.channels())[0].capacity);
    await tick();
    assert.deepEqual(seen, [1n, 97n]);
  });
});

describe('every event', () => {
  for (const [raw, expected] of [
    [{ type: 'connection', relay: 'offline', reason: 'refused' }, { type: 'connection', relay: 'offline', reason: 'refused' }],
    [{ type: 'connection', relay: 'online' }, { type: 'connection', relay: 'online', reason: undefined }],
    [{ type: 'chain', block: 7, timestamp: 8, ok: true }, { type: 'chain', block: 7n, timestamp: 8, ok: true, reason: undefined, code: undefined }],
    [{ type: 'chain', block: '0x7', timestamp: 8, ok: false, reason: 'x', code: 'WRONG_CHAIN' }, { type: 'chain', block: 7n, timestamp: 8, ok: false, reason: 'x', code: 'WRONG_CHAIN' }],
    [{ type: 'recovered', channel: ID }, { type: 'recovered', channel: ID }],
    [{ type: 'actionRequired', channel: ID, action: 'settle', deadline: null }, { type: 'actionRequired', channel: ID, action: 'settle', deadline: undefined }],
    [{ type: 'warning', code: 'STORAGE_NOT_PERSISTED', message: 'm' }, { type: 'warning', code: 'STORAGE_NOT_PERSISTED', message: 'm' }],
    [
      { type: 'progress', operation: 'o', stage: 'confirming', confirmations: 1, required: 5 },
      { type: 'progress', operation: 'o', stage: 'confirming', hash: undefined, confirmations: 1, required: 5 },
    ],
  ]) {
    test(JSON.stringify(raw), async () => {
      const { client, core } = await running();
      const iterator = client.events();
      core.emit(raw);
      assert.deepEqual((await iterator.next()).value, expected);
    });
  }

  test('of an unknown type is left out; a broken one becomes a warning', async () => {
    const { client, core } = await running();
    const iterator = client.events();
    core.emit({ type: 'invented' });
    core.emit({ type: 'channel', channel: { ...rawChannel, capacity: '-1' } });
    assert.equal((await iterator.next()).value.type, 'warning');
  });

  test('payments carry bigints and undefined for what is absent', async () => {
    const { client, core } = await running();
    const iterator = client.events();
    core.emit({ type: 'payment', payment: { ...rawPayment, memo: null, error: { code: 'X', message: 'y' } } });
    const { payment } = (await iterator.next()).value;
    assert.deepEqual(payment, { id: PAYMENT, channel: ID, partner: A, token: ZERO, routed: false, direction: 'sent', amount: 3n, fee: 0n, request: undefined, memo: undefined, status: 'settled', nonce: 2, at: 1_700_000_000, error: { code: 'X', message: 'y' } });
  });
});

describe('a queue', () => {
  test('keeps the latest state of each channel, the relay and the chain, and every payment', async () => {
    const { client, core } = await running();
    const iterator = client.events();
    core.emit(channelEvent(ID, '1'));
    core.emit(paymentEvent('1'));
    core.emit({ type: 'chain', block: 1, timestamp: 1, ok: true });
    core.emit(channelEvent(other, '7'));
    core.emit(channelEvent(ID, '2'));
    core.emit(paymentEvent('2'));
    core.emit({ type: 'chain', block: 2, timestamp: 2, ok: true });
    await client.close();
    const short = (await drain(iterator)).map((event) => event.channel?.capacity ?? event.payment?.amount ?? `block ${event.block}`);
    assert.deepEqual(short, [2n, 1n, 'block 2', 7n, 2n]);
  });

  test('a channel that was read is reported again when it changes again', async () => {
    const { client, core } = await running();
    const iterator = client.events();
    core.emit(channelEvent(ID, '1'));
    assert.equal((await iterator.next()).value.channel.capacity, 1n);
    core.emit(channelEvent(ID, '2'));
    assert.equal((await iterator.next()).value.channel.capacity, 2n);
  });

  test('beyond its bound drops the oldest and says how many', async () => {
    const { client, core } = await running();
    const iterator = client.events({ buffer: 3 });
    for (let i = 1; i <= 10; i += 1) core.emit(paymentEvent(String(i)));
    await client.close();
    const events = await drain(iterator);
    assert.deepEqual(events[0], { type: 'lagged', dropped: 7 });
    assert.deepEqual(events.slice(1).map(({ payment }) => payment.amount), [8n, 9n, 10n]);
  });

  test('holds thousands in order', async () => {
    const { client, core } = await running();
    const iterator = client.events();
    let expected = 0n;
    for (let round = 0; round < 4; round += 1) {
      for (let i = 0; i < 1500; i += 1) core.emit(paymentEvent(String(round * 1500 + i)));
      for (let i = 0; i < 1400; i += 1) {
        assert.equal((await iterator.next()).value.payment.amount, expected);
        expected += 1n;
      }
    }
  });

  test('gives waiting readers their events in order', async () => {
    const { client, core } = await running();
    const iterator = client.events();
    const both = Promise.all([iterator.next(), iterator.next()]);
    core.emit(paymentEvent('1'));
    core.emit(paymentEvent('2'));
    assert.deepEqual((await both).map(({ value }) => value.payment.amount), [1n, 2n]);
  });

  test('ends by its signal, by leaving the loop, and with the client', async () => {
    const { client, core } = await running();
    const stop = new AbortController();
    const bySignal = drain(client.events({ signal: stop.signal }));
    const byClose = drain(client.events());
    const left = client.events();
    core.emit(paymentEvent('1'));
    for await (const event of left) {
      assert.equal(event.type, 'payment');
      break;
    }
    assert.equal((await left.next()).done, true);
    stop.abort();
    assert.equal((await bySignal).length, 1);
    core.emit(paymentEvent('2'));
    await client.close();
    assert.equal((await byClose).length, 2);
    assert.deepEqual(await drain(await client_events_aborted()), []);
  });

  async function client_events_aborted() {
    const { client } = await running();
    return client.events({ signal: AbortSignal.abort() });
  }

  test('two readers do not take from each other', async () => {
    const { client, core } = await running();
    const [first, second] = [client.events(), client.events()];
    core.emit(paymentEvent('1'));
    assert.equal((await first.next()).value.payment.amount, 1n);
    assert.equal((await second.next()).value.payment.amount, 1n);
  });
});

test('a closed client is silent', async () => {
  const { client, core } = await running();
  client.on('payment', () => assert.fail('heard'));
  await client.close();
  core.emit(paymentEvent('1'));
  assert.throws(() => client.events(), code('CLIENT_CLOSED'));
});
