/**
 * The Service Worker's side: takes `fetch('/chit/v1/…')` and hands it to the tab in which a client lives, because only a tab has
 * the injected wallet. See `handle` for who may call.
 */

import { DEFAULT_BASE, below } from './base.js';
import { type Ask, type Handover, type Head, type Piece, walletOf } from './handover.js';
import { HttpProblem, failure } from './problems.js';

/** What is used of a `FetchEvent`. */
export interface ServiceWorkerFetchEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
  waitUntil(promise: Promise<unknown>): void;
}

/** What is used of a `ServiceWorkerGlobalScope`. */
export interface ServiceWorkerScope {
  readonly location: { readonly origin: string };
  readonly navigator: { readonly locks: LockManager };
  readonly clients: {
    matchAll(options: { type: 'window'; includeUncontrolled: true }): Promise<readonly Window[]>;
  };
  addEventListener(type: 'fetch', listener: (event: ServiceWorkerFetchEvent) => void): void;
}

interface Window {
  postMessage(message: unknown, transfer: Transferable[]): void;
}

/** Options of {@link answerChit}. */
export interface AnswerChitOptions {
  /** The path under which the interface lives. Default `/chit/v1`. */
  readonly base?: string | undefined;
}

/**
 * Makes a Service Worker answer `fetch('/chit/v1/…')` of the pages that it controls. Other requests stay its own. Call it while
 * the worker's script runs for the first time, as for every listener of `fetch`. The tab with the client calls `serveHttp`; without
 * one the answer is 503 with the code `NO_CLIENT`.
 *
 * @example
 * import { answerChit } from '@chit/client/service-worker';
 *
 * answerChit(self);
 * self.addEventListener('install', () => self.skipWaiting());
 * self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
 */
export function answerChit(scope: ServiceWorkerScope, { base = DEFAULT_BASE }: AnswerChitOptions = {}): void {
  scope.addEventListener('fetch', (event) => {
    const url = new URL(event.request.url);
    if (url.origin !== scope.location.origin || below(url.pathname, base) === undefined) return;
    const ended = new AbortController();
    const finish = (): void => {
      ended.abort();
    };
    const answering = forward(scope, event.request, base, ended).catch((thrown: unknown) => {
      finish();
      return failure(thrown);
    });
    event.respondWith(answering);
    // While the body is read the worker has to live, as long as the browser lets it.
    event.waitUntil(new Promise<void>((resolve) => {
      ended.signal.addEventListener('abort', () => {
        resolve();
      });
    }));
  });
}

/** Hands a request to the tab that serves; `ended` is aborted when nothing more will be said. */
async function forward(scope: ServiceWorkerScope, request: Request, base: string, ended: AbortController): Promise<Response> {
  const { url, method } = request;
  const body = method === 'GET' || method === 'HEAD' ? undefined : await request.arrayBuffer();
  const host = await findHost(scope, new URL(url).searchParams.get('wallet'));
  const windows = await scope.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const handover: Handover = { chit: 'http/1', host, base, url, method, headers: [...request.headers], body };
  const gone = watch(scope, host, ended.signal);
  return new Promise((resolve, reject) => {
    const ports = windows.map((window) => {
      const { port1: port, port2 } = new MessageChannel();
      port.onmessage = ({ data: { status, headers } }: MessageEvent<Head>) => {
        const init = { status, headers: headers.map(([name, value]): [string, string] => [name, value]) };
        resolve(new Response(bodyFrom(port, gone, ended), init));
      };
      window.postMessage(handover, [port2]);
      return port;
    });
    gone.then(reject, reject);
    request.signal.addEventListener('abort', () => {
      for (const port of ports) port.postMessage('cancel' satisfies Ask);
      ended.abort();
    });
  });
}

/** The name of the lock of a tab that serves this wallet, or the only wallet. */
async function findHost({ navigator: { locks } }: ServiceWorkerScope, wanted: string | null): Promise<string> {
  const { held = [] } = await locks.query();
  const hosts = new Map<string, string>();
  for (const { name, mode } of held) {
    const wallet = walletOf(name);
    if (name !== undefined && wallet !== undefined && mode === 'shared') hosts.set(wallet, name);
  }
  const wallets = [...hosts.keys()];
  const [wallet = ''] = wanted === null ? wallets : [wanted.toLowerCase()];
  const host = hosts.get(wallet);
  if (host === undefined) {
    const whose = wanted === null ? '' : ' for that wallet';
    throw new HttpProblem('NO_CLIENT', `No tab runs a client${whose}.`, { wallets });
  }
  if (wanted === null && wallets.length > 1) {
    throw new HttpProblem('AMBIGUOUS_WALLET', 'Several wallets are open; say which with ?wallet=.', { wallets });
  }
  return host;
}

/** Resolves when the tab that holds the lock is gone or has stopped serving. */
async function watch({ navigator: { locks } }: ServiceWorkerScope, host: string, signal: AbortSignal): Promise<HttpProblem> {
  await locks.request(host, { mode: 'exclusive', signal }, () => undefined);
  return new HttpProblem('CLIENT_GONE', 'The tab went away before it answered. What was asked for may have happened.');
}

/** The body, piece by piece as it is read. */
function bodyFrom(port: MessagePort, gone: Promise<HttpProblem>, ended: AbortController): ReadableStream<Uint8Array> {
  const ask = (what: Ask): void => {
    port.postMessage(what);
  };
  const finish = (): void => {
    port.close();
    ended.abort();
  };
  return new ReadableStream(
    {
      start(controller) {
        // Fails with an AbortError when all has been said; then nobody waits for it.
        gone.then((problem) => {
          controller.error(problem);
          finish();
        }, () => undefined);
      },
      pull(controller) {
        return new Promise((resolve) => {
          port.onmessage = ({ data }: MessageEvent<Piece>) => {
            if (data) controller.enqueue(data);
            else {
              controller.close();
              finish();
            }
            resolve();
          };
          ask('pull');
        });
      },
      cancel() {
        ask('cancel');
        finish();
      },
    },
    { highWaterMark: 0 },
  );
}
