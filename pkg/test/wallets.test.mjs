// EIP-6963 discovery, on an EventTarget that stands for the window.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { discoverWallets } from '../dist/wallets.js';
import { code, tick } from './helpers.mjs';

const wallet = (uuid, more) => ({ info: { uuid, name: `Wallet ${uuid}`, icon: 'data:image/svg+xml,<svg/>', rdns: 'org.example', ...more }, provider: { request: async () => null } });
const announce = (detail) => window.dispatchEvent(Object.assign(new Event('eip6963:announceProvider'), { detail }));

beforeEach(() => {
  globalThis.window = new EventTarget();
});
afterEach(() => {
  delete globalThis.window;
});

describe('discoverWallets', () => {
  test('asks, and lists each wallet once', async () => {
    window.addEventListener('eip6963:requestProvider', () => {
      announce(wallet('1'));
      announce(wallet('2'));
      announce(wallet('1'));
    });
    const found = await discoverWallets({ timeout: 0 });
    assert.deepEqual(found.map(({ info }) => info.uuid), ['1', '2']);
    assert.ok(Object.isFrozen(found[0].info));
  });

  test('leaves out what is not a wallet, and icons that are not images', async () => {
    const listing = discoverWallets({ timeout: 10 });
    for (const detail of [undefined, null, 'x', {}, { info: null, provider: {} }, { info: {}, provider: { request() {} } }, { ...wallet('1'), provider: {} }, wallet(''), wallet(7)]) announce(detail);
    announce(wallet('9', { icon: 'https://tracker.example/x.png' }));
    assert.deepEqual((await listing).map(({ info }) => [info.uuid, info.icon]), [['9', '']]);
  });

  test('tells of later ones until its signal fires', async () => {
    const stop = new AbortController();
    const heard = [];
    await discoverWallets({ timeout: 0, signal: stop.signal, onWallet: ({ info }) => heard.push(info.uuid) });
    announce(wallet('late'));
    stop.abort();
    announce(wallet('too late'));
    assert.deepEqual(heard, ['late']);
  });

  test('rejects when aborted before or meanwhile', async () => {
    await assert.rejects(discoverWallets({ signal: AbortSignal.abort() }), code('ABORTED'));
    const stop = new AbortController();
    const listing = discoverWallets({ signal: stop.signal });
    await tick();
    stop.abort();
    await assert.rejects(listing, code('ABORTED'));
  });

  test('finds nothing on a server', async () => {
    delete globalThis.window;
    assert.deepEqual(await discoverWallets(), []);
  });

  for (const [parameter, values] of Object.entries({
    parameters: [null, 1, 'x', []],
    timeout: [-1, 1.5, '5', 60_001],
    onWallet: [null, 1, {}],
    signal: [null, 1, {}],
  })) {
    for (const value of values) {
      test(`refuses ${JSON.stringify(value)} for ${parameter}`, async () => {
        await assert.rejects(discoverWallets(parameter === 'parameters' ? value : { [parameter]: value }), code('INVALID_ARGUMENT', parameter));
      });
    }
  }
});
