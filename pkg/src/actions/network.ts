import type { Context } from '../context.js';
import { toNetwork } from '../convert.js';
import type { Address, NetworkView } from '../types.js';
import { checkLiveSignal, checkParameters, checkToken } from '../validate.js';

/** Parameters of {@link network}. */
export interface NetworkParameters {
  /** Only channels of this token, and what mediators take for it. */
  readonly token?: Address | undefined;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link network} resolves to. */
export type NetworkReturnType = NetworkView;

/**
 * Every wallet and open channel of the Judge, with what wallets announce of themselves. The first call reads the chain
 * from the Judge's beginning, which can take a while; from then on the client follows along, and `network` events say when
 * to ask again.
 */
export async function network(context: Context, parameters: NetworkParameters = {}): Promise<NetworkReturnType> {
  checkParameters(parameters);
  const token = parameters.token === undefined ? undefined : checkToken(parameters.token, 'token');
  const signal = checkLiveSignal(parameters.signal);
  return context.invoke('network', token === undefined ? {} : { token }, toNetwork, signal);
}
