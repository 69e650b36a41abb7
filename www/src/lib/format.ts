/** Amounts, addresses and times in words. Amounts are never floating point numbers. */

import type { Address } from '@chit/client';

/** A token as the page shows it. */
export interface Token {
  readonly address: Address;
  readonly symbol: string;
  readonly decimals: number;
}

/** Base units as a decimal number with grouped digits; at most `places` decimals, cut and not rounded. */
export function formatUnits(value: bigint, decimals: number, places = 6): string {
  const digits = value.toString().padStart(decimals + 1, '0');
  const whole = BigInt(digits.slice(0, digits.length - decimals)).toLocaleString('en-US');
  const fraction = digits
    .slice(digits.length - decimals)
    .slice(0, places)
    .replace(/0+$/, '');
  if (fraction === '' && whole === '0' && value > 0n) return `<0.${'0'.repeat(places - 1)}1`;
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** An amount with its symbol. */
export function formatAmount(value: bigint, token: Token): string {
  return `${formatUnits(value, token.decimals)} ${token.symbol}`;
}

/** Reads what a person typed; `undefined` when it is not an amount above zero or has too many decimals. */
export function parseUnits(text: string, decimals: number): bigint | undefined {
  const match = /^([0-9]{1,30})?(?:\.([0-9]*))?$/.exec(text.trim().replaceAll(',', ''));
  if (!match || (match[1] === undefined && !match[2])) return undefined;
  const fraction = match[2] ?? '';
  if (fraction.length > decimals) return undefined;
  const value = BigInt((match[1] ?? '0') + fraction.padEnd(decimals, '0'));
  return value > 0n ? value : undefined;
}

/** The ends of an address. */
export function short(address: string): string {
  return `${address.slice(0, 6)}…${address.slice(-4)}`;
}

/** Whether two addresses are the same, whatever their case. */
export function same(a: string | undefined, b: string | undefined): boolean {
  return a !== undefined && b !== undefined && a.toLowerCase() === b.toLowerCase();
}

/** Unix seconds as a time of day. */
export function clock(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

/** A duration for a countdown. */
export function countdown(seconds: number): string {
  const left = Math.max(0, Math.ceil(seconds));
  if (left < 60) return `${left} s`;
  if (left < 3600) return `${Math.floor(left / 60)} min ${left % 60} s`;
  return `${Math.floor(left / 3600)} h ${Math.floor((left % 3600) / 60)} min`;
}

/** A duration that was measured. */
export function elapsed(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
