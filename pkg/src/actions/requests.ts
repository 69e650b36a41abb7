import type { Context } from '../context.js';
import { toList, toRequest } from '../convert.js';
import type { Hex, RequestView } from '../types.js';
import { checkInteger, checkLiveSignal, checkParameters, checkRequestId } from '../validate.js';

/** Parameters of {@link requests}. */
export interface RequestsParameters {
  /** How many at most, 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
  /** Only those older than the request with this id: the last one of the page before. */
  readonly before?: Hex | undefined;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link requests} resolves to. */
export type RequestsReturnType = readonly RequestView[];

/**
 * The requests that were made or paid here, newest first.
 *
 * Errors: `INVALID_ARGUMENT`, `ABORTED`.
 *
 * @example
 * const open = (await client.requests()).filter(({ status }) => status === 'open');
 */
export async function requests(context: Context, parameters: RequestsParameters = {}): Promise<RequestsReturnType> {
  checkParameters(parameters);
  const { limit = 100, before } = parameters;
  const params = {
    limit: checkInteger(limit, 'limit', 1, 1000),
    ...(before === undefined ? {} : { before: checkRequestId(before, 'before') }),
  };
  return context.invoke('requests', params, (value) => toList(value, toRequest), checkLiveSignal(parameters.signal));
}
