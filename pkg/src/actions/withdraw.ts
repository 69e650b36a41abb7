import type { Context } from '../context.js';
import { toChannel } from '../convert.js';
import type { Operation } from '../operation.js';
import type { ChannelView, Hex } from '../types.js';
import { checkAmount, checkChannel } from '../validate.js';

/** Parameters of {@link withdraw}. */
export interface WithdrawParameters {
  /** The channel's id. */
  readonly channel: Hex;
  /** What to take out, in base units. */
  readonly amount: bigint;
  /** Ends the wait; a transaction that was sent stays sent. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link withdraw} returns. */
export type WithdrawReturnType = Operation<ChannelView>;

/**
 * Takes tokens out of an open channel. Both sides sign, so the partner must be online.
 *
 * Errors: `INVALID_ARGUMENT`, `UNKNOWN_CHANNEL`, `INSUFFICIENT_CAPACITY`, `PARTNER_OFFLINE`, `CHANNEL_CLOSING`,
 * `CHANNEL_STOPPED`, `USER_REJECTED`, `WRONG_CHAIN`, `REVERTED`, `PROVIDER_ERROR`, `TIMEOUT`, `ABORTED`.
 */
export function withdraw(context: Context, parameters: WithdrawParameters): WithdrawReturnType {
  return context.operate(
    'withdraw',
    parameters,
    ({ channel, amount }) => ({ channel: checkChannel(channel), amount: checkAmount(amount) }),
    toChannel,
  );
}
