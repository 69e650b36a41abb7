import type { Context } from '../context.js';
import { toChannel } from '../convert.js';
import type { Operation } from '../operation.js';
import type { ChannelView, Hex } from '../types.js';
import { checkAmount, checkChannel, checkInteger } from '../validate.js';

/** Parameters of {@link withdraw}. */
export interface WithdrawParameters {
  /** The channel's id. */
  readonly channel: Hex;
  /** What to take out, in base units. */
  readonly amount: bigint;
  /** How long to wait for the partner's signature, in milliseconds. Default 20,000. */
  readonly timeout?: number | undefined;
  /** Ends the wait; a transaction that was sent stays sent. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link withdraw} returns. */
export type WithdrawReturnType = Operation<ChannelView>;

/**
 * Takes tokens out of an open channel. Both sides sign, so the partner must be online.
 *
 * Errors: `INVALID_ARGUMENT`, `UNKNOWN_CHANNEL`, `INSUFFICIENT_CAPACITY`, `PARTNER_OFFLINE`, `CHANNEL_CLOSING`,
 * `CHANNEL_STOPPED`, `BUSY`, `DECLINED`, `USER_REJECTED`, `WRONG_CHAIN`, `REVERTED`, `PROVIDER_ERROR`, `TIMEOUT`, `ABORTED`.
 */
export function withdraw(context: Context, parameters: WithdrawParameters): WithdrawReturnType {
  return context.operate(
    'withdraw',
    parameters,
    ({ channel, amount, timeout = 20_000 }) => ({
      channel: checkChannel(channel),
      amount: checkAmount(amount),
      timeout: checkInteger(timeout, 'timeout', 1, 86_400_000),
    }),
    toChannel,
  );
}
