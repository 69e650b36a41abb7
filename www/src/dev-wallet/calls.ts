/** EIP-5792: several calls under one confirmation, all or nothing: the local chain is set back when one of them fails. */

import type { Call } from './summary.js';
import { RpcError } from './rpc.js';

/** Sends one transaction and waits until it is in a block. */
export type SendCall = (call: Call) => Promise<Receipt>;

/** Remembers the chain as it is; the answer sets it back to that. */
export type Remember = () => Promise<() => Promise<void>>;

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
  start(calls: readonly Call[], send: SendCall, remember: Remember, wantedId?: string): string {
    const id = wantedId ?? randomId();
    if (this.#bundles.has(id)) throw new RpcError(5720, 'There is a batch with this id already.');
    const bundle: Bundle = { status: 100, receipts: [] };
    this.#bundles.set(id, bundle);
    void this.#run(bundle, calls, send, remember);
    return id;
  }

  /** What `wallet_getCallsStatus` answers. */
  status(id: unknown, chainId: string): object {
    const bundle = typeof id === 'string' ? this.#bundles.get(id) : undefined;
    if (!bundle) throw new RpcError(5730, 'There is no batch with this id.');
    return { version: '2.0.0', id, chainId, status: bundle.status, atomic: true, receipts: bundle.receipts };
  }

  async #run(bundle: Bundle, calls: readonly Call[], send: SendCall, remember: Remember): Promise<void> {
    let undo: (() => Promise<void>) | undefined;
    try {
      undo = await remember();
      for (const call of calls) {
        const receipt = await send(call);
        bundle.receipts.push(receipt);
        if (BigInt(receipt.status) !== 1n) throw new Error('reverted');
      }
      bundle.status = 200;
    } catch {
      await undo?.();
      // 500: reverted completely; 400: nothing reached the chain.
      bundle.status = bundle.receipts.length > 0 ? 500 : 400;
    }
  }
}

function randomId(): string {
  let id = '0x';
  for (const byte of crypto.getRandomValues(new Uint8Array(32))) id += byte.toString(16).padStart(2, '0');
  return id;
}
