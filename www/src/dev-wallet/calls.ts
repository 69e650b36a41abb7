/** EIP-5792: several calls under one confirmation. They are sent one after another, which the capabilities say. */

import type { Call } from './summary.js';
import { RpcError } from './rpc.js';

/** Sends one transaction and waits until it is in a block. */
export type SendCall = (call: Call) => Promise<Receipt>;

/** A transaction receipt, as far as callers of `wallet_getCallsStatus` see it. */
export interface Receipt {
  readonly status: string;
  readonly transactionHash: string;
  readonly blockHash: string;
  readonly blockNumber: string;
  readonly gasUsed: string;
  readonly logs: readonly unknown[];
}

interface Bundle {
  status: number;
  readonly receipts: Receipt[];
}

/** Remembers the batches of this tab. */
export class CallBundles {
  readonly #bundles = new Map<string, Bundle>();

  /** Starts a batch and returns its id at once. */
  start(calls: readonly Call[], send: SendCall, wantedId?: string): string {
    const id = wantedId ?? randomId();
    if (this.#bundles.has(id)) throw new RpcError(5720, 'There is a batch with this id already.');
    const bundle: Bundle = { status: 100, receipts: [] };
    this.#bundles.set(id, bundle);
    void this.#run(bundle, calls, send);
    return id;
  }

  /** What `wallet_getCallsStatus` answers. */
  status(id: unknown, chainId: string): object {
    const bundle = typeof id === 'string' ? this.#bundles.get(id) : undefined;
    if (!bundle) throw new RpcError(5730, 'There is no batch with this id.');
    return { version: '2.0.0', id, chainId, status: bundle.status, atomic: false, receipts: bundle.receipts };
  }

  async #run(bundle: Bundle, calls: readonly Call[], send: SendCall): Promise<void> {
    for (const call of calls) {
      try {
        const receipt = await send(call);
        bundle.receipts.push(receipt);
        if (BigInt(receipt.status) !== 1n) throw new Error('reverted');
      } catch {
        // 600: some calls went through; 500: reverted completely; 400: nothing reached the chain.
        const succeeded = bundle.receipts.filter(({ status }) => BigInt(status) === 1n).length;
        bundle.status = succeeded > 0 ? 600 : bundle.receipts.length > 0 ? 500 : 400;
        return;
      }
    }
    bundle.status = 200;
  }
}

function randomId(): string {
  let id = '0x';
  for (const byte of crypto.getRandomValues(new Uint8Array(32))) id += byte.toString(16).padStart(2, '0');
  return id;
}
