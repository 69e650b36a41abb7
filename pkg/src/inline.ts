/** The entry without any asset: the wasm file is inside. A third larger, and always found. */

import { createFactory, type ChannelClient, type CreateChannelClientParameters } from './client.js';
import { inflate } from './inflate.js';
import { createLoader } from './loader.js';
import * as glue from './wasm/chit.js';
import deflated from './wasm/chit_inline.js';

export * from './api.js';

const loader = /* @__PURE__ */ createLoader(glue, { defaults: [() => inflate(deflated)] });

/**
 * Starts a client for one account: loads the wasm core, reads what is stored, follows the chain and connects to the
 * relay. Everything given is checked before anything is loaded.
 *
 * Errors: `INVALID_ARGUMENT`, `WASM_LOAD_FAILED`, `ALREADY_OPEN`, `WRONG_CHAIN`, `PROVIDER_ERROR`, `STORAGE_LOST`,
 * `FATAL`, `ABORTED`.
 *
 * @example
 * import { createChannelClient, discoverWallets } from '@chit/client/inline';
 *
 * const [{ provider }] = await discoverWallets();
 * const [wallet] = await provider.request({ method: 'eth_requestAccounts' });
 * await using client = await createChannelClient({ chainId, judge, fromBlock, relayUrl, provider, wallet });
 */
export const createChannelClient: (parameters: CreateChannelClientParameters) => Promise<ChannelClient> =
  /* @__PURE__ */ createFactory(loader);
