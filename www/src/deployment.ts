/** What this demo runs against: written by the start script, read once. */

import { type Address, NATIVE_TOKEN } from '@chit/client';
import type { Token } from './lib/format.js';

/** The local stack. */
export interface Deployment {
  readonly chainId: number;
  readonly rpcUrl: string;
  readonly relayUrl: string;
  readonly judge: Address;
  readonly token: Token;
  readonly fromBlock: bigint;
  /** Accounts of the development chain, which the development wallet offers. */
  readonly accounts: readonly Address[];
  readonly confirmations: number | undefined;
  readonly pollingInterval: number | undefined;
}

/** ETH, beside the test token. */
export const ETHER: Token = { address: NATIVE_TOKEN, symbol: 'ETH', decimals: 18 };

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;

/** Fetches and checks the deployment; throws an error in words. */
export async function loadDeployment(): Promise<Deployment> {
  let raw: unknown;
  try {
    const response = await fetch('/deployment.json', { cache: 'no-store' });
    if (!response.ok) throw new Error(`${response.status}`);
    raw = await response.json();
  } catch (cause) {
    throw new Error('This page cannot find its local chain and relay. Start all of it with npm start.', { cause });
  }
  const { chainId, rpcUrl, relayUrl, judge, token, fromBlock, accounts, confirmations, pollingInterval } = raw as Record<
    string,
    unknown
  >;
  const list = Array.isArray(accounts) ? accounts.map(toAddress) : [];
  const { address, symbol, decimals } = (token ?? {}) as Record<string, unknown>;
  return {
    chainId: Number(chainId),
    rpcUrl: String(rpcUrl),
    relayUrl: String(relayUrl),
    judge: toAddress(judge),
    token: { address: toAddress(address), symbol: String(symbol), decimals: Number(decimals) },
    fromBlock: BigInt(fromBlock as string | number),
    accounts: list,
    confirmations: confirmations === undefined ? undefined : Number(confirmations),
    pollingInterval: pollingInterval === undefined ? undefined : Number(pollingInterval),
  };
}

function toAddress(value: unknown): Address {
  const text = typeof value === 'object' && value !== null ? (value as { address?: unknown }).address : value;
  if (typeof text !== 'string' || !ADDRESS.test(text)) throw new Error('The deployment file names a malformed address.');
  return text as Address;
}

/** The tokens that the page offers. */
export function tokensOf(deployment: Deployment): readonly Token[] {
  return [deployment.token, ETHER];
}

/** The token of an address; unknown ones are shown in base units. */
export function tokenOf(deployment: Deployment, address: string): Token {
  const known = tokensOf(deployment).find((token) => token.address.toLowerCase() === address.toLowerCase());
  return known ?? { address: address as Address, symbol: 'units', decimals: 0 };
}
