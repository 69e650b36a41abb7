/** The module that wasm-bindgen writes beside the wasm file; this declares the part of it that is used. */
import type { CoreClass } from '../core.js';

export default function init(options: { module_or_path: BufferSource | WebAssembly.Module }): Promise<unknown>;
export const ChitCore: CoreClass;
