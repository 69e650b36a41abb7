import type { Context } from '../context.js';
import { toAmount } from '../convert.js';
import type { Address } from '../types.js';
import { checkLiveSignal, checkParameters, checkToken } from '../validate.js';

/** Parameters of {@link balance}. */
export interface BalanceParameters {
  /** The token, or `NATIVE_TOKEN`. */
  readonly token: Address;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link balance} resolves to: base units. */
export type BalanceReturnType = bigint;

/**
 * What the account holds in the wallet, outside of channels. Asks the chain.
 *
 * Errors: `INVALID_ARGUMENT`, `PROVIDER_ERROR`, `PROVIDER_BAD_ANSWER`, `ABORTED`.
 */
export async function balance(context: Context, parameters: BalanceParameters): Promise<BalanceReturnType> {
  checkParameters(parameters);
  const params = { token: checkToken(parameters.token, 'token') };
  return context.invoke('balance', params, toAmount, checkLiveSignal(parameters.signal));
}
