import type { Context } from '../context.js';
import { toRequest } from '../convert.js';
import { invalid } from '../errors.js';
import { checkRequest } from '../requestText.js';
import type { Hex, RequestView } from '../types.js';
import { checkLiveSignal, checkParameters, checkRequestId } from '../validate.js';

/** Names a request by its text or by its id. */
export type RequestTarget =
  | { readonly request: string; readonly id?: undefined }
  | { readonly request?: undefined; readonly id: Hex };

/** Parameters of {@link requestStatus}. */
export type RequestStatusParameters = RequestTarget & {
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
};

/** What {@link requestStatus} resolves to. */
export type RequestStatusReturnType = RequestView;

/**
 * How far a request is: for the payee that made it, and for whoever pays it. A paid one has its receipt.
 *
 * Errors: `INVALID_ARGUMENT`, `INVALID_REQUEST`, `UNKNOWN_REQUEST` (for an id that was neither made nor paid here), `ABORTED`.
 *
 * @example
 * const { status, receipt } = await client.requestStatus({ id: request.id });
 */
export async function requestStatus(context: Context, parameters: RequestStatusParameters): Promise<RequestStatusReturnType> {
  checkParameters(parameters);
  const { request, id } = parameters;
  if (request !== undefined && id !== undefined) throw invalid('id', 'given without `request`', id);
  const params = id === undefined ? { request: checkRequest(request) } : { id: checkRequestId(id) };
  return context.invoke('requestStatus', params, toRequest, checkLiveSignal(parameters.signal));
}
