/** Checks of what callers pass in. They run before anything else, so a bad argument never changes a state. */

import { ChitError, aborted, invalid, toChitError } from './errors.js';
import { MAX_AMOUNT, MAX_MEMO_BYTES, NATIVE_TOKEN } from './types.js';
import type { Address, Eip1193Provider, Hex, HintedChannel } from './types.js';

/** Which ways a payment may take. */
export interface PaymentLimits {
  /** The most that all mediators together may get, in base units. */
  readonly maxFee?: bigint | undefined;
  /** The most parts at a time, 1 to 16. Default 16. */
  readonly maxParts?: number | undefined;
  /** Accounts that must not pass it on. */
  readonly exclude?: readonly Address[] | undefined;
  /** Channels that the client would not find by itself. */
  readonly hints?: readonly HintedChannel[] | undefined;
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const HEX_32 = /^0x[0-9a-fA-F]{64}$/;
const HEX_16 = /^0x[0-9a-fA-F]{32}$/;

/** The parameters object itself. */
export function checkParameters(value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('parameters', 'an object with named parameters', value);
  }
}

/** An address other than zero. The core checks the checksum of mixed-case addresses. */
export function checkAddress(value: unknown, parameter: string): Address {
  const address = checkToken(value, parameter);
  if (address.toLowerCase() === NATIVE_TOKEN) throw invalid(parameter, 'an address other than zero', value);
  return address;
}

/** An address; zero stands for the native coin. */
export function checkToken(value: unknown, parameter: string): Address {
  if (typeof value !== 'string' || !ADDRESS.test(value)) {
    throw invalid(parameter, 'an address: 0x and 40 hex digits', value);
  }
  return value as Address;
}

/** A channel's id. */
export function checkChannel(value: unknown): Hex {
  if (typeof value !== 'string' || !HEX_32.test(value)) {
    throw invalid('channel', 'a channel id: 0x and 64 hex digits', value);
  }
  return value.toLowerCase() as Hex;
}

/** A channel's salt, as the 32 bytes that cross into the core. */
export function checkSalt(value: unknown): Hex {
  if (typeof value !== 'bigint' || value < 0n || value >= 1n << 64n) {
    throw invalid('salt', 'a bigint between 0 and 2^64 - 1', value);
  }
  return `0x${value.toString(16).padStart(64, '0')}`;
}

/** Whether something is a payment's id. */
export function isPaymentId(value: unknown): value is string {
  return typeof value === 'string' && HEX_16.test(value);
}

/** A payment's id. */
export function checkPaymentId(value: unknown, parameter = 'id'): Hex {
  if (!isPaymentId(value)) {
    throw invalid(parameter, 'a payment id: 0x and 32 hex digits', value);
  }
  return value.toLowerCase() as Hex;
}

/** A request's id. */
export function checkRequestId(value: unknown, parameter = 'id'): Hex {
  if (typeof value !== 'string' || !HEX_32.test(value)) {
    throw invalid(parameter, 'a request id: 0x and 64 hex digits', value);
  }
  return value.toLowerCase() as Hex;
}

/** What a request is for: not the empty text, which would look like none. */
export function checkRequestMemo(value: unknown): string | undefined {
  if (value === '') throw invalid('memo', 'left out or not empty', value);
  return checkMemo(value);
}

/** An amount in base units, as the decimal string that crosses into the core. */
export function checkAmount(value: unknown, parameter = 'amount'): string {
  if (typeof value !== 'bigint') throw invalid(parameter, 'a bigint in base units', value);
  if (value <= 0n || value > MAX_AMOUNT) throw invalid(parameter, 'between 1 and 2^128 - 1', value);
  return value.toString();
}

/** A note to the payee. */
export function checkMemo(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw invalid('memo', 'a string', value);
  // A lone surrogate would silently become U+FFFD on its way into the core.
  if (/\p{Surrogate}/u.test(value)) throw invalid('memo', 'well-formed Unicode', value);
  if (new TextEncoder().encode(value).length > MAX_MEMO_BYTES) {
    throw invalid('memo', `at most ${MAX_MEMO_BYTES} bytes of UTF-8`, value);
  }
  return value;
}

/** An integer in a range. */
export function checkInteger(value: unknown, parameter: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
    throw invalid(parameter, `an integer between ${min} and ${max}`, value);
  }
  return value;
}

/** The most fee that may be paid, as a decimal string, or left out; zero is an answer. */
export function checkMaxFee(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return value === 0n ? '0' : checkAmount(value, 'maxFee');
}

function checkEach<T>(value: unknown, parameter: string, most: number, check: (item: unknown) => T): readonly T[] {
  if (!Array.isArray(value) || value.length > most) throw invalid(parameter, `a list of at most ${most}`, value);
  return value.map((item) => check(item));
}

/** Which ways a payment may take, as they cross into the core. */
export function checkLimits({ maxFee, maxParts, exclude, hints }: PaymentLimits): object {
  const fee = checkMaxFee(maxFee);
  return {
    ...(fee === undefined ? {} : { maxFee: fee }),
    ...(maxParts === undefined ? {} : { maxParts: checkInteger(maxParts, 'maxParts', 1, 16) }),
    ...(exclude === undefined
      ? {}
      : { exclude: checkEach(exclude, 'exclude', 1000, (item) => checkAddress(item, 'exclude')) }),
    ...(hints === undefined ? {} : { hints: checkEach(hints, 'hints', 100, checkHint) }),
  };
}

function checkHint(value: unknown): object {
  if (typeof value !== 'object' || value === null) throw invalid('hints', 'a list of channels', value);
  const { channel, from, to, capacity, flat = 0n, proportional = 0 } = value as HintedChannel;
  try {
    return {
      channel: checkChannel(channel),
      from: checkAddress(from, 'from'),
      to: checkAddress(to, 'to'),
      capacity: checkAmount(capacity, 'capacity'),
      flat: (flat as unknown) === 0n ? '0' : checkAmount(flat, 'flat'),
      proportional: checkInteger(proportional, 'proportional', 0, 0xffff_ffff),
    };
  } catch (error) {
    throw invalid('hints', `channels that make sense (${toChitError(error).shortMessage})`, value);
  }
}

/** True or false, or left out. */
export function checkBoolean(value: unknown, parameter: string): boolean | undefined {
  if (value !== undefined && typeof value !== 'boolean') throw invalid(parameter, 'a boolean', value);
  return value;
}

/** A signal, or left out. */
export function checkSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined;
  const isSignal =
    typeof value === 'object' &&
    value !== null &&
    'aborted' in value &&
    typeof value.aborted === 'boolean' &&
    'addEventListener' in value &&
    typeof value.addEventListener === 'function';
  if (!isSignal) throw invalid('signal', 'an AbortSignal', value);
  return value as AbortSignal;
}

/** A signal, or left out; throws when it has already fired. */
export function checkLiveSignal(value: unknown): AbortSignal | undefined {
  const signal = checkSignal(value);
  if (signal?.aborted) throw aborted(signal);
  return signal;
}

/** An EIP-1193 provider. */
export function checkProvider(value: unknown): Eip1193Provider {
  if (typeof value !== 'object' || value === null || typeof (value as { request?: unknown }).request !== 'function') {
    throw invalid('provider', 'an EIP-1193 provider with a request function', value);
  }
  return value as Eip1193Provider;
}

/** A relay's address. */
export function checkRelayUrl(value: unknown): string {
  if (typeof value === 'string') {
    try {
      const { protocol } = new URL(value);
      if (protocol === 'ws:' || protocol === 'wss:') return value;
    } catch {
      // reported below
    }
  }
  throw invalid('relayUrl', 'a ws: or wss: URL', value);
}

/** A name that separates clients of one account, or left out. */
export function checkStorageName(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '' || value.length > 64) {
    throw invalid('storageName', 'a string of 1 to 64 characters', value);
  }
  return value;
}

/** What passing payments on costs, as it crosses into the core; nothing when none are passed on. */
export function checkMediation(value: unknown): { mediateFlat?: string; mediateProportional?: number } {
  if (value === undefined || value === false) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('mediate', 'an object with flat and proportional, or false', value);
  }
  const { flat = 0n, proportional = 0 } = value as { flat?: unknown; proportional?: unknown };
  if (typeof flat !== 'bigint' || flat < 0n || flat > MAX_AMOUNT) {
    throw invalid('mediate', 'a flat fee as a bigint between 0 and 2^128 - 1', flat);
  }
  return { mediateFlat: flat.toString(), mediateProportional: checkInteger(proportional, 'mediate', 0, 1_000_000) };
}

/** A function. */
export function checkListener(value: unknown, parameter = 'listener'): void {
  if (typeof value !== 'function') throw invalid(parameter, 'a function', value);
}

/** One of a few words. */
export function checkOneOf<T extends string>(value: unknown, parameter: string, words: readonly T[]): T {
  if (typeof value !== 'string' || !(words as readonly string[]).includes(value)) {
    throw invalid(parameter, `one of ${words.map((word) => `'${word}'`).join(', ')}`, value);
  }
  return value as T;
}

/** The core sent something that this version does not understand. */
export function malformed(what: string, value: unknown): ChitError {
  return new ChitError('INTERNAL', `The core sent a malformed ${what}.`, { details: { value } });
}
