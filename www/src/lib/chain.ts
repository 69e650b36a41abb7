/** The few things that the page itself reads from the chain: balances of the wallet. */

import type { Address, Eip1193Provider } from '@chit/client';

/** What an account holds outside of channels. */
export interface Balances {
  readonly ether: bigint;
  readonly token: bigint;
}

/** Reads both balances. */
export async function readBalances(provider: Eip1193Provider, account: Address, token: Address): Promise<Balances> {
  const balanceOf = `0x70a08231${account.slice(2).toLowerCase().padStart(64, '0')}`;
  const [ether, units] = await Promise.all<unknown>([
    provider.request({ method: 'eth_getBalance', params: [account, 'latest'] }),
    provider.request({ method: 'eth_call', params: [{ to: token, data: balanceOf }, 'latest'] }),
  ]);
  return { ether: BigInt(ether as string), token: units === '0x' ? 0n : BigInt(units as string) };
}
