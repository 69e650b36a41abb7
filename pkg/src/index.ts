/**
 * The default entry: fetches the wasm file from beside this module. Where a bundler or server has lost it, as esbuild
 * does without a copy step, the inlined copy is used instead and the console says so.
 */

import { createFactory, type ChannelClient, type CreateChannelClientParameters } from './client.js';
import { inflate } from './inflate.js';
import { createLoader, fetchWasm } from './loader.js';
import * as glue from './wasm/chit.js';

export * from './api.js';

const loader = /* @__PURE__ */ createLoader(glue, {
  defaults: [
    () => fetchWasm(new URL('./wasm/chit_bg.wasm', import.meta.url)),
    async () => {
      console.warn(
        '@chit/client: chit_bg.wasm was not found beside the script, using the inlined copy. ' +
          'Copy it there, or import @chit/client/slim and pass `wasm`, to load it in parallel and cache it.',
      );
      return inflate((await import('./wasm/chit_inline.js')).default);
    },
  ],
});

/**
 * Starts a client for one account: loads the wasm core, reads what is stored, follows the chain and connects to the
 * relay. Everything given is checked before anything is loaded.
 *
 * Errors: `INVALID_ARGUMENT`, `WASM_LOAD_FAILED`, `ALREADY_OPEN`, `WRONG_CHAIN`, `PROVIDER_ERROR`, `STORAGE_LOST`,
 * `FATAL`, `ABORTED`.
 *
 * @example
 * import { createChannelClient, discoverWallets } from '@chit/client';
 *
 * const [{ provider }] = await discoverWallets();
 * const [wallet] = await provider.request({ method: 'eth_requestAccounts' });
 * await using client = await createChannelClient({ chainId, judge, fromBlock, relayUrl, provider, wallet });
 */
export const createChannelClient: (parameters: CreateChannelClientParameters) => Promise<ChannelClient> =
  /* @__PURE__ */ createFactory(loader);
