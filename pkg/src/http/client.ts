/**
 * What the HTTP interface needs of a client: the part of `ChannelClient` that it calls. Whoever mounts `handle` elsewhere may
 * give any object with these methods. Parameters are typed loosely, because they come from outside and may be missing or wrong:
 * the client checks them.
 */

import type { Address } from '../types.js';

type Loose<T> = { readonly [K in keyof T]?: T[K] | undefined } & { readonly signal?: AbortSignal | undefined };

/** A payment to whoever can be reached. */
interface Payment {
  to: string;
  token: string;
  amount: bigint;
  maxFee: bigint;
  maxParts: number;
}

/** Which part of a list. */
interface Page {
  limit: number;
  before: string;
}

/** A client, as far as the HTTP interface is concerned. A `ChannelClient` is one. */
export interface HttpClient {
  readonly wallet: Address;
  readonly chainId: number;
  readonly judge: Address;
  status(parameters?: Loose<object>): PromiseLike<unknown>;
  channels(parameters?: Loose<object>): PromiseLike<unknown>;
  channel(parameters?: Loose<{ channel: string }>): PromiseLike<unknown>;
  openChannel(parameters?: Loose<{ partner: string; token: string; deposit: bigint; salt: bigint }>): PromiseLike<unknown>;
  deposit(parameters?: Loose<{ channel: string; amount: bigint }>): PromiseLike<unknown>;
  withdraw(parameters?: Loose<{ channel: string; amount: bigint; timeout: number }>): PromiseLike<unknown>;
  closeChannel(parameters?: Loose<{ channel: string; mode: string; force: boolean; timeout: number }>): PromiseLike<unknown>;
  respond(parameters?: Loose<{ channel: string }>): PromiseLike<unknown>;
  settle(parameters?: Loose<{ channel: string; force: boolean }>): PromiseLike<unknown>;
  pay(parameters?: Loose<Payment & { id: string; memo: string }>): PromiseLike<unknown>;
  payments(parameters?: Loose<Page & { channel: string }>): PromiseLike<unknown>;
  events(): AsyncIterable<{ readonly type: string }>;

  // A host without the network or without requests leaves these out; the answer is then NOT_IMPLEMENTED.
  quote?(parameters?: Loose<Payment>): PromiseLike<unknown>;
  network?(parameters?: Loose<{ token: string }>): PromiseLike<unknown>;
  createRequest?(
    parameters?: Loose<{ token: string; amount: bigint; expiresIn: number; memo: string; id: string }>,
  ): PromiseLike<unknown>;
  requests?(parameters?: Loose<Page>): PromiseLike<unknown>;
  requestStatus?(parameters?: Loose<{ id: string; request: string }>): PromiseLike<{ readonly text: string }>;
  payRequest?(parameters?: Loose<{ request: string; amount: bigint; maxFee: bigint; maxParts: number }>): PromiseLike<unknown>;
}
