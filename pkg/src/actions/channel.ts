import type { Context } from '../context.js';
import { toChannel } from '../convert.js';
import type { ChannelView, Hex } from '../types.js';
import { checkChannel, checkLiveSignal, checkParameters } from '../validate.js';

/** Parameters of {@link channel}. */
export interface ChannelParameters {
  /** The channel's id. */
  readonly channel: Hex;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link channel} resolves to. */
export type ChannelReturnType = ChannelView;

/**
 * One channel.
 *
 * Errors: `INVALID_ARGUMENT`, `UNKNOWN_CHANNEL`, `ABORTED`.
 */
export async function channel(context: Context, parameters: ChannelParameters): Promise<ChannelReturnType> {
  checkParameters(parameters);
  const params = { channel: checkChannel(parameters.channel) };
  return context.invoke('channel', params, toChannel, checkLiveSignal(parameters.signal));
}
