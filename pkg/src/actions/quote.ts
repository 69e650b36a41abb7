import type { Context } from '../context.js';
import { toAmount, toQuote } from '../convert.js';
import type { Address, Quote } from '../types.js';
import {
  checkAddress,
  checkAmount,
  checkLimits,
  checkLiveSignal,
  checkParameters,
  checkToken,
  type PaymentLimits,
} from '../validate.js';

/** Parameters of {@link quote}. */
export interface QuoteParameters extends PaymentLimits {
  /** Who would be paid. */
  readonly to: Address;
  readonly token: Address;
  /** What the payee would get, in base units. */
  readonly amount: bigint;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link quote} resolves to. */
export type QuoteReturnType = Quote;

/**
 * Says what a payment would cost and which way it would go, without making it. Nothing is reserved: a moment later it may
 * be otherwise, so give `pay` a `maxFee`.
 *
 * Errors: `INVALID_ARGUMENT`, `UNKNOWN_CHANNEL`, `INSUFFICIENT_CAPACITY`, `PARTNER_OFFLINE`, `NO_ROUTE`, `FEE_TOO_HIGH`,
 * `PROVIDER_ERROR`, `ABORTED`.
 *
 * @example
 * const { fee } = await client.quote({ to: shop, token, amount });
 * await client.pay({ to: shop, token, amount, maxFee: fee });
 */
export async function quote(context: Context, parameters: QuoteParameters): Promise<QuoteReturnType> {
  checkParameters(parameters);
  const { to, token, amount } = parameters;
  const params = {
    to: checkAddress(to, 'to'),
    token: checkToken(token, 'token'),
    amount: checkAmount(amount),
    ...checkLimits(parameters),
  };
  return context.invoke('quote', params, toQuote, checkLiveSignal(parameters.signal));
}

/** Parameters of {@link estimateCapacity}. */
export interface EstimateCapacityParameters {
  /** Who would be paid. */
  readonly to: Address;
  readonly token: Address;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link estimateCapacity} resolves to. */
export type EstimateCapacityReturnType = bigint;

/**
 * The most that could reach an account now, directly and over the network together. In between there may be less: only a
 * payment finds out.
 *
 * Errors: `INVALID_ARGUMENT`, `PROVIDER_ERROR`, `ABORTED`.
 */
export async function estimateCapacity(
  context: Context,
  parameters: EstimateCapacityParameters,
): Promise<EstimateCapacityReturnType> {
  checkParameters(parameters);
  const { to, token } = parameters;
  const params = { to: checkAddress(to, 'to'), token: checkToken(token, 'token') };
  return context.invoke('estimateCapacity', params, toAmount, checkLiveSignal(parameters.signal));
}
