/** Requests to be paid as text: `chit:` and the request's bytes in base64url, as they stand in links and QR codes. */

import { invalid } from './errors.js';
import type { Address, Hex, Receipt } from './types.js';

const SCHEME = 'chit:';
/** The core reads no longer ones. */
const MAX_REQUEST_BYTES = 1_280;
const MAX_DIGITS = Math.ceil((MAX_REQUEST_BYTES * 4) / 3);

/** @internal The text of a request that the core wrote as hex. */
export function requestText(bytes: string): string {
  const binary = (bytes.slice(2).match(/../g) ?? []).map((byte) => String.fromCharCode(parseInt(byte, 16))).join('');
  return SCHEME + btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** @internal The bytes of a request's text, as the core reads them. */
export function checkRequest(value: unknown, parameter = 'request'): Hex {
  const expected = "a payment request: 'chit:' and base64url";
  if (typeof value !== 'string' || !value.startsWith(SCHEME)) throw invalid(parameter, expected, value);
  const digits = value.slice(SCHEME.length);
  if (digits.length > MAX_DIGITS || !/^[A-Za-z0-9_-]+$/.test(digits) || digits.length % 4 === 1) {
    throw invalid(parameter, expected, value);
  }
  const binary = atob(digits.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = [...binary].map((byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('');
  // The last digit may have bits that say nothing: one request has one text.
  if (requestText(`0x${bytes}`) !== value) throw invalid(parameter, expected, value);
  return `0x${bytes}`;
}

/**
 * A link that carries a request. It stands behind `#`, so no server sees it.
 *
 * @example
 * const link = requestLink(request.text, 'https://pay.example/');   // https://pay.example/#chit:AbC…
 */
export function requestLink(text: string, base: string): string {
  checkRequest(text, 'text');
  if (typeof base !== 'string' || base === '') throw invalid('base', 'the address of a page', base);
  return `${base.split('#', 1)[0] ?? base}#${text}`;
}

/** What a payee's session key signs as a receipt, ready for any EIP-712 library. */
export interface ReceiptTypedData {
  readonly domain: { readonly name: 'Judge'; readonly version: '1'; readonly chainId: number; readonly verifyingContract: Address };
  readonly types: { readonly Receipt: readonly { readonly name: string; readonly type: string }[] };
  readonly primaryType: 'Receipt';
  readonly message: Omit<Receipt, 'signature' | 'at'> & { readonly at: bigint };
}

const RECEIPT = Object.freeze(
  [
    ['request', 'bytes32'],
    ['payment', 'bytes16'],
    ['payer', 'address'],
    ['payee', 'address'],
    ['token', 'address'],
    ['amount', 'uint128'],
    ['at', 'uint64'],
  ].map(([name = '', type = '']) => Object.freeze({ name, type })),
);

/**
 * A receipt as typed data, so that anybody can check it without a client: its signer is the `sessionKey` of the request, whose
 * id the receipt names.
 *
 * @example
 * import { verifyTypedData } from 'viem';
 *
 * const { receipt, sessionKey } = await client.requestStatus({ request });
 * const genuine = await verifyTypedData({
 *   ...receiptTypedData(receipt, { chainId, judge }), address: sessionKey, signature: receipt.signature,
 * });
 */
export function receiptTypedData(receipt: Receipt, chain: { readonly chainId: number; readonly judge: Address }): ReceiptTypedData {
  const { request, payment, payer, payee, token, amount, at } = receipt;
  return {
    domain: { name: 'Judge', version: '1', chainId: chain.chainId, verifyingContract: chain.judge },
    types: { Receipt: RECEIPT },
    primaryType: 'Receipt',
    message: { request, payment, payer, payee, token, amount, at: BigInt(at) },
  };
}
