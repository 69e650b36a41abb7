/** The entry for Node: reads the wasm file from disk, because `fetch` has no `file:` URLs there. */

import { createFactory, type ChannelClient, type CreateChannelClientParameters } from './client.js';
import { createLoader, fetchWasm } from './loader.js';
import * as glue from './wasm/chit.js';

export * from './api.js';

async function readUrl(url: string | URL): Promise<ArrayBuffer | ArrayBufferView<ArrayBuffer> | WebAssembly.Module> {
  if (!String(url).startsWith('file:')) return fetchWasm(url);
  const { readFile } = await import('node:fs/promises');
  return readFile(new URL(url));
}

const loader = /* @__PURE__ */ createLoader(glue, {
  defaults: [() => readUrl(new URL('./wasm/chit_bg.wasm', import.meta.url))],
  readUrl,
});

/** Starts a client for one account. See the default entry. */
export const createChannelClient: (parameters: CreateChannelClientParameters) => Promise<ChannelClient> =
  /* @__PURE__ */ createFactory(loader);
