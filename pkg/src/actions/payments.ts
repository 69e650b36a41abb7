import type { Context } from '../context.js';
import { toList, toPayment } from '../convert.js';
import type { Hex, PaymentView } from '../types.js';
import { checkChannel, checkInteger, checkLiveSignal, checkParameters, checkPaymentId } from '../validate.js';

/** Parameters of {@link payments}. */
export interface PaymentsParameters {
  /** Only those of this channel. */
  readonly channel?: Hex | undefined;
  /** How many at most, 1 to 1,000. Default 100. */
  readonly limit?: number | undefined;
  /** Only those older than the payment with this id: the last one of the page before. */
  readonly before?: Hex | undefined;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link payments} resolves to. */
export type PaymentsReturnType = readonly PaymentView[];

/**
 * Payments sent and received, newest first.
 *
 * Errors: `INVALID_ARGUMENT`, `UNKNOWN_CHANNEL`, `ABORTED`.
 */
export async function payments(context: Context, parameters: PaymentsParameters = {}): Promise<PaymentsReturnType> {
  checkParameters(parameters);
  const { channel, limit = 100, before } = parameters;
  const params = {
    ...(channel === undefined ? {} : { channel: checkChannel(channel) }),
    limit: checkInteger(limit, 'limit', 1, 1000),
    ...(before === undefined ? {} : { before: checkPaymentId(before, 'before') }),
  };
  const signal = checkLiveSignal(parameters.signal);
  return context.invoke('payments', params, (value) => toList(value, toPayment), signal);
}
