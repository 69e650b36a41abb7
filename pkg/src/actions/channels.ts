import type { Context } from '../context.js';
import { toChannel, toList } from '../convert.js';
import type { ChannelView } from '../types.js';
import { checkLiveSignal, checkParameters } from '../validate.js';

/** Parameters of {@link channels}. */
export interface ChannelsParameters {
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link channels} resolves to. */
export type ChannelsReturnType = readonly ChannelView[];

/** All channels of this account that this client knows, settled ones included. Reads storage, not the chain. */
export async function channels(context: Context, parameters: ChannelsParameters = {}): Promise<ChannelsReturnType> {
  checkParameters(parameters);
  const signal = checkLiveSignal(parameters.signal);
  return context.invoke('channels', {}, (value) => toList(value, toChannel), signal);
}
