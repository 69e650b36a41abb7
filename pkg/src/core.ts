/** The boundary to the wasm core: amounts cross as decimal strings, everything else as plain JSON-like values. */

import type { Eip1193Provider } from './types.js';

/** What the core is opened with. */
export interface CoreConfig {
  readonly chainId: number;
  readonly judge: string;
  readonly fromBlock: string;
  readonly confirmations: number;
  readonly pollingInterval: number;
  readonly relayUrl: string;
  readonly wallet: string;
  readonly storageName?: string;
  /** What passing payments on costs: both or neither. */
  readonly mediateFlat?: string;
  readonly mediateProportional?: number;
}

/** One running core. */
export interface Core {
  invoke(method: string, params: object): Promise<unknown>;
  close(): Promise<void>;
}

/** The class that the wasm module exports. */
export interface CoreClass {
  open(config: CoreConfig, provider: Eip1193Provider, onEvent: (event: unknown) => void): Promise<Core>;
}

/** The generated module around the wasm file. */
export interface Glue {
  default(options: { module_or_path: BufferSource | WebAssembly.Module }): Promise<unknown>;
  readonly ChitCore: CoreClass;
}
