/**
 * Loads the wasm file once. Concurrent callers share one load; a failed load is forgotten, so the next call tries
 * again; a source that answers with something else than wasm (the usual index.html) is named instead of compiled.
 */

import type { CoreClass, Glue } from './core.js';
import { ChitError, invalid, isChitError } from './errors.js';

/** Where the wasm file may come from. */
export type WasmSource = string | URL | Response | ArrayBuffer | ArrayBufferView<ArrayBuffer> | WebAssembly.Module;

/** What can be handed to the generated module. */
export type WasmInput = ArrayBuffer | ArrayBufferView<ArrayBuffer> | WebAssembly.Module;

/** Gives out the core's class once the wasm file is running. */
export interface Loader {
  /** Loads from the given source, or from where the entry point expects the file. */
  load(source?: WasmSource): Promise<CoreClass>;
  /** The running instance hit a trap and must not be used again. */
  poison(error: ChitError): void;
}

/** Reads a file from a URL that `fetch` may not know, such as `file:` in Node. */
export type ReadUrl = (url: string | URL) => Promise<WasmInput>;

/** Options of {@link createLoader}. */
export interface LoaderOptions {
  /** Where to look when the caller names no source; tried in order. */
  readonly defaults?: readonly (() => Promise<WasmInput>)[];
  /** How URLs are read. */
  readonly readUrl?: ReadUrl;
}

/** Makes the loader of one entry point. */
export function createLoader(glue: Glue, options: LoaderOptions = {}): Loader {
  const { defaults = [], readUrl = fetchWasm } = options;
  let loading: Promise<CoreClass> | undefined;
  let poisoned: ChitError | undefined;

  async function start(source: WasmSource | undefined): Promise<CoreClass> {
    const input = source === undefined ? await firstOf(defaults) : await resolveSource(source, readUrl);
    try {
      await glue.default({ module_or_path: input });
    } catch (cause) {
      throw loadFailed(explain(cause), { cause });
    }
    return glue.ChitCore;
  }

  return {
    load(source) {
      if (poisoned) return Promise.reject(poisoned);
      loading ??= start(source).catch((error: unknown) => {
        loading = undefined;
        throw isChitError(error) ? error : loadFailed('The WebAssembly file could not be loaded.', { cause: error });
      });
      return loading;
    },
    poison(error) {
      poisoned = error;
    },
  };
}

/** Checks the form of a source before anything is loaded. */
export function checkWasmSource(value: unknown): WasmSource | undefined {
  if (
    value === undefined ||
    (typeof value === 'string' && value !== '') ||
    value instanceof URL ||
    value instanceof ArrayBuffer ||
    ArrayBuffer.isView(value) ||
    (typeof Response === 'function' && value instanceof Response) ||
    value instanceof WebAssembly.Module
  ) {
    return value;
  }
  throw invalid('wasm', 'a URL, a Response, bytes, or a WebAssembly.Module', value);
}

/** Fetches a wasm file; compiles while it arrives where the server says what it is. */
export async function fetchWasm(url: string | URL): Promise<WasmInput> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw loadFailed(`The WebAssembly file could not be fetched from ${String(url)}.`, {
      cause,
      details: { url: String(url) },
    });
  }
  return fromResponse(response);
}

async function resolveSource(source: WasmSource, readUrl: ReadUrl): Promise<WasmInput> {
  if (typeof source === 'string' || source instanceof URL) return readUrl(source);
  if (source instanceof WebAssembly.Module) return source;
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return checkMagic(source, {});
  return fromResponse(source);
}

async function fromResponse(response: Response): Promise<WasmInput> {
  const details = { url: response.url, status: response.status, type: response.headers.get('content-type') };
  if (!response.ok) {
    throw loadFailed(`The server answered ${response.status} for the WebAssembly file.`, { details });
  }
  try {
    // With any other type, parameters included, streaming fails after the body is gone; so it is checked first.
    if (details.type?.trim().toLowerCase() === 'application/wasm') {
      return await WebAssembly.compileStreaming(response);
    }
    return checkMagic(await response.arrayBuffer(), details);
  } catch (cause) {
    if (isChitError(cause)) throw cause;
    throw loadFailed(explain(cause), { cause, details });
  }
}

/** The four bytes that every wasm file starts with; anything else is an error page or a broken copy. */
function checkMagic<T extends ArrayBuffer | ArrayBufferView<ArrayBuffer>>(bytes: T, details: object): T {
  const view = ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
  if (view[0] === 0x00 && view[1] === 0x61 && view[2] === 0x73 && view[3] === 0x6d) return bytes;
  throw loadFailed('What was loaded is not a WebAssembly file, probably an HTML page: check the path.', {
    details: { ...details, bytes: view.length },
  });
}

async function firstOf(defaults: readonly (() => Promise<WasmInput>)[]): Promise<WasmInput> {
  let first: ChitError | undefined;
  for (const attempt of defaults) {
    try {
      return await attempt();
    } catch (error) {
      first ??= isChitError(error) ? error : loadFailed('The WebAssembly file could not be loaded.', { cause: error });
    }
  }
  throw (
    first ??
    new ChitError('NOT_INITIALIZED', 'This entry point has no WebAssembly file of its own: pass `wasm`.', {
      details: { parameter: 'wasm' },
    })
  );
}

function explain(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return /unsafe-eval|Content Security Policy/i.test(text)
    ? "The page's Content-Security-Policy forbids WebAssembly: add 'wasm-unsafe-eval' to script-src."
    : `The WebAssembly file could not be compiled: ${text}`;
}

function loadFailed(message: string, options: { cause?: unknown; details?: Record<string, unknown> }): ChitError {
  return new ChitError('WASM_LOAD_FAILED', message, options);
}
