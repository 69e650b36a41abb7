import type { Context } from '../context.js';
import { toChannel } from '../convert.js';
import type { Operation } from '../operation.js';
import type { ChannelView, Hex } from '../types.js';
import { checkBoolean, checkChannel } from '../validate.js';

/** Parameters of {@link settle}. */
export interface SettleParameters {
  /** The channel's id. */
  readonly channel: Hex;
  /** Claim also pending payments that cost more gas than they hold. Left out otherwise, with a `warning` event `LOCKS_LEFT`. */
  readonly force?: boolean | undefined;
  /** Ends the wait; a transaction that was sent stays sent. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link settle} returns. */
export type SettleReturnType = Operation<ChannelView>;

/**
 * Pays out both sides of a closed channel after its `challengeEnd`. Anybody may; the result is the same.
 *
 * Errors: `INVALID_ARGUMENT`, `UNKNOWN_CHANNEL`, `TOO_EARLY`, `NOTHING_TO_DO`, `NOT_WORTH_IT`, `BUSY`, `USER_REJECTED`, `WRONG_CHAIN`, `INSUFFICIENT_FUNDS`, `REVERTED`,
 * `PROVIDER_ERROR`, `ABORTED`.
 */
export function settle(context: Context, parameters: SettleParameters): SettleReturnType {
  return context.operate('settle', parameters, ({ channel, force }) => ({ channel: checkChannel(channel), force: checkBoolean(force, 'force') ?? false }), toChannel);
}
