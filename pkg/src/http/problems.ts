/** Errors as HTTP answers: one body for all, and a status for every code. */

import { toChitError } from '../errors.js';
import { reply } from './json.js';

/** Codes of the HTTP interface itself, with their statuses. All other codes are those of `ChitError`. */
const OWN = {
  /** Reading and writing are for callers of the same origin that the page allows. */
  FORBIDDEN: 403,
  /** There is no such resource. */
  NOT_FOUND: 404,
  /** The resource has other methods; the `allow` header names them. */
  METHOD_NOT_ALLOWED: 405,
  /** Several wallets are open in this browser: say which with `?wallet=`. `details.wallets` names them. */
  AMBIGUOUS_WALLET: 409,
  /** The body is larger than 64 KiB. */
  TOO_LARGE: 413,
  /** Whatever changes something takes `content-type: application/json`. */
  UNSUPPORTED_MEDIA_TYPE: 415,
  /** The host of this interface has no such function. */
  NOT_IMPLEMENTED: 501,
  /** No tab runs a client, or none for the wallet that was asked for. */
  NO_CLIENT: 503,
  /** The tab went away before it answered. What was asked for may have happened. */
  CLIENT_GONE: 504,
} as const;

/** A code that only the HTTP interface answers with. */
export type HttpErrorCode = keyof typeof OWN;

/** The status of each code of `ChitError`; a test holds the list complete. */
export const STATUS: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  INVALID_REQUEST: 400,
  INSUFFICIENT_CAPACITY: 402,
  INSUFFICIENT_FUNDS: 402,
  NOT_AUTHORIZED: 403,
  UNAUTHORIZED: 403,
  USER_REJECTED: 403,
  UNKNOWN_CHANNEL: 404,
  UNKNOWN_PAYMENT: 404,
  UNKNOWN_REQUEST: 404,
  ABORTED: 408,
  APPROVAL_FAILED: 409,
  BUSY: 409,
  CHANNEL_CLOSING: 409,
  CHANNEL_NOT_OPEN: 409,
  CHANNEL_STOPPED: 409,
  DECLINED: 409,
  DUPLICATE_PAYMENT: 409,
  NOTHING_TO_DO: 409,
  NOT_WORTH_IT: 409,
  PAYMENT_CANCELLED: 409,
  PAYMENT_REFUSED: 409,
  REQUEST_EXPIRED: 409,
  REQUEST_PAID: 409,
  REQUEST_PENDING: 409,
  REVERTED: 409,
  STATE_BEHIND: 409,
  TOO_EARLY: 409,
  WRONG_CHAIN: 409,
  WRONG_SIGNER: 409,
  QUEUE_FULL: 429,
  INTERNAL: 500,
  INVALID_CALL: 500,
  STORAGE_CORRUPT: 500,
  UNSUPPORTED: 501,
  CHAIN_BAD_LOG: 502,
  CHAIN_BEHIND: 502,
  CHAIN_TOO_MANY_LOGS: 502,
  CHAIN_UNSTABLE: 502,
  PROVIDER_BAD_ANSWER: 502,
  PROVIDER_ERROR: 502,
  ALREADY_OPEN: 503,
  CLIENT_CLOSED: 503,
  FATAL: 503,
  LOCKS_UNAVAILABLE: 503,
  NOT_INITIALIZED: 503,
  PARTNER_OFFLINE: 503,
  PARTNER_UNKNOWN: 503,
  PROVIDER_DISCONNECTED: 503,
  STORAGE_FENCED: 503,
  STORAGE_LOST: 503,
  VAULT_LOCKED: 503,
  WASM_LOAD_FAILED: 503,
  // Sent, or perhaps sent: the caller must look before it tries again.
  OUTCOME_UNKNOWN: 504,
  TIMEOUT: 504,
  UNCONFIRMED: 504,
  STORAGE_FULL: 507,
};

/** An answer of the HTTP interface itself, thrown from wherever it is noticed. */
export class HttpProblem extends Error {
  readonly code: HttpErrorCode;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(
    code: HttpErrorCode,
    message: string,
    details?: Readonly<Record<string, unknown>>,
    headers?: Readonly<Record<string, string>>,
  ) {
    super(message);
    this.code = code;
    this.details = details;
    this.headers = headers;
  }
}

/** The answer for whatever was thrown. */
export function failure(thrown: unknown): Response {
  if (thrown instanceof HttpProblem) {
    const { code, message, details, headers } = thrown;
    return reply(OWN[code], { code, message, details, retryable: code === 'NO_CLIENT' }, headers);
  }
  const { code, shortMessage: message, details, retryable } = toChitError(thrown);
  return reply(STATUS[code] ?? 500, { code, message, details, retryable });
}
