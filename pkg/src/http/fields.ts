/** Reads parameters of a request. Types are checked here; ranges, addresses and what is missing are the client's to judge. */

import { invalid } from '../errors.js';

// As many digits as 2^128 has; the client knows the exact bound.
const AMOUNT = /^(0|[1-9][0-9]{0,38})$/;

/** Named parameters of which none is unknown: a misspelt `maxFee` must not be a payment without a limit. */
export class Fields {
  readonly #values: ReadonlyMap<string, unknown>;

  constructor(entries: Iterable<readonly [string, unknown]>, known: readonly string[]) {
    const values = new Map<string, unknown>();
    for (const [name, value] of entries) {
      if (!known.includes(name)) {
        throw invalid(name, known.length === 0 ? 'left out: there are no parameters' : `left out; there are ${known.join(', ')}`, value);
      }
      if (values.has(name)) throw invalid(name, 'given once', value);
      values.set(name, value);
    }
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name);
    if (value !== undefined && typeof value !== 'string') throw invalid(name, 'a string', value);
    return value;
  }

  /** An amount in base units, a string of decimal digits. */
  amount(name: string): bigint | undefined {
    const value = this.#values.get(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'string' || !AMOUNT.test(value)) throw invalid(name, 'a string of decimal digits', value);
    return BigInt(value);
  }

  /** A number of a body, or digits of a query. */
  integer(name: string): number | undefined {
    const value = this.#values.get(name);
    if (value === undefined) return undefined;
    const number = typeof value === 'string' && AMOUNT.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw invalid(name, 'an integer', value);
    return number;
  }

  boolean(name: string): boolean | undefined {
    const value = this.#values.get(name);
    if (value !== undefined && typeof value !== 'boolean') throw invalid(name, 'a boolean', value);
    return value;
  }
}
