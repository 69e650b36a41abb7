// A core of a few lines, injected where the wasm one would be: it records calls and answers what a test tells it to.
// It says nothing about channels; the real core is tested in the browser.

import { createFactory } from '../dist/client.js';

export const A = '0x00000000000000000000000000000000000000aa';
export const B = '0x00000000000000000000000000000000000000bb';
export const ZERO = '0x0000000000000000000000000000000000000000';
export const ID = `0x${'11'.repeat(32)}`;
export const PAYMENT = `0x${'22'.repeat(16)}`;

export const config = {
  chainId: 31337,
  judge: A,
  fromBlock: 7n,
  relayUrl: 'ws://localhost:1/ws',
  provider: { request: async () => null },
  wallet: B,
};

export const side = { deposited: '100', withdrawn: '0', transferred: '3', locked: '0', nonce: 2, balance: '97' };

export const rawChannel = {
  id: ID,
  token: ZERO,
  partner: A,
  salt: '5',
  status: 'open',
  confirmations: { have: 5, required: 5 },
  partnerOnline: true,
  ready: true,
  ours: side,
  theirs: { ...side, balance: '340282366920938463463374607431768211455' },
  paid: '0',
  capacity: '97',
  receivable: '3',
  pendingPayments: 0,
};

export const rawPayment = {
  id: PAYMENT,
  channel: ID,
  partner: A,
  token: ZERO,
  routed: false,
  direction: 'sent',
  amount: '3',
  status: 'settled',
  nonce: 2,
  at: 1_700_000_000,
};

export const REQUEST = 'chit:AQID-_8';

export const rawRequest = {
  id: ID,
  bytes: '0x010203fbff',
  token: ZERO,
  amount: '5',
  issued: 1_700_000_000,
  expiry: 1_700_003_600,
  memo: null,
  relay: 'ws://localhost:1/ws',
  payee: A,
  sessionKey: B,
  direction: 'created',
  status: 'open',
  payment: null,
  receipt: null,
};

export const rawNetwork = {
  complete: true,
  block: 9,
  nodes: [
    { wallet: A, reachable: true, flat: '3', proportional: 1000 },
    { wallet: B, reachable: false, flat: null, proportional: null },
  ],
  channels: [{ id: ID, token: ZERO, a: A, b: B, total: '200', hintA: '120', hintB: null }],
};

const ANSWERS = {
  createRequest: () => rawRequest,
  readRequest: () => rawRequest,
  requestStatus: () => rawRequest,
  requests: () => [rawRequest],
  authorize: () => ({ wallet: B, sessionKey: A, validUntil: 2_000_000_000 }),
  channels: () => [rawChannel],
  payments: () => [rawPayment],
  pay: () => rawPayment,
  quote: () => ({ direct: false, amount: '3', fee: '1', parts: [{ amount: '3', fee: '1', path: [{ channel: ID, from: B, to: A, amount: '4' }] }] }),
  estimateCapacity: () => '9',
  debugRefuse: () => null,
  payRequest: () => rawPayment,
  status: () => ({ relay: 'online', chainOk: true, block: 12, timestamp: 5, persisted: true, sessionKey: A }),
  network: () => rawNetwork,
  balance: () => '7',
  debugOffline: () => null,
};

export function fakeCore(overrides = {}) {
  const core = { calls: [], closed: 0, config: undefined, emit: undefined, poisoned: undefined };
  core.class = {
    open: async (given, provider, onEvent) => {
      core.config = given;
      core.provider = provider;
      core.emit = onEvent;
      if (overrides.open) await overrides.open(core);
      return {
        invoke: async (method, params) => {
          core.calls.push({ method, params });
          const answer = overrides[method] ?? ANSWERS[method] ?? (() => rawChannel);
          return answer(params, core);
        },
        close: async () => {
          core.closed += 1;
          await overrides.close?.(core);
        },
      };
    },
  };
  core.loader = {
    load: async (source) => {
      core.source = source;
      return core.class;
    },
    poison: (error) => {
      core.poisoned = error;
    },
  };
  return core;
}

/** A client over a fake core. */
export async function start(overrides, changes) {
  const core = fakeCore(overrides);
  const client = await createFactory(core.loader)({ ...config, ...changes });
  return { core, client };
}

/** A promise to be settled from outside. */
export function deferred() {
  let resolve, reject;
  const promise = new Promise((a, b) => ([resolve, reject] = [a, b]));
  return { promise, resolve, reject };
}

/** Until what was posted for the next task has run. */
export const tick = () => new Promise((resolve) => setTimeout(resolve, 5));

/** For assert.rejects and assert.throws. */
export const code = (expected, parameter) => (error) => {
  const wrong = (text) => Object.assign(new Error(`${text}: ${error}`), { cause: error });
  if (error?.name !== 'ChitError') throw wrong('not a ChitError');
  if (error.code !== expected) throw wrong(`expected ${expected}`);
  if (parameter !== undefined && error.details?.parameter !== parameter) {
    throw wrong(`expected parameter ${parameter}, got ${error.details?.parameter}`);
  }
  return true;
};
