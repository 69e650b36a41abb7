/** The entry that refers to no file: the caller passes `wasm`. For extensions, strict hosting and pinned hashes. */

import { createFactory, type ChannelClient, type CreateChannelClientParameters } from './client.js';
import { createLoader } from './loader.js';
import * as glue from './wasm/chit.js';

export * from './api.js';

const loader = /* @__PURE__ */ createLoader(glue);

/**
 * Starts a client for one account: loads the wasm core, reads what is stored, follows the chain and connects to the
 * relay. Everything given is checked before anything is loaded.
 *
 * Errors: `INVALID_ARGUMENT`, `WASM_LOAD_FAILED`, `ALREADY_OPEN`, `WRONG_CHAIN`, `PROVIDER_ERROR`, `STORAGE_LOST`,
 * `FATAL`, `ABORTED`.
 *
 * @example
 * import { createChannelClient, discoverWallets } from '@chit/client/slim';
 * import wasm from '@chit/client/wasm?url'; // Vite; elsewhere any URL of the copied file
 *
 * const [{ provider }] = await discoverWallets();
 * const [wallet] = await provider.request({ method: 'eth_requestAccounts' });
 * await using client = await createChannelClient({ chainId, judge, fromBlock, relayUrl, provider, wallet, wasm });
 */
export const createChannelClient: (parameters: CreateChannelClientParameters) => Promise<ChannelClient> =
  /* @__PURE__ */ createFactory(loader);
