import { type Context, randomHex } from '../context.js';
import { toPayment } from '../convert.js';
import { ChitError, aborted, invalid } from '../errors.js';
import { checkRequest } from '../requestText.js';
import { RunningOperation, type Operation } from '../operation.js';
import type { Address, Hex, PaymentStep, PaymentView } from '../types.js';
import {
  checkAddress,
  checkAmount,
  checkChannel,
  checkLiveSignal,
  checkLimits,
  checkMemo,
  checkParameters,
  checkPaymentId,
  checkToken,
  isPaymentId,
  type PaymentLimits,
} from '../validate.js';

/** Names the channel by its id, or who is paid in which token, or what is paid by the payee's request. */
export type PayTarget =
  | {
      readonly channel: Hex;
      readonly to?: undefined;
      readonly token?: undefined;
      readonly request?: undefined;
      /** What the payee is to get, in base units. */
      readonly amount: bigint;
    }
  | {
      readonly channel?: undefined;
      readonly to: Address;
      readonly token: Address;
      readonly request?: undefined;
      /** What the payee is to get, in base units. */
      readonly amount: bigint;
    }
  | {
      readonly channel?: undefined;
      readonly to?: undefined;
      readonly token?: undefined;
      /** The request's text. */
      readonly request: string;
      /** How much, in base units, where the request leaves it to the payer. */
      readonly amount?: bigint | undefined;
    };

/** What every payment can be given beside its target. */
export interface PaymentOptions extends PaymentLimits {
  /** A note that the payee sees; at most `MAX_MEMO_BYTES` bytes. */
  readonly memo?: string | undefined;
  /** The payment's id, 16 random bytes. Give one to be able to submit again after a crash without paying twice. */
  readonly id?: Hex | undefined;
  /**
   * Takes the payment back while nothing is signed, or gives it up while the payee has taken nothing
   * (`PAYMENT_CANCELLED`). When that cannot be told at once it ends the wait only (`ABORTED`).
   */
  readonly signal?: AbortSignal | undefined;
}

/** Parameters of {@link pay}. */
export type PayParameters = PayTarget & PaymentOptions;

/** A payment that is being made: await it, or watch its steps. Its `id` is the payment's. */
export type Payment = Operation<PaymentView, PaymentStep> & { readonly id: Hex };

/** What {@link pay} returns. */
export type PayReturnType = Payment;

/**
 * Pays. No wallet prompt, no transaction, no gas. With `channel` the partner is paid in that channel. With `to` the client
 * chooses: a channel with the payee where a ready one carries it, else paths through the network, in parts where no single
 * one has the capacity; the payee gets all parts or none. With `request` it is `payRequest`.
 *
 * Resolves when the payee has stored it, or has taken every part. Rejects when surely nothing was paid. Payments that are
 * submitted while an earlier one is on its way share one signature, so submit as many as you like without waiting.
 *
 * Errors: `INVALID_ARGUMENT`, `UNKNOWN_CHANNEL`, `CHANNEL_NOT_OPEN`, `NOT_AUTHORIZED`, `INSUFFICIENT_CAPACITY`,
 * `QUEUE_FULL`, `DUPLICATE_PAYMENT`, `PARTNER_OFFLINE`, `CHANNEL_CLOSING`, `CHANNEL_STOPPED`, `STATE_BEHIND`,
 * `PAYMENT_REFUSED`, `PAYMENT_CANCELLED`, `NO_ROUTE`, `FEE_TOO_HIGH`, `PAYMENT_FAILED`, `STORAGE_FULL`, `STORAGE_LOST`,
 * `ABORTED`.
 *
 * @example
 * const payment = await client.pay({ to: shop, token, amount: 1_000000n, maxFee: 1_000n, memo: 'coffee' });
 *
 * @example
 * for await (const step of client.pay({ to: shop, token, amount: 1_000000n })) console.log(step.stage, step.path);
 */
export function pay(context: Context, parameters: PayParameters): PayReturnType {
  const { request } = (parameters as PayParameters | null | undefined) ?? {};
  return startPayment(context, request === undefined ? 'pay' : 'payRequest', parameters, checkTarget);
}

/** @internal Checks and starts a payment; what a check throws rejects the handle. */
export function startPayment<P extends PaymentOptions>(
  context: Context,
  method: 'pay' | 'payRequest',
  parameters: P,
  target: (parameters: P) => object,
): Payment {
  const given: unknown = (parameters as P | null | undefined)?.id;
  // A bad id rejects the handle below, which needs a name until then.
  const payment = isPaymentId(given) ? checkPaymentId(given) : randomHex(16);
  const handle = new RunningOperation<PaymentView, PaymentStep>(payment, async (paying) => {
    checkParameters(parameters);
    const { memo, id, signal: unchecked } = parameters;
    if (id !== undefined) checkPaymentId(id);
    const note = checkMemo(memo);
    const params = {
      payment,
      ...target(parameters),
      // A new random id was never used; looking for it among all payments would be in vain.
      again: id !== undefined,
      ...(note === undefined ? {} : { memo: note }),
      ...checkLimits(parameters),
    };
    const signal = checkLiveSignal(unchecked);
    context.assertUsable();
    context.payments.set(payment, paying);
    if ('channel' in params) paying.step(step('direct', undefined, undefined));
    try {
      const paid = await context.invoke(method, params, toPayment, signal, (by) => giveUp(context, payment, by));
      paying.step(step('paid', paid.amount, paid.fee));
      return paid;
    } finally {
      if (context.payments.get(payment) === paying) context.payments.delete(payment);
    }
  });
  return handle as RunningOperation<PaymentView, PaymentStep> & { readonly id: Hex };
}

async function giveUp(context: Context, payment: Hex, by: AbortSignal): Promise<ChitError> {
  const cancelled = await context
    .invoke('cancelPayment', { payment }, (answer) => answer !== false)
    .catch(() => false);
  return cancelled
    ? new ChitError('PAYMENT_CANCELLED', 'The payment was cancelled. Nothing was paid.', { details: { payment } })
    : aborted(by, { payment });
}

function step(stage: PaymentStep['stage'], amount: bigint | undefined, fee: bigint | undefined): PaymentStep {
  return Object.freeze({ stage, part: undefined, path: undefined, amount, fee, reason: undefined });
}

function checkTarget({ channel, to, token, request, amount }: PayTarget): object {
  if (request !== undefined) {
    if (channel !== undefined || to !== undefined || token !== undefined) {
      throw invalid('request', 'given without `channel`, `to` and `token`', request);
    }
    return checkRequestTarget({ request, amount });
  }
  if (channel !== undefined) {
    if (to !== undefined || token !== undefined) throw invalid('channel', 'given without `to` and `token`', channel);
    return { channel: checkChannel(channel), amount: checkAmount(amount) };
  }
  if (to === undefined) throw invalid('channel', 'a channel id, unless `to` and `token` are given', channel);
  return { to: checkAddress(to, 'to'), token: checkToken(token, 'token'), amount: checkAmount(amount) };
}

/** @internal A request and, where it leaves that open, the amount. */
export function checkRequestTarget({ request, amount }: { request: string; amount?: bigint | undefined }): object {
  return { request: checkRequest(request), ...(amount === undefined ? {} : { amount: checkAmount(amount) }) };
}
