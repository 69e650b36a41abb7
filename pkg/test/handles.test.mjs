// Operation handles, waits and their signals, closing, failing.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFactory } from '../dist/client.js';
import { A, ID, PAYMENT, ZERO, code, config, deferred, fakeCore, rawChannel, rawPayment, start, tick } from './helpers.mjs';

const opening = { partner: A, token: ZERO, deposit: 1n };
const step = (operation, stage, more) => ({ type: 'progress', operation, stage, ...more });

describe('a payment', () => {
  test('reports the steps of its own parts, and ends with what was paid', async () => {
    const done = deferred();
    const { client, core } = await start({ pay: () => done.promise });
    const payment = client.pay({ to: A, token: ZERO, amount: 3n, id: PAYMENT });
    assert.equal(payment.id, PAYMENT);
    const path = [{ channel: ID, from: A, to: A, amount: '4' }];
    core.emit({ type: 'transfer', stage: 'route', payment: PAYMENT, part: 0, amount: '3', fee: '1', path });
    core.emit({ type: 'transfer', stage: 'locked', payment: `0x${'33'.repeat(16)}`, part: 0 });
    core.emit({ type: 'transfer', stage: 'forwarded', payment: null, channel: ID });
    core.emit({ type: 'transfer', stage: 'partFailed', payment: PAYMENT, part: 0, reason: 'NO_ROUTE' });
    done.resolve({ ...rawPayment, channel: null, routed: true, fee: '1' });
    const paid = await payment;
    assert.deepEqual([paid.channel, paid.routed, paid.fee, paid.partner, paid.request], [undefined, true, 1n, A, undefined]);
    const steps = payment.progress.map(({ stage, part, amount, fee, reason }) => [stage, part, amount, fee, reason]);
    assert.deepEqual(steps, [
      ['route', 0, 3n, 1n, undefined],
      ['part-failed', 0, undefined, undefined, 'NO_ROUTE'],
      ['paid', undefined, 3n, 1n, undefined],
    ]);
    assert.deepEqual(payment.progress[0].path, [{ channel: ID, from: A, to: A, amount: 4n }]);
  });

  test('in a named channel is direct; a transfer is an event for everybody', async () => {
    const { client, core } = await start();
    const heard = [];
    client.on('transfer', (event) => heard.push([event.stage, event.fee]));
    const payment = client.pay({ channel: ID, amount: 3n });
    await payment;
    assert.deepEqual(payment.progress.map(({ stage }) => stage), ['direct', 'paid']);
    core.emit({ type: 'transfer', stage: 'forwarded', channel: ID, fee: '2' });
    assert.deepEqual(heard, [['forwarded', 2n]]);
  });

  test('a quote is in bigints', async () => {
    const { client } = await start();
    const quote = await client.quote({ to: A, token: ZERO, amount: 3n });
    assert.deepEqual([quote.direct, quote.fee, quote.parts[0].path[0].amount], [false, 1n, 4n]);
    assert.equal(await client.estimateCapacity({ to: A, token: ZERO }), 9n);
  });
});

describe('an operation', () => {
  test('reports its own steps, to listeners and to loops, and resolves with bigints', async () => {
    const done = deferred();
    const { client, core } = await start({ openChannel: () => done.promise });
    const operation = client.openChannel(opening);
    const heard = [];
    operation.on('progress', ({ stage }) => heard.push(stage));
    const looped = [];
    const loop = (async () => {
      for await (const { stage, hash, confirmations, required } of operation) looped.push([stage, hash, confirmations, required]);
    })();
    core.emit(step(operation.id, 'wallet'));
    core.emit(step('another', 'wallet'));
    core.emit(step(operation.id, 'submitted', { hash: '0x12' }));
    await tick();
    core.emit(step(operation.id, 'confirming', { hash: '0x12', confirmations: 1, required: 5 }));
    done.resolve(rawChannel);
    const channel = await operation;
    await loop;
    assert.deepEqual(heard, ['wallet', 'submitted', 'confirming']);
    assert.deepEqual(looped, [
      ['wallet', undefined, undefined, undefined],
      ['submitted', '0x12', undefined, undefined],
      ['confirming', '0x12', 1, 5],
    ]);
    assert.deepEqual(operation.progress.map(({ stage }) => stage), heard);
    assert.equal(channel.ours.balance, 97n);
    assert.equal(channel.theirs.balance, (1n << 128n) - 1n);
    assert.ok(Object.isFrozen(channel));
  });

  test('a loop that starts late sees all steps; one that is left early does no harm', async () => {
    const { client, core } = await start({
      openChannel: ({ operation }) => {
        core.emit(step(operation, 'wallet'));
        core.emit(step(operation, 'ready'));
        return rawChannel;
      },
    });
    const operation = client.openChannel(opening);
    await operation;
    const stages = [];
    for await (const { stage } of operation) stages.push(stage);
    assert.deepEqual(stages, ['wallet', 'ready']);
    for await (const _ of operation) break;
  });

  test('a loop throws what the operation rejects with', async () => {
    const { client } = await start({ openChannel: () => Promise.reject(Object.assign(new Error('no'), { code: 'USER_REJECTED' })) });
    await assert.rejects(async () => {
      for await (const _ of client.openChannel(opening));
    }, code('USER_REJECTED'));
  });

  test('behaves like a promise', async () => {
    const { client } = await start();
    const operation = client.openChannel(opening);
    assert.equal(await operation.then(({ id }) => id), ID);
    let ran = false;
    await operation.finally(() => (ran = true));
    assert.ok(ran);
    assert.equal(await client.openChannel({}).catch(({ code }) => code), 'INVALID_ARGUMENT');
    const [all] = await Promise.all([operation]);
    assert.equal(all.id, ID);
  });

  test('refuses other events and listeners', async () => {
    const { client } = await start();
    const operation = client.openChannel(opening);
    assert.throws(() => operation.on('done', () => undefined), TypeError);
    assert.throws(() => operation.on('progress', 'listener'), TypeError);
    await operation;
  });

  test('a listener can be taken off and may throw', async (t) => {
    const reported = t.mock.method(console, 'error', () => undefined);
    const done = deferred();
    const { client, core } = await start({ openChannel: () => done.promise });
    const operation = client.openChannel(opening);
    const heard = [];
    operation.on('progress', () => {
      throw new Error('a bug of the page');
    });
    const off = operation.on('progress', ({ stage }) => heard.push(stage));
    core.emit(step(operation.id, 'wallet'));
    off();
    core.emit(step(operation.id, 'submitted'));
    done.resolve(rawChannel);
    await operation;
    assert.deepEqual(heard, ['wallet']);
    assert.equal(reported.mock.callCount(), 2);
  });
});

describe('a signal', () => {
  test('ends the wait and leaves the operation running', async () => {
    const done = deferred();
    const { client, core } = await start({ openChannel: () => done.promise });
    const stop = new AbortController();
    const operation = client.openChannel({ ...opening, signal: stop.signal });
    core.emit(step(operation.id, 'wallet'));
    stop.abort('enough');
    await assert.rejects(operation, (error) => code('ABORTED')(error) && error.cause === 'enough');
    assert.deepEqual(core.calls.map(({ method }) => method), ['openChannel']);
    done.reject(new Error('late, and nobody waits for it'));
    await tick();
  });

  test('does nothing after the end', async () => {
    const { client } = await start();
    const stop = new AbortController();
    const channel = await client.channel({ channel: ID, signal: stop.signal });
    stop.abort();
    assert.equal(channel.id, ID);
  });

  test('cancels a payment that is queued', async () => {
    const { client, core } = await start({ pay: () => new Promise(() => undefined), cancelPayment: () => null });
    const stop = new AbortController();
    const payment = client.pay({ channel: ID, amount: 1n, id: PAYMENT, signal: stop.signal });
    stop.abort();
    await assert.rejects(payment, (error) => code('PAYMENT_CANCELLED')(error) && error.details.payment === PAYMENT);
    assert.deepEqual(core.calls[1], { method: 'cancelPayment', params: { payment: PAYMENT } });
  });

  for (const [text, answer] of [
    ['an error', () => Promise.reject(Object.assign(new Error('too late'), { code: 'CHANNEL_CLOSING' }))],
    ['false', () => false],
  ]) {
    test(`only ends the wait for a payment that is signed already, told by ${text}`, async () => {
      const { client } = await start({ pay: () => new Promise(() => undefined), cancelPayment: answer });
      const stop = new AbortController();
      const payment = client.pay({ channel: ID, amount: 1n, id: PAYMENT, signal: stop.signal });
      stop.abort();
      await assert.rejects(payment, (error) => code('ABORTED')(error) && error.details.payment === PAYMENT);
    });
  }

  test('ends the wait for the start, and the late core is closed', async () => {
    const opened = deferred();
    const core = fakeCore({ open: () => opened.promise });
    const stop = new AbortController();
    const starting = createFactory(core.loader)({ ...config, signal: stop.signal });
    await tick();
    stop.abort();
    await assert.rejects(starting, code('ABORTED'));
    opened.resolve();
    await tick();
    assert.equal(core.closed, 1);
  });

  test('ends the wait for the wasm file, and no core is opened', async () => {
    const loaded = deferred();
    const core = fakeCore({ open: () => assert.fail('opened') });
    const stop = new AbortController();
    const starting = createFactory({ ...core.loader, load: () => loaded.promise })({ ...config, signal: stop.signal });
    stop.abort();
    await assert.rejects(starting, code('ABORTED'));
    loaded.resolve(core.class);
    await tick();
  });
});

describe('closing', () => {
  test('ends every wait, once', async () => {
    const { client, core } = await start({ pay: () => new Promise(() => undefined), openChannel: () => new Promise(() => undefined) });
    const payment = assert.rejects(client.pay({ channel: ID, amount: 1n }), code('CLIENT_CLOSED'));
    const operation = assert.rejects(client.openChannel(opening), code('CLIENT_CLOSED'));
    await tick();
    assert.equal(client.closed, false);
    await Promise.all([client.close(), client.close()]);
    await client.close();
    await Promise.all([payment, operation]);
    assert.equal(core.closed, 1);
    assert.equal(client.closed, true);
  });

  test('is what `await using` does', async () => {
    const { client, core } = await start();
    await client[Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]();
    assert.equal(core.closed, 1);
  });

  test('tells when the core could not', async () => {
    const { client } = await start({
      close: () => {
        throw Object.assign(new Error('gone'), { code: 'STORAGE_LOST' });
      },
    });
    await assert.rejects(client.close(), code('STORAGE_LOST'));
    await assert.rejects(client.channels(), code('CLIENT_CLOSED'));
  });
});

describe('failing', () => {
  for (const [text, event] of [
    ['a sentence of the panic hook', 'index out of bounds'],
    ['a fatal event', { type: 'fatal', code: 'FATAL', message: 'index out of bounds' }],
  ]) {
    test(`${text} ends every wait, is heard, and poisons the instance`, async () => {
      const { client, core } = await start({ pay: () => new Promise(() => undefined) });
      await tick();
      const heard = [];
      client.on('fatal', (event) => heard.push(event));
      const iterator = client.events();
      const payment = assert.rejects(client.pay({ channel: ID, amount: 1n }), code('FATAL'));
      core.emit(event);
      await payment;
      assert.deepEqual(heard, [{ type: 'fatal', code: 'FATAL', message: 'index out of bounds' }]);
      assert.equal((await iterator.next()).value.type, 'fatal');
      assert.equal((await iterator.next()).done, true);
      await assert.rejects(client.channels(), code('FATAL'));
      assert.equal(core.poisoned.code, 'FATAL');
      assert.equal(client.closed, true);
      await client.close();
    });
  }

  test('storage that is lost stops this client under its own code, and the instance goes on', async () => {
    const { client, core } = await start({ pay: () => new Promise(() => undefined) });
    const payment = assert.rejects(client.pay({ channel: ID, amount: 1n }), code('STORAGE_LOST'));
    core.emit({ type: 'fatal', code: 'STORAGE_LOST', message: 'the database is gone' });
    await payment;
    await assert.rejects(client.channels(), code('STORAGE_LOST'));
    assert.equal(core.poisoned, undefined);
  });

  test('what is not an event is ignored', async () => {
    const { client, core } = await start();
    for (const value of [undefined, null, 7, [], {}]) core.emit(value);
    await client.channels();
  });

  for (const [text, fail] of [
    ['rejects', () => Promise.reject(new WebAssembly.RuntimeError('unreachable'))],
    ['throws', () => { throw new WebAssembly.RuntimeError('unreachable'); }],
  ]) {
    test(`a call that ${text} with a trap is fatal for all`, async () => {
      const { client, core } = await start({ channels: fail });
      await assert.rejects(client.channels(), code('FATAL'));
      await assert.rejects(client.payments(), code('FATAL'));
      assert.equal(core.poisoned.code, 'FATAL');
    });
  }

  test('a start that fails says why and can be repeated', async () => {
    let tries = 0;
    const core = fakeCore({
      open: () => {
        tries += 1;
        if (tries === 1) throw Object.assign(new Error('Another tab runs this account.'), { name: 'ChitError', code: 'ALREADY_OPEN' });
      },
    });
    const create = createFactory(core.loader);
    await assert.rejects(create(config), (error) => code('ALREADY_OPEN')(error) && error.retryable);
    await create(config);
  });

  test('an answer without sense is INTERNAL, not undefined', async () => {
    const { client } = await start({
      channels: () => [{ ...rawChannel, capacity: 12 }],
      payments: () => undefined,
      channel: () => ({ ...rawChannel, ours: null }),
    });
    await assert.rejects(client.channels(), code('INTERNAL'));
    await assert.rejects(client.payments(), code('INTERNAL'));
    await assert.rejects(client.channel({ channel: ID }), code('INTERNAL'));
  });
});
