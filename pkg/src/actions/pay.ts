import { type Context, randomHex } from '../context.js';
import { toPayment } from '../convert.js';
import { ChitError, aborted, invalid } from '../errors.js';
import type { Address, Hex, PaymentView } from '../types.js';
import {
  checkAddress,
  checkAmount,
  checkChannel,
  checkLiveSignal,
  checkMemo,
  checkParameters,
  checkPaymentId,
  checkToken,
} from '../validate.js';

/** Names the channel by its id, or by who is paid in which token. */
export type PayTarget =
  | { readonly channel: Hex; readonly to?: undefined; readonly token?: undefined }
  | { readonly channel?: undefined; readonly to: Address; readonly token: Address };

/** Parameters of {@link pay}. */
export type PayParameters = PayTarget & {
  /** What to pay, in base units. */
  readonly amount: bigint;
  /** A note that the partner sees; at most `MAX_MEMO_BYTES` bytes. */
  readonly memo?: string | undefined;
  /** The payment's id, 16 random bytes. Give one to be able to submit again after a crash without paying twice. */
  readonly id?: Hex | undefined;
  /** Cancels the payment while it is queued (`PAYMENT_CANCELLED`); later it ends the wait only (`ABORTED`). */
  readonly signal?: AbortSignal | undefined;
};

/** What {@link pay} resolves to. */
export type PayReturnType = PaymentView;

/**
 * Pays the partner of a channel. No wallet prompt, no transaction, no gas. Resolves when the partner says that it has
 * stored the payment. Payments that are submitted while an earlier one is on its way share one signature, so submit as
 * many as you like without waiting.
 *
 * Errors: `INVALID_ARGUMENT`, `UNKNOWN_CHANNEL`, `CHANNEL_NOT_OPEN`, `NOT_AUTHORIZED`, `INSUFFICIENT_CAPACITY`,
 * `QUEUE_FULL`, `DUPLICATE_PAYMENT`, `PARTNER_OFFLINE`, `CHANNEL_CLOSING`,
 * `CHANNEL_STOPPED`, `STATE_BEHIND`, `PAYMENT_REFUSED`, `PAYMENT_CANCELLED`, `STORAGE_FULL`, `STORAGE_LOST`, `ABORTED`.
 *
 * @example
 * const payment = await client.pay({ channel, amount: 1_000000n, memo: 'coffee' });
 */
export async function pay(context: Context, parameters: PayParameters): Promise<PayReturnType> {
  checkParameters(parameters);
  const { amount, memo, id, signal: unchecked } = parameters;
  const payment = id === undefined ? randomHex(16) : checkPaymentId(id);
  const note = checkMemo(memo);
  const params = {
    payment,
    ...checkTarget(parameters),
    amount: checkAmount(amount),
    // A new random id was never used; looking for it among all payments would be in vain.
    again: id !== undefined,
    ...(note === undefined ? {} : { memo: note }),
  };
  const signal = checkLiveSignal(unchecked);
  return context.invoke('pay', params, toPayment, signal, async (by) => {
    const cancelled = await context
      .invoke('cancelPayment', { payment }, (answer) => answer !== false)
      .catch(() => false);
    return cancelled
      ? new ChitError('PAYMENT_CANCELLED', 'The payment was cancelled. Nothing was paid.', { details: { payment } })
      : aborted(by, { payment });
  });
}

function checkTarget({ channel, to, token }: PayTarget): object {
  if (channel !== undefined) {
    if (to !== undefined || token !== undefined) throw invalid('channel', 'given without `to` and `token`', channel);
    return { channel: checkChannel(channel) };
  }
  if (to === undefined) throw invalid('channel', 'a channel id, unless `to` and `token` are given', channel);
  return { to: checkAddress(to, 'to'), token: checkToken(token, 'token') };
}
