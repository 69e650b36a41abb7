import type { Context } from '../context.js';
import { toStatus } from '../convert.js';
import type { ClientStatus } from '../types.js';
import { checkLiveSignal, checkParameters } from '../validate.js';

/** Parameters of {@link status}. */
export interface StatusParameters {
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link status} resolves to. */
export type StatusReturnType = ClientStatus;

/** How the client is doing: relay, chain, storage, authorization. */
export async function status(context: Context, parameters: StatusParameters = {}): Promise<StatusReturnType> {
  checkParameters(parameters);
  return context.invoke('status', {}, toStatus, checkLiveSignal(parameters.signal));
}
