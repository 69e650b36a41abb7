/** The one error class of this package and its stable codes. */

/**
 * Every code that a {@link ChitError} can carry. Branch on the code, never on the message: messages may be reworded,
 * codes are part of the API.
 */
export const ErrorCode = {
  /** A parameter has the wrong type or is out of range. Nothing was sent. `details.parameter` names it. */
  INVALID_ARGUMENT: 'INVALID_ARGUMENT',
  /** `@chit/client/slim` was used without a `wasm` source, or the core is not loaded yet. */
  NOT_INITIALIZED: 'NOT_INITIALIZED',
  /** The client was closed, or closed while the call was waiting. Create a new client. */
  CLIENT_CLOSED: 'CLIENT_CLOSED',
  /** This account has no channel with that id, or none of that token. */
  UNKNOWN_CHANNEL: 'UNKNOWN_CHANNEL',
  /** The transaction that opened the channel has too few confirmations yet. */
  CHANNEL_NOT_OPEN: 'CHANNEL_NOT_OPEN',
  /** The amount is more than this side can still pay or withdraw, or than the payee can receive. `details.available` says how much it is. */
  INSUFFICIENT_CAPACITY: 'INSUFFICIENT_CAPACITY',
  /** Too many payments wait for the partner already. Submit more when some are settled. */
  QUEUE_FULL: 'QUEUE_FULL',
  /** The partner is not connected, so nobody can sign on the other side. Retry when it is back. */
  PARTNER_OFFLINE: 'PARTNER_OFFLINE',
  /** No key of the partner is known: it has neither authorized a client that is online nor delegated on chain. */
  PARTNER_UNKNOWN: 'PARTNER_UNKNOWN',
  /** The wallet has not named this browser's key, so what it signs would not count. Call `authorize` first. */
  NOT_AUTHORIZED: 'NOT_AUTHORIZED',
  /** The channel is being closed or is closed; it takes no payments. */
  CHANNEL_CLOSING: 'CHANNEL_CLOSING',
  /** The channel is stopped because two sources of truth contradict each other. `details` says which. */
  CHANNEL_STOPPED: 'CHANNEL_STOPPED',
  /** The partner holds a newer state than this client. It signs nothing until it has caught up. */
  STATE_BEHIND: 'STATE_BEHIND',
  /** The partner refused the payment and stored nothing. `details.reason` says why. */
  PAYMENT_REFUSED: 'PAYMENT_REFUSED',
  /** The payment was cancelled before it was signed. Nothing was paid. */
  PAYMENT_CANCELLED: 'PAYMENT_CANCELLED',
  /** No payment with that id is waiting. */
  UNKNOWN_PAYMENT: 'UNKNOWN_PAYMENT',
  /** A payment with that id was submitted before. It is paid once. */
  DUPLICATE_PAYMENT: 'DUPLICATE_PAYMENT',
  /** The text is not a request that counts on this chain and this Judge. */
  INVALID_REQUEST: 'INVALID_REQUEST',
  /** No request with that id was made or paid here. */
  UNKNOWN_REQUEST: 'UNKNOWN_REQUEST',
  /** The request was paid from here already. It is paid once. */
  REQUEST_PAID: 'REQUEST_PAID',
  /** The request is being paid from here already. */
  REQUEST_PENDING: 'REQUEST_PENDING',
  /** The request can no longer be paid. */
  REQUEST_EXPIRED: 'REQUEST_EXPIRED',
  /** No way to the payee is known over which anything could go: it may be away, or the mediators are. */
  NO_ROUTE: 'NO_ROUTE',
  /** Every way costs more than `maxFee`. `details.fee` is what the one that was found costs. */
  FEE_TOO_HIGH: 'FEE_TOO_HIGH',
  /** The payment was tried and failed on its way. Nothing was paid. `details.reason` is the last refusal. */
  PAYMENT_FAILED: 'PAYMENT_FAILED',
  /** A mediator did not take a payment on. */
  LOCK_REFUSED: 'LOCK_REFUSED',
  /** Another withdrawal or close of the channel is under way. */
  BUSY: 'BUSY',
  /** The partner declined to sign a withdrawal or a close. */
  DECLINED: 'DECLINED',
  /** There is no newer proof to answer with, or nothing to pay out. */
  NOTHING_TO_DO: 'NOTHING_TO_DO',
  /** All that is left to claim costs more gas than it holds; `settle` with `force` claims it all the same. */
  NOT_WORTH_IT: 'NOT_WORTH_IT',
  /** The time for answers to a close is not over. */
  TOO_EARLY: 'TOO_EARLY',
  /** The person said no in the wallet. */
  USER_REJECTED: 'USER_REJECTED',
  /** The wallet does not share the account with this page. Ask it with `eth_requestAccounts`. */
  UNAUTHORIZED: 'UNAUTHORIZED',
  /** The wallet is connected to another chain than the client was created for. */
  WRONG_CHAIN: 'WRONG_CHAIN',
  /** The wallet holds too little of the token, or too little to pay for gas. */
  INSUFFICIENT_FUNDS: 'INSUFFICIENT_FUNDS',
  /** The transaction was, or would be, reverted. `details.reason` is the contract's error where it is known. */
  REVERTED: 'REVERTED',
  /** The token does not let the Judge take the deposit although it was approved. */
  APPROVAL_FAILED: 'APPROVAL_FAILED',
  /** The wallet's signature is not by the account that was asked, as with contract wallets. */
  WRONG_SIGNER: 'WRONG_SIGNER',
  /** The wallet is not connected to any chain. */
  PROVIDER_DISCONNECTED: 'PROVIDER_DISCONNECTED',
  /** The wallet does not know a request that is needed. */
  UNSUPPORTED: 'UNSUPPORTED',
  /** A transaction was sent and not mined in time. It may still be: do not send another, watch the channel. */
  UNCONFIRMED: 'UNCONFIRMED',
  /** Whether a transaction was sent is not known. Do not send another; the channel tells what happened. */
  OUTCOME_UNKNOWN: 'OUTCOME_UNKNOWN',
  /** A call to the Judge contradicts itself. A defect; please report it. */
  INVALID_CALL: 'INVALID_CALL',
  /** The wallet or its node answered something that its specification does not allow. */
  PROVIDER_BAD_ANSWER: 'PROVIDER_BAD_ANSWER',
  /** The node answered events that the Judge cannot have made. It is not believed. */
  CHAIN_BAD_LOG: 'CHAIN_BAD_LOG',
  /** One block has more events than the node gives out. */
  CHAIN_TOO_MANY_LOGS: 'CHAIN_TOO_MANY_LOGS',
  /** The node's answers contradict each other. The next look at the chain may succeed. */
  CHAIN_UNSTABLE: 'CHAIN_UNSTABLE',
  /** The node is behind what was confirmed before. */
  CHAIN_BEHIND: 'CHAIN_BEHIND',
  /** The wallet or its node failed in a way that no other code describes. */
  PROVIDER_ERROR: 'PROVIDER_ERROR',
  /** The browser has no room left for the proofs. Nothing was signed that is not stored. */
  STORAGE_FULL: 'STORAGE_FULL',
  /** The browser's storage failed or was taken away. Reopen the client: it reads everything again. */
  STORAGE_LOST: 'STORAGE_LOST',
  /** What is stored cannot be read back. Nothing is signed from it. */
  STORAGE_CORRUPT: 'STORAGE_CORRUPT',
  /** Another client took over this account's storage. This one stopped writing and must be closed. */
  STORAGE_FENCED: 'STORAGE_FENCED',
  /** Another tab or client of this browser already runs this account. Only one may sign. */
  ALREADY_OPEN: 'ALREADY_OPEN',
  /** This browser has no Web Locks, so nothing could keep two tabs from signing for one account. */
  LOCKS_UNAVAILABLE: 'LOCKS_UNAVAILABLE',
  /** The session key in the browser's storage cannot be unsealed. */
  VAULT_LOCKED: 'VAULT_LOCKED',
  /** Something that was waited for did not happen in time. It may still happen. */
  TIMEOUT: 'TIMEOUT',
  /** The caller's `AbortSignal` ended the wait. What had already been started goes on. */
  ABORTED: 'ABORTED',
  /** The WebAssembly file could not be fetched or compiled. `cause` and `details` say why; calling again retries. */
  WASM_LOAD_FAILED: 'WASM_LOAD_FAILED',
  /** The core hit a bug and stopped for safety. All that was acknowledged is stored: reload the page. */
  FATAL: 'FATAL',
  /** An error without a known code. `cause` is the original. Please report it. */
  INTERNAL: 'INTERNAL',
} as const;

/** A stable identifier of what went wrong; see {@link ErrorCode} for the meaning of each. */
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** Codes for which the same call may succeed later without a change by the caller. */
const RETRYABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CHANNEL_NOT_OPEN',
  'QUEUE_FULL',
  'NO_ROUTE',
  'PAYMENT_FAILED',
  'PARTNER_OFFLINE',
  'PARTNER_UNKNOWN',
  'BUSY',
  'DECLINED',
  'TOO_EARLY',
  'STATE_BEHIND',
  'TIMEOUT',
  'WASM_LOAD_FAILED',
  'ALREADY_OPEN',
]);

/** What {@link ChitError} is made from. */
export interface ChitErrorOptions {
  /** Facts for programs: which parameter, which amount. */
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  /** Whether the same call may succeed later. The default depends on the code. */
  readonly retryable?: boolean | undefined;
  /** The error underneath. */
  readonly cause?: unknown;
}

/**
 * What every function of this package throws or rejects with.
 *
 * @example
 * import { ErrorCode, isChitError } from '@chit/client';
 *
 * try {
 *   await client.pay({ channel, amount: 1n });
 * } catch (error) {
 *   if (isChitError(error) && error.code === ErrorCode.PARTNER_OFFLINE) showOffline();
 *   else throw error;
 * }
 */
export class ChitError extends Error {
  override readonly name = 'ChitError';
  /** What went wrong; stable across versions. */
  readonly code: ErrorCode;
  /** One sentence for people, without the code. */
  readonly shortMessage: string;
  /** Facts for programs; which ones depends on the code. */
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** Whether the same call may succeed later without a change. */
  readonly retryable: boolean;

  constructor(code: ErrorCode, shortMessage: string, options: ChitErrorOptions = {}) {
    super(`${shortMessage} (${code})`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.shortMessage = shortMessage;
    this.details = options.details;
    this.retryable = options.retryable ?? RETRYABLE.has(code);
  }

  /** A plain object for logs and `postMessage`; the cause is left out because it may not be cloneable. */
  toJSON(): { name: string; code: ErrorCode; message: string; details?: unknown; retryable: boolean } {
    const { name, code, shortMessage: message, details, retryable } = this;
    return details === undefined ? { name, code, message, retryable } : { name, code, message, details, retryable };
  }
}

/** Whether a value is a {@link ChitError}, also when it comes from another realm or another copy of this package. */
export function isChitError(value: unknown): value is ChitError {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as { name?: unknown }).name === 'ChitError' &&
    isErrorCode((value as { code?: unknown }).code)
  );
}

/** Whether a value is a code that this version knows. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ErrorCode, value);
}

/** @internal A parameter is wrong. */
export function invalid(parameter: string, expected: string, received?: unknown): ChitError {
  return new ChitError('INVALID_ARGUMENT', `\`${parameter}\` must be ${expected}.`, {
    details: { parameter, expected, received: describe(received) },
  });
}

/** @internal The caller ended the wait. */
export function aborted(signal: AbortSignal, details?: Readonly<Record<string, unknown>>): ChitError {
  return new ChitError('ABORTED', 'The wait was aborted by the caller.', { details, cause: signal.reason });
}

/** @internal Turns whatever the core or the page threw into a {@link ChitError}; codes pass through 1:1. */
export function toChitError(thrown: unknown): ChitError {
  if (thrown instanceof ChitError) return thrown;
  if (isTrap(thrown)) {
    return new ChitError('FATAL', 'The core stopped after a bug. Reload the page; nothing acknowledged is lost.', {
      cause: thrown,
    });
  }
  const shape: { code?: unknown; message?: unknown; details?: unknown; retryable?: unknown } =
    typeof thrown === 'object' && thrown !== null ? thrown : {};
  const message = typeof shape.message === 'string' && shape.message !== '' ? shape.message : String(thrown);
  const details = isRecord(shape.details) ? shape.details : undefined;
  const retryable = typeof shape.retryable === 'boolean' ? shape.retryable : undefined;
  if (isErrorCode(shape.code)) return new ChitError(shape.code, message, { details, retryable, cause: thrown });
  return new ChitError('INTERNAL', message, {
    details: { ...details, ...(shape.code === undefined ? {} : { code: shape.code }) },
    retryable,
    cause: thrown,
  });
}

function isTrap(thrown: unknown): boolean {
  return typeof WebAssembly === 'object' && thrown instanceof WebAssembly.RuntimeError;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A short text of what was received, safe to put into a log: long values are cut, functions are not called. */
function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
    case 'bigint':
      return `${value}n`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? 'array' : 'object';
    default:
      return typeof value;
  }
}
