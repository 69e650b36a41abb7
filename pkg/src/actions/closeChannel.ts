import type { Context } from '../context.js';
import { toChannel } from '../convert.js';
import type { Operation } from '../operation.js';
import type { ChannelView, Hex } from '../types.js';
import { checkBoolean, checkChannel, checkInteger, checkOneOf } from '../validate.js';

/** How to close: together with the partner, alone, or together first and alone if the partner is silent. */
export type CloseMode = 'auto' | 'cooperative' | 'unilateral';

const MODES: readonly CloseMode[] = ['auto', 'cooperative', 'unilateral'];

/** Parameters of {@link closeChannel}. */
export interface CloseChannelParameters {
  /** The channel's id. */
  readonly channel: Hex;
  /** How to close. Default `auto`. */
  readonly mode?: CloseMode | undefined;
  /** How long to wait for the partner's signature, in milliseconds. Default 20,000. */
  readonly timeout?: number | undefined;
  /**
   * Close alone although this client knows that it may be behind the partner, for example after its storage was lost
   * and the partner never came back. Payments it does not know of are then lost unless the partner brings them.
   */
  readonly force?: boolean | undefined;
  /** Ends the wait; a transaction that was sent stays sent. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link closeChannel} returns. */
export type CloseChannelReturnType = Operation<ChannelView>;

/**
 * Closes a channel. Together (`cooperative`) it is one transaction and both are paid at once: the channel is then
 * `settled`. Alone (`unilateral`) it starts the time in which the partner may answer: the channel is then `closing`,
 * and `settle` pays out when that time is over.
 *
 * Errors: `INVALID_ARGUMENT`, `UNKNOWN_CHANNEL`, `CHANNEL_CLOSING`, `STATE_BEHIND`, `PARTNER_OFFLINE`, `USER_REJECTED`,
 * `WRONG_CHAIN`, `INSUFFICIENT_FUNDS`, `REVERTED`, `PROVIDER_ERROR`, `TIMEOUT`, `ABORTED`.
 */
export function closeChannel(context: Context, parameters: CloseChannelParameters): CloseChannelReturnType {
  return context.operate(
    'closeChannel',
    parameters,
    ({ channel, mode = 'auto', timeout = 20_000, force }) => ({
      channel: checkChannel(channel),
      mode: checkOneOf(mode, 'mode', MODES),
      timeout: checkInteger(timeout, 'timeout', 1, 86_400_000),
      force: checkBoolean(force, 'force') ?? false,
    }),
    toChannel,
  );
}
