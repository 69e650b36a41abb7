import type { Context } from '../context.js';
import { toChannel } from '../convert.js';
import type { Operation } from '../operation.js';
import type { ChannelView, Hex } from '../types.js';
import { checkChannel } from '../validate.js';

/** Parameters of {@link respond}. */
export interface RespondParameters {
  /** The channel's id. */
  readonly channel: Hex;
  /** Ends the wait; a transaction that was sent stays sent. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link respond} returns. */
export type RespondReturnType = Operation<ChannelView>;

/**
 * Answers a partner's close with the newest proof that this side holds. Call it when `actionRequired` is `respond`,
 * before the deadline: whatever the partner left out is then counted.
 *
 * Errors: `INVALID_ARGUMENT`, `UNKNOWN_CHANNEL`, `NOTHING_TO_DO`, `USER_REJECTED`, `WRONG_CHAIN`, `INSUFFICIENT_FUNDS`, `REVERTED`,
 * `PROVIDER_ERROR`, `ABORTED`.
 */
export function respond(context: Context, parameters: RespondParameters): RespondReturnType {
  return context.operate('respond', parameters, ({ channel }) => ({ channel: checkChannel(channel) }), toChannel);
}
