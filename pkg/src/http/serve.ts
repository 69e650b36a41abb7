/** The tab's side: answers what the Service Worker hands over. */

import { ChitError, invalid } from '../errors.js';
import type { HttpClient } from './client.js';
import { handle, type HandleOptions } from './handle.js';
import { type Ask, type Handover, type Head, type Piece, hostName, isHandover } from './handover.js';

/** Options of {@link serveHttp}. */
export interface ServeHttpOptions extends Pick<HandleOptions, 'allow'> {
  /** Where the worker's messages arrive. Default `navigator.serviceWorker`. */
  readonly container?: ServiceWorkerContainer | undefined;
}

/**
 * Lets the origin's Service Worker (see `answerChit`) answer `fetch('/chit/v1/…')` with this client. Resolves when it can be
 * reached, to a function that ends it. Stop before closing the client; what is under way then goes on, but its caller is told
 * `CLIENT_GONE`.
 *
 * Errors: `INVALID_ARGUMENT`, `LOCKS_UNAVAILABLE`.
 *
 * @example
 * await navigator.serviceWorker.register('/sw.js');
 * const stop = await serveHttp(client);
 */
export async function serveHttp(client: HttpClient, options: ServeHttpOptions = {}): Promise<() => void> {
  const container = options.container ?? (navigator as { serviceWorker?: ServiceWorkerContainer }).serviceWorker;
  if (!container) throw invalid('container', 'given, where there is no navigator.serviceWorker', container);
  const name = hostName(client.wallet);
  const onMessage = (event: MessageEvent): void => {
    const [port] = event.ports;
    if (port && isHandover(event.data, name)) void answer(client, port, event.data, options);
  };
  container.addEventListener('message', onMessage);
  container.startMessages();
  try {
    const release = await hold(name);
    return () => {
      container.removeEventListener('message', onMessage);
      release();
    };
  } catch (error) {
    container.removeEventListener('message', onMessage);
    throw error;
  }
}

/** Takes the lock that tells the worker of this tab; resolves to what releases it. */
function hold(name: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const granted = (): Promise<void> => new Promise((release) => {
      resolve(release);
    });
    const locks = navigator.locks as LockManager | undefined;
    if (!locks) throw new ChitError('LOCKS_UNAVAILABLE', 'This browser has no Web Locks.');
    locks.request(name, { mode: 'shared' }, granted).catch((cause: unknown) => {
      reject(new ChitError('LOCKS_UNAVAILABLE', 'The browser refused a Web Lock.', { cause }));
    });
  });
}

async function answer(client: HttpClient, port: MessagePort, handover: Handover, { allow }: ServeHttpOptions): Promise<void> {
  const { url, method, headers, body, base } = handover;
  const left = new AbortController();
  port.onmessage = () => {
    left.abort();
  };
  const init: RequestInit = { method, headers: headers.map(([name, value]): [string, string] => [name, value]), signal: left.signal };
  if (body) init.body = body;
  const response = await handle(client, new Request(url, init), { base, allow });
  const reader = response.body?.getReader();
  port.onmessage = async ({ data }: MessageEvent<Ask>) => {
    if (data === 'cancel') {
      left.abort();
      return;
    }
    // A broken stream and one that has ended are the same to the caller: it asks again.
    const piece = await reader?.read().catch(() => undefined);
    port.postMessage((piece?.value ?? null) satisfies Piece);
  };
  port.postMessage({ status: response.status, headers: [...response.headers] } satisfies Head);
}
