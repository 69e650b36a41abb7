/** Says in words what a request would do, so that confirming is a decision and not a reflex. */

import { type Deployment, tokenOf } from '../deployment.js';
import { clock, formatAmount, formatUnits, same, short } from '../lib/format.js';
import { nameOf } from '../lib/people.js';

/** A transaction or one call of a batch. */
export interface Call {
  readonly to?: string;
  readonly data?: string;
  readonly value?: string;
}

/** What the dialog shows: a sentence, and facts. */
export interface Summary {
  readonly title: string;
  readonly facts: readonly (readonly [string, string])[];
}

/** The functions that this demo meets, by selector. */
const FUNCTIONS: Record<string, string> = {
  '0x1fa53f15': 'open',
  '0xf3fd4d95': 'open',
  '0x0c17a182': 'deposit',
  '0xd0330674': 'deposit',
  '0x7703fd46': 'delegate',
  '0xec62b81a': 'delegateFor',
  '0x74a8f103': 'revoke',
  '0x93b6d951': 'close',
  '0x0e66702f': 'closeFor',
  '0x97d62daa': 'update',
  '0x6678d4cf': 'unlock',
  '0x9a418192': 'settle',
  '0xa102db89': 'finalize',
  '0xf14b8186': 'cooperativeClose',
  '0x80e293b6': 'cooperativeWithdraw',
  '0x33c864fe': 'claimCredit',
  '0xac9650d8': 'multicall',
  '0x095ea7b3': 'approve',
  '0xa9059cbb': 'transfer',
  '0x40c10f19': 'mint',
  '0x12ad8bfc': 'registerSecret',
  '0x81030fb4': 'registerSecrets',
};

const TITLES: Record<string, string> = {
  delegate: 'Let this browser sign for you',
  delegateFor: 'Bring a permission to the Judge',
  revoke: 'Take a permission back',
  close: 'Close a channel alone',
  closeFor: 'Close a channel alone',
  update: 'Show the Judge your newest note',
  unlock: 'Claim locked payments',
  settle: 'Pay out a closed channel',
  finalize: 'Finish a closed channel',
  cooperativeClose: 'Close a channel together',
  cooperativeWithdraw: 'Take tokens out of a channel',
  claimCredit: 'Collect what the Judge owes',
  multicall: 'Several steps in one transaction',
};

/** What a transaction would do. */
export function summarizeCall(deployment: Deployment, from: string, call: Call): Summary {
  const { to, data = '0x', value = '0x0' } = call;
  const ether = BigInt(value);
  const name = FUNCTIONS[data.slice(0, 10)];
  const words = data.length >= 10 ? (data.slice(10).match(/.{64}/g) ?? []) : [];
  const common: [string, string][] = [];
  if (ether > 0n) common.push(['Sends', `${formatUnits(ether, 18)} ETH`]);
  common.push(['To', contractName(deployment, to)]);

  if (same(to, deployment.judge) && (name === 'open' || name === 'deposit')) {
    const token = tokenOf(deployment, addressAt(words, 0));
    const partner = [addressAt(words, 1), addressAt(words, 2)].find((side) => !same(side, from)) ?? '';
    const who = nameOf(deployment, partner);
    const amount = formatAmount(numberAt(words, 4), token);
    return {
      title: name === 'open' ? `Open a channel with ${who}` : `Deposit more into the channel with ${who}`,
      facts: [['Deposit', amount], ['Partner', `${who} (${short(partner)})`], ...common],
    };
  }
  if (name === 'approve') {
    const token = tokenOf(deployment, to ?? '');
    return {
      title: `Allow the ${contractName(deployment, addressAt(words, 0))} to take ${token.symbol}`,
      facts: [['At most', formatAmount(numberAt(words, 1), token)], ...common],
    };
  }
  if (name === 'multicall' && same(to, deployment.judge)) {
    const inner = callsOf(words).map((data) => summarizeCall(deployment, from, { to: deployment.judge, data }));
    const last = inner.at(-1);
    if (last) return { title: last.title, facts: [...last.facts, ...inner.slice(0, -1).map(({ title }): [string, string] => ['And first', title])] };
  }
  if (name !== undefined && TITLES[name] !== undefined && same(to, deployment.judge)) {
    return { title: TITLES[name], facts: common };
  }
  if (name === 'registerSecret' || name === 'registerSecrets') {
    return { title: 'Reveal the secret of a payment on the chain', facts: [['Why', 'whoever knows it in time is paid, if not by the partner then by the Judge'], ...common] };
  }
  if (data === '0x') return { title: `Send ${formatUnits(ether, 18)} ETH`, facts: common };
  return { title: 'Send a transaction', facts: [...common, ['Function', name ?? data.slice(0, 10)]] };
}

/** Typed data as wallets receive it. */
export interface TypedData {
  readonly domain?: { readonly name?: string; readonly chainId?: unknown; readonly verifyingContract?: string };
  readonly primaryType?: string;
  readonly message?: Record<string, unknown>;
}

/** What a signature would allow. */
export function summarizeTypedData(deployment: Deployment, typed: TypedData): Summary {
  const { domain = {}, primaryType = 'data', message = {} } = typed;
  const facts: [string, string][] = [['Contract', contractName(deployment, domain.verifyingContract)]];
  const at = (key: string): string => {
    const value = message[key];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  if (primaryType === 'Delegate' && same(domain.verifyingContract, deployment.judge)) {
    const until = Number(message['validUntil']);
    return {
      title: 'Let this browser sign payments for you',
      facts: [
        ['Key of this browser', short(at('sessionKey'))],
        ['Until', until > 8_000_000_000 ? 'you revoke it' : `${new Date(until * 1000).toLocaleDateString()} ${clock(until)}`],
        ['Costs', 'nothing, it is only a signature'],
        ...facts,
      ],
    };
  }
  if (primaryType === 'Permit') {
    const token = tokenOf(deployment, domain.verifyingContract ?? '');
    return {
      title: `Allow the ${contractName(deployment, at('spender'))} to take ${token.symbol}`,
      facts: [['At most', formatAmount(BigInt(at('value') || '0'), token)], ['Costs', 'nothing, it is only a signature'], ...facts],
    };
  }
  return { title: `Sign “${primaryType}”`, facts: [...facts, ['Application', domain.name ?? 'unnamed']] };
}

/** The calls in a `multicall(bytes[])`; none when it is malformed, and then the dialog names the function only. */
function callsOf(words: readonly string[]): readonly string[] {
  const count = words.length > 1 ? Number(numberAt(words, 1)) : 0;
  if (count > 16) return [];
  return Array.from({ length: count }, (_, index) => {
    const at = 2 + Number(numberAt(words, 2 + index)) / 32;
    const size = Number(numberAt(words, at));
    return `0x${words.slice(at + 1, at + 1 + Math.ceil(size / 32)).join('').slice(0, size * 2)}`;
  });
}

function contractName(deployment: Deployment, address: string | undefined): string {
  if (address === undefined) return 'a new contract';
  if (same(address, deployment.judge)) return 'Judge';
  if (same(address, deployment.token.address)) return `${deployment.token.symbol} token`;
  return nameOf(deployment, address);
}

function addressAt(words: readonly string[], index: number): string {
  return `0x${(words[index] ?? '').slice(24).padStart(40, '0')}`;
}

function numberAt(words: readonly string[], index: number): bigint {
  return BigInt(`0x${words[index] ?? '0'}`);
}
