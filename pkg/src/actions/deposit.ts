import type { Context } from '../context.js';
import { toChannel } from '../convert.js';
import type { Operation } from '../operation.js';
import type { ChannelView, Hex } from '../types.js';
import { checkAmount, checkChannel } from '../validate.js';

/** Parameters of {@link deposit}. */
export interface DepositParameters {
  /** The channel's id. */
  readonly channel: Hex;
  /** What to add, in base units. */
  readonly amount: bigint;
  /** Ends the wait; a transaction that was sent stays sent. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link deposit} returns. */
export type DepositReturnType = Operation<ChannelView>;

/**
 * Adds to this side's deposit. Resolves when the deposit has enough confirmations to be paid with.
 *
 * Errors: `INVALID_ARGUMENT`, `UNKNOWN_CHANNEL`, `CHANNEL_CLOSING`, `CHANNEL_STOPPED`, `USER_REJECTED`, `WRONG_CHAIN`,
 * `INSUFFICIENT_FUNDS`, `REVERTED`, `PROVIDER_ERROR`, `ABORTED`.
 */
export function deposit(context: Context, parameters: DepositParameters): DepositReturnType {
  return context.operate(
    'deposit',
    parameters,
    ({ channel, amount }) => ({ channel: checkChannel(channel), amount: checkAmount(amount) }),
    toChannel,
  );
}
