import type { Context } from '../context.js';
import { toRequest } from '../convert.js';
import { checkRequest } from '../requestText.js';
import type { RequestView } from '../types.js';
import { checkLiveSignal, checkParameters } from '../validate.js';

/** Parameters of {@link readRequest}. */
export interface ReadRequestParameters {
  /** The request's text. */
  readonly request: string;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link readRequest} resolves to. */
export type ReadRequestReturnType = RequestView;

/**
 * Checks a request's signature, chain and Judge, and tells what it asks and what is known of it here.
 *
 * Errors: `INVALID_ARGUMENT`, `INVALID_REQUEST`, `ABORTED`.
 *
 * @example
 * const { payee, amount, memo, status } = await client.readRequest({ request: location.hash.slice(1) });
 */
export async function readRequest(context: Context, parameters: ReadRequestParameters): Promise<ReadRequestReturnType> {
  checkParameters(parameters);
  const params = { request: checkRequest(parameters.request) };
  return context.invoke('readRequest', params, toRequest, checkLiveSignal(parameters.signal));
}
