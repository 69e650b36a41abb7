/** The entry `@chit/client/http`: a client behind an HTTP interface, described by `@chit/client/openapi.json`. */

export type { HttpClient } from './client.js';
export { handle, type HandleOptions, type HttpCall } from './handle.js';
export type { HttpErrorCode } from './problems.js';
export { serveHttp, type ServeHttpOptions } from './serve.js';
