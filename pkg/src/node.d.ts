/** The one function of Node that is used; the package itself has no dependency on Node's types. */
declare module 'node:fs/promises' {
  export function readFile(path: URL): Promise<Uint8Array<ArrayBuffer>>;
}
