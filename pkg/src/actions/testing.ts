/** Ways to misbehave, for demos and tests. */

import type { Context } from '../context.js';
import { toChannel } from '../convert.js';
import type { Operation } from '../operation.js';
import type { ChannelView, Hex } from '../types.js';
import { invalid } from '../errors.js';
import { checkChannel, checkParameters } from '../validate.js';

/** Parameters of {@link setOffline}. */
export interface SetOfflineParameters {
  /** Whether to cut this client off from the relay. */
  readonly offline: boolean;
}

/** Parameters of {@link closeWithOldProof}. */
export interface CloseWithOldProofParameters {
  /** The channel's id. */
  readonly channel: Hex;
  /** Ends the wait; a transaction that was sent stays sent. */
  readonly signal?: AbortSignal | undefined;
}

/** Cuts this client off from the relay, or lets it return. */
export async function setOffline(context: Context, parameters: SetOfflineParameters): Promise<void> {
  checkParameters(parameters);
  if (typeof parameters.offline !== 'boolean') throw invalid('offline', 'a boolean', parameters.offline);
  return context.invoke('debugOffline', { offline: parameters.offline }, () => undefined);
}

/** Makes this client refuse every payment that it is to pass on, or no more. */
export async function refuse(context: Context, on: boolean): Promise<void> {
  if (typeof on !== 'boolean') throw invalid('on', 'a boolean', on);
  return context.invoke('debugRefuse', { on }, () => undefined);
}

/**
 * Closes a channel alone and brings an old proof instead of the newest: what a cheat would do. It can only lose. The
 * partner is asked to answer, and is then paid in full.
 */
export function closeWithOldProof(context: Context, parameters: CloseWithOldProofParameters): Operation<ChannelView> {
  return context.operate(
    'debugCloseWithOldProof',
    parameters,
    ({ channel }) => ({ channel: checkChannel(channel) }),
    toChannel,
  );
}

/** Parameters of {@link revealOnChain}. */
export interface RevealOnChainParameters {
  /** The channel's id. */
  readonly channel: Hex;
  /** Ends the wait; a transaction that was sent stays sent. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Registers the secrets of the partner's unpaid locks on the chain now, instead of shortly before they end, which the client
 * does by itself. `NOTHING_TO_DO` when no secret of such a lock is known.
 */
export function revealOnChain(context: Context, parameters: RevealOnChainParameters): Operation<ChannelView> {
  return context.operate('revealOnChain', parameters, ({ channel }) => ({ channel: checkChannel(channel) }), toChannel);
}
