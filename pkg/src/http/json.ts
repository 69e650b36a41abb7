/** JSON answers: amounts and block numbers are decimal strings, because a JSON number is exact up to 2^53 only. */

/** A value as JSON. */
export function encode(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? item.toString() : item));
}

/** Nobody may keep an answer, and no other origin may embed it where the transport is real HTTP. */
export const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
};

/** An answer with a JSON body. */
export function reply(status: number, body: unknown, headers?: Readonly<Record<string, string>>): Response {
  return new Response(encode(body), { status, headers: { ...HEADERS, 'content-type': 'application/json', ...headers } });
}
