import type { Context } from '../context.js';
import { checkRequestTarget, startPayment, type Payment, type PaymentOptions } from './pay.js';

/** Parameters of {@link payRequest}. */
export interface PayRequestParameters extends PaymentOptions {
  /** The request's text. */
  readonly request: string;
  /** How much, in base units, where the request leaves it to the payer. */
  readonly amount?: bigint | undefined;
}

/** What {@link payRequest} returns. */
export type PayRequestReturnType = Payment;

/**
 * Pays a request, in hash-locked parts also where there is a channel with the payee: so the payee can refuse what it does not
 * expect. Resolves when the payee has taken all of it; its receipt is in `requestStatus` then, or a moment later. Rejects when
 * surely nothing was paid. A request is paid once from here, however often it is tried, also after a reload.
 *
 * Errors: `INVALID_ARGUMENT`, `INVALID_REQUEST`, `REQUEST_PAID`, `REQUEST_PENDING`, `REQUEST_EXPIRED`, `NOT_AUTHORIZED`,
 * `INSUFFICIENT_CAPACITY`, `DUPLICATE_PAYMENT`, `PAYMENT_CANCELLED`, `STORAGE_FULL`, `STORAGE_LOST`, `ABORTED`, and those of
 * paying over the network.
 *
 * @example
 * const { payee, amount } = await client.readRequest({ request });
 * if (confirm(`Pay ${amount} to ${payee}?`)) await client.payRequest({ request, maxFee: 1_000n });
 */
export function payRequest(context: Context, parameters: PayRequestParameters): PayRequestReturnType {
  return startPayment(context, 'payRequest', parameters, checkRequestTarget);
}
