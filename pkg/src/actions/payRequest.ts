import { type Context, randomHex } from '../context.js';
import { toPayment } from '../convert.js';
import { ChitError, aborted } from '../errors.js';
import { checkRequest } from '../requestText.js';
import type { Hex, PaymentView } from '../types.js';
import { checkAmount, checkLiveSignal, checkMemo, checkParameters, checkPaymentId } from '../validate.js';

/** Parameters of {@link payRequest}. */
export interface PayRequestParameters {
  /** The request's text. */
  readonly request: string;
  /** How much, in base units, where the request leaves it to the payer. */
  readonly amount?: bigint | undefined;
  /** A note that the payee sees; at most `MAX_MEMO_BYTES` bytes. */
  readonly memo?: string | undefined;
  /** The most that all mediators together may take. */
  readonly maxFee?: bigint | undefined;
  /** The payment's id, 16 random bytes. Give one to be able to submit again after a crash and hear the outcome. */
  readonly id?: Hex | undefined;
  /** Gives the payment up while the payee has taken nothing (`PAYMENT_CANCELLED`); later it ends the wait only (`ABORTED`). */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link payRequest} resolves to. */
export type PayRequestReturnType = PaymentView;

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
export async function payRequest(context: Context, parameters: PayRequestParameters): Promise<PayRequestReturnType> {
  checkParameters(parameters);
  const { request, amount, maxFee, id } = parameters;
  const memo = checkMemo(parameters.memo);
  const payment = id === undefined ? randomHex(16) : checkPaymentId(id);
  const params = {
    request: checkRequest(request),
    payment,
    again: id !== undefined,
    ...(amount === undefined ? {} : { amount: checkAmount(amount) }),
    ...(maxFee === undefined ? {} : { maxFee: maxFee === 0n ? '0' : checkAmount(maxFee, 'maxFee') }),
    ...(memo === undefined ? {} : { memo }),
  };
  return context.invoke('payRequest', params, toPayment, checkLiveSignal(parameters.signal), async (by) => {
    const cancelled = await context
      .invoke('cancelPayment', { payment }, (answer) => answer !== false)
      .catch(() => false);
    return cancelled
      ? new ChitError('PAYMENT_CANCELLED', 'The payment was cancelled. Nothing was paid.', { details: { payment } })
      : aborted(by, { payment });
  });
}
