/**
 * What a Service Worker and the tab with the client say to each other.
 *
 * A tab that serves holds a Web Lock with a name of its own (shared mode), which names the wallet as well. So the worker, which
 * the browser ends and starts as it likes, needs no memory: it reads the locks' names, hands the request with a port to the
 * windows of its origin, and the one that the name belongs to answers. And by asking for the same lock (exclusive mode) it
 * hears at once when that tab dies. Nothing depends on a time limit.
 */

const PREFIX = 'chit-http/1/';

/** The name of a host's lock. */
export function hostName(wallet: string): string {
  return `${PREFIX}${wallet.toLowerCase()}/${crypto.randomUUID()}`;
}

/** The wallet in a host's name; `undefined` when the lock is somebody else's. */
export function walletOf(name: string | undefined): string | undefined {
  return name?.startsWith(PREFIX) ? name.slice(PREFIX.length).split('/')[0] : undefined;
}

/** A request on its way to the host, with a port for the answer. */
export interface Handover {
  readonly chit: 'http/1';
  /** The name of the host's lock; no other tab answers. */
  readonly host: string;
  readonly base: string;
  readonly url: string;
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: ArrayBuffer | undefined;
}

/** Whether a message is a request for this host. */
export function isHandover(value: unknown, host: string): value is Handover {
  const { chit, host: named } = (value ?? {}) as Partial<Handover>;
  return chit === 'http/1' && named === host;
}

/** What the worker says: it wants the next piece of the body, or nothing more at all. */
export type Ask = 'pull' | 'cancel';

/** The first thing that the host says. */
export interface Head {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
}

/** What the host says to each `pull`: a piece, or that there is none. */
export type Piece = Uint8Array<ArrayBuffer> | null;
