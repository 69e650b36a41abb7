/**
 * Answers one request: the HTTP interface without any transport, for a Service Worker, an extension or a native host.
 *
 * Who may call. Behind a Service Worker only pages of the same origin can: a worker is asked by the pages that it controls, and
 * for navigations. Any script of that origin can use the client already, so this interface gives it nothing new; what
 * remains is another site that makes the browser navigate here, say with a form. Therefore nothing changes by `GET`,
 * everything else must be `application/json`, which no form can send, there are no CORS headers, and requests that a
 * browser marks as another origin's are refused. A host that listens on a real port has more to do: it must know its callers,
 * for a token of its own, and can decide over each call with `allow`.
 */

import { invalid } from '../errors.js';
import { DEFAULT_BASE, below } from './base.js';
import type { HttpClient } from './client.js';
import { Fields } from './fields.js';
import { HttpProblem, failure } from './problems.js';
import { routes, type Route } from './routes.js';

const MAX_BODY = 64 * 1024;

/** What {@link HandleOptions.allow} decides over. */
export interface HttpCall {
  /** `GET`, `POST`, `PUT` or `PATCH`. */
  readonly method: string;
  /** The path behind the base, for example `/channels`. */
  readonly path: string;
  /** The JSON body; `undefined` for `GET`. Nothing in it has been checked. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
  /** The request's headers, for example with a token in them. */
  readonly headers: Headers;
}

/** Options of {@link handle}. */
export interface HandleOptions {
  /** The path under which the interface lives. Default `/chit/v1`. */
  readonly base?: string | undefined;
  /** Says whether a call may be made; the answer is `FORBIDDEN` otherwise. Default: every call. */
  readonly allow?: ((call: HttpCall) => boolean | Promise<boolean>) | undefined;
}

/**
 * Answers a request with what the client says. Never rejects: errors are answers.
 *
 * Aborting the request's signal ends the wait as it does for the client's own methods; a payment that is still queued is taken
 * back.
 *
 * @example
 * const response = await handle(client, new Request('https://host.example/chit/v1/channels'));
 */
export async function handle(client: HttpClient, request: Request, options: HandleOptions = {}): Promise<Response> {
  try {
    return await answer(client, request, options);
  } catch (thrown) {
    return failure(thrown);
  }
}

async function answer(client: HttpClient, request: Request, { base = DEFAULT_BASE, allow }: HandleOptions): Promise<Response> {
  const url = new URL(request.url);
  refuseOtherOrigins(request.headers, url);
  const path = below(url.pathname, base);
  if (path === undefined) throw new HttpProblem('NOT_FOUND', `There is nothing outside of ${base}.`);
  const { route, parts } = find(request.method, path);
  if (route.method !== 'GET' && !isJson(request.headers)) {
    throw new HttpProblem('UNSUPPORTED_MEDIA_TYPE', 'The content-type must be application/json.');
  }
  const query = new Fields(url.searchParams, [...(route.query ?? []), 'wallet']);
  refuseOtherWallets(client, query);
  const body = route.method === 'GET' ? undefined : await readBody(request);
  const call = { method: route.method, path, body, headers: request.headers };
  if (allow && !(await allow(call))) throw new HttpProblem('FORBIDDEN', 'The page does not allow this call.');
  return route.run({
    client,
    part: (name) => parts.get(name) ?? '',
    query,
    body: new Fields(Object.entries(body ?? {}), route.body ?? []),
    lastEventId: request.headers.get('last-event-id') ?? undefined,
    signal: request.signal,
  });
}

function refuseOtherOrigins(headers: Headers, url: URL): void {
  const origin = headers.get('origin');
  const site = headers.get('sec-fetch-site');
  if ((origin !== null && origin !== url.origin) || site === 'cross-site' || site === 'same-site') {
    throw new HttpProblem('FORBIDDEN', 'Only the same origin may call.');
  }
}

function refuseOtherWallets(client: HttpClient, query: Fields): void {
  const wallet = query.text('wallet');
  if (wallet !== undefined && wallet.toLowerCase() !== client.wallet.toLowerCase()) {
    throw new HttpProblem('NO_CLIENT', 'No client runs for that wallet.', { wallets: [client.wallet] });
  }
}

function isJson(headers: Headers): boolean {
  return headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() === 'application/json';
}

function find(method: string, path: string): { route: Route; parts: ReadonlyMap<string, string> } {
  const fitting = routes.flatMap((route) => {
    const parts = match(route.path, path);
    return parts ? [{ route, parts }] : [];
  });
  if (fitting.length === 0) throw new HttpProblem('NOT_FOUND', `There is no ${path}.`);
  const found = fitting.find(({ route }) => route.method === method);
  if (found) return found;
  const methods = fitting.map(({ route }) => route.method).join(', ');
  throw new HttpProblem('METHOD_NOT_ALLOWED', `${path} has ${methods}.`, undefined, { allow: methods });
}

function match(pattern: string, path: string): ReadonlyMap<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const parts = new Map<string, string>();
  for (const [index, segment] of wanted.entries()) {
    const value = decode(given[index] ?? '');
    if (segment.startsWith('{') && value) parts.set(segment.slice(1, -1), value);
    else if (segment !== value) return undefined;
  }
  return parts;
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

async function readBody(request: Request): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await request.arrayBuffer();
  if (bytes.byteLength > MAX_BODY) throw new HttpProblem('TOO_LARGE', 'The body is larger than 64 KiB.');
  if (bytes.byteLength === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalid('body', 'JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('body', 'a JSON object', value);
  return value as Readonly<Record<string, unknown>>;
}
