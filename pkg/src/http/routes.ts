/** The resources: which method and path calls what of the client. `openapi.json` describes each; a test compares the two. */

import { invalid } from '../errors.js';
import type { HttpClient } from './client.js';
import { eventStream } from './events.js';
import type { Fields } from './fields.js';
import { reply } from './json.js';
import { HttpProblem } from './problems.js';

/** A request that fits a route. */
export interface Call {
  readonly client: HttpClient;
  /** What stands in the path in the place of a `{name}`. */
  readonly part: (name: string) => string;
  readonly query: Fields;
  readonly body: Fields;
  readonly lastEventId: string | undefined;
  readonly signal: AbortSignal;
}

/** One resource and method. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  /** Segments; one in braces stands for any. */
  readonly path: string;
  /** Names of the query's parameters. */
  readonly query?: readonly string[];
  /** Names of the body's members. */
  readonly body?: readonly string[];
  readonly run: (call: Call) => Promise<Response> | Response;
}

/** All there is. */
export const routes: readonly Route[] = [
  {
    method: 'GET',
    path: '/status',
    run: async ({ client, signal }) => reply(200, await client.status({ signal })),
  },
  {
    method: 'GET',
    path: '/address',
    run: ({ client: { wallet, chainId, judge } }) => reply(200, { wallet, chainId, judge }),
  },
  {
    method: 'GET',
    path: '/channels',
    run: async ({ client, signal }) => reply(200, await client.channels({ signal })),
  },
  {
    method: 'PUT',
    path: '/channels',
    body: ['partner', 'token', 'deposit', 'salt'],
    run: async ({ client, body, signal }) => {
      const parameters = {
        partner: body.text('partner'),
        token: body.text('token'),
        deposit: body.amount('deposit'),
        salt: body.amount('salt'),
        signal,
      };
      return reply(201, await client.openChannel(parameters));
    },
  },
  {
    method: 'GET',
    path: '/channels/{channel}',
    run: async ({ client, part, signal }) => reply(200, await client.channel({ channel: part('channel'), signal })),
  },
  {
    method: 'PATCH',
    path: '/channels/{channel}',
    body: ['deposit', 'withdraw', 'state', 'respond', 'mode', 'force', 'timeout'],
    run: async (call) => reply(200, await changeChannel(call)),
  },
  {
    method: 'POST',
    path: '/payments/{token}/{to}',
    body: ['amount', 'id', 'memo', 'maxFee', 'maxParts'],
    run: async ({ client, part, body, signal }) => {
      const parameters = {
        to: part('to'),
        token: part('token'),
        amount: body.amount('amount'),
        id: body.text('id'),
        memo: body.text('memo'),
        ...limits(body),
        signal,
      };
      return reply(200, await client.pay(parameters));
    },
  },
  {
    method: 'GET',
    path: '/payments',
    query: ['channel', 'limit', 'before'],
    run: async ({ client, query, signal }) => {
      const parameters = { channel: query.text('channel'), ...page(query), signal };
      return reply(200, await client.payments(parameters));
    },
  },
  {
    method: 'POST',
    path: '/quotes',
    body: ['to', 'token', 'amount', 'maxFee', 'maxParts'],
    run: async ({ client, body, signal }) => {
      if (!client.quote) throw missing('quote');
      const parameters = { to: body.text('to'), token: body.text('token'), amount: body.amount('amount'), ...limits(body), signal };
      return reply(200, await client.quote(parameters));
    },
  },
  {
    method: 'POST',
    path: '/requests',
    body: ['token', 'amount', 'expiresIn', 'memo', 'id'],
    run: async ({ client, body }) => {
      if (!client.createRequest) throw missing('createRequest');
      const parameters = {
        token: body.text('token'),
        amount: body.amount('amount'),
        expiresIn: body.integer('expiresIn'),
        memo: body.text('memo'),
        id: body.text('id'),
      };
      return reply(201, await client.createRequest(parameters));
    },
  },
  {
    method: 'GET',
    path: '/requests',
    query: ['limit', 'before'],
    run: async ({ client, query }) => {
      if (!client.requests) throw missing('requests');
      return reply(200, await client.requests(page(query)));
    },
  },
  {
    method: 'GET',
    path: '/requests/{request}',
    run: async ({ client, part }) => reply(200, await findRequest(client, part('request'))),
  },
  {
    method: 'POST',
    path: '/requests/{request}/payment',
    body: ['amount', 'maxFee', 'maxParts'],
    run: async ({ client, part, body, signal }) => {
      if (!client.payRequest) throw missing('payRequest');
      const given = part('request');
      const request = isText(given) ? given : (await findRequest(client, given)).text;
      return reply(200, await client.payRequest({ request, amount: body.amount('amount'), ...limits(body), signal }));
    },
  },
  {
    method: 'GET',
    path: '/network',
    query: ['token'],
    run: async ({ client, query, signal }) => {
      if (!client.network) throw missing('network');
      return reply(200, await client.network({ token: query.text('token'), signal }));
    },
  },
  {
    method: 'GET',
    path: '/events',
    query: ['after'],
    // The header is of a connection that broke later than the one that the address was written for.
    run: ({ client, query, lastEventId, signal }) => eventStream(client, lastEventId ?? query.text('after'), signal),
  },
];

function changeChannel({ client, part, body, signal }: Call): PromiseLike<unknown> {
  const channel = part('channel');
  const changes = ['deposit', 'withdraw', 'state', 'respond'].filter((name) => body.has(name));
  const [change] = changes;
  if (changes.length !== 1) throw invalid('body', 'one change: deposit, withdraw, state or respond', changes.join(', '));
  const state = body.text('state');
  const closes = state === 'closed';
  if (!closes) exclude(body, ['mode'], 'to close');
  if (!closes && state !== 'settled') exclude(body, ['force'], 'to close or to settle');
  if (!closes && change !== 'withdraw') exclude(body, ['timeout'], 'to close or to withdraw');
  switch (change) {
    case 'deposit':
      return client.deposit({ channel, amount: body.amount('deposit'), signal });
    case 'withdraw':
      return client.withdraw({ channel, amount: body.amount('withdraw'), timeout: body.integer('timeout'), signal });
    case 'respond':
      if (body.boolean('respond') !== true) throw invalid('respond', 'true', false);
      return client.respond({ channel, signal });
    default:
      break;
  }
  switch (state) {
    case 'closed': {
      const [mode, force, timeout] = [body.text('mode'), body.boolean('force'), body.integer('timeout')];
      return client.closeChannel({ channel, mode, force, timeout, signal });
    }
    case 'settled':
      return client.settle({ channel, force: body.boolean('force'), signal });
    default:
      throw invalid('state', "'closed' or 'settled'", state);
  }
}

function exclude(body: Fields, names: readonly string[], purpose: string): void {
  for (const name of names) if (body.has(name)) throw invalid(name, `given only ${purpose}`);
}

function limits(body: Fields): { maxFee: bigint | undefined; maxParts: number | undefined } {
  return { maxFee: body.amount('maxFee'), maxParts: body.integer('maxParts') };
}

function page(query: Fields): { limit: number | undefined; before: string | undefined } {
  return { limit: query.integer('limit'), before: query.text('before') };
}

/** Whether a request is given as what the payee handed out, and not by its id. */
function isText(request: string): boolean {
  return request.startsWith('chit:');
}

function findRequest(client: HttpClient, request: string): PromiseLike<{ readonly text: string }> {
  if (!client.requestStatus) throw missing('requestStatus');
  return client.requestStatus(isText(request) ? { request } : { id: request });
}

function missing(action: string): HttpProblem {
  return new HttpProblem('NOT_IMPLEMENTED', `This client has no ${action}.`);
}
