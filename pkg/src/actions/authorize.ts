import type { Context } from '../context.js';
import { toAuthorization } from '../convert.js';
import type { Authorization } from '../types.js';
import { checkLiveSignal, checkParameters } from '../validate.js';

/** Parameters of {@link authorize}. */
export interface AuthorizeParameters {
  /** Ends the wait for the wallet. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link authorize} resolves to. */
export type AuthorizeReturnType = Authorization;

/**
 * Lets this browser's key sign for the wallet, so that others can open channels with it and pay it. One signature in
 * the wallet, no transaction, no gas. Not needed for whoever opens a channel: that transaction carries the permission.
 *
 * Errors: `USER_REJECTED`, `WRONG_CHAIN`, `PROVIDER_ERROR`, `ABORTED`.
 */
export async function authorize(context: Context, parameters: AuthorizeParameters = {}): Promise<AuthorizeReturnType> {
  checkParameters(parameters);
  return context.invoke('authorize', {}, toAuthorization, checkLiveSignal(parameters.signal));
}
