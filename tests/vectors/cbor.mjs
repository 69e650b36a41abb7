// A reader of canonical CBOR (RFC 8949, 4.2.1) that shares no code with the client: it refuses whatever could have been written shorter.

/** Reads one value from `bytes`; maps come out as Map, byte strings as Uint8Array, integers as bigint. */
export function readCanonical(bytes) {
  let at = 0;
  const fail = (why) => {
    throw new Error(`not canonical at byte ${at}: ${why}`);
  };
  const take = (count) => {
    if (at + count > bytes.length) fail("cut short");
    at += count;
    return bytes.subarray(at - count, at);
  };
  const argument = (info) => {
    if (info < 24) return BigInt(info);
    if (info > 27) fail("a length that is not stated");
    const size = 2 ** (info - 24);
    const value = [...take(size)].reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    const least = info === 24 ? 24n : 1n << BigInt(4 * size);
    if (value < least) fail(`${value} written too long`);
    return value;
  };
  const read = () => {
    const [head] = take(1);
    const [major, info] = [head >> 5, head & 31];
    if (major === 7) {
      if (![20, 21].includes(info)) fail("neither true nor false");
      return info === 21;
    }
    const value = argument(info);
    switch (major) {
      case 0:
        return value;
      case 2:
        return take(Number(value));
      case 3:
        return new TextDecoder("utf-8", { fatal: true }).decode(take(Number(value)));
      case 4:
        return Array.from({ length: Number(value) }, read);
      case 5:
        return readMap(Number(value));
      case 6:
        return readBignum(value);
      default:
        return fail("a negative number");
    }
  };
  const readMap = (count) => {
    const map = new Map();
    let last = -1n;
    for (let i = 0; i < count; i++) {
      const key = read();
      if (typeof key !== "bigint" || key <= last) fail("keys out of order");
      last = key;
      map.set(key, read());
    }
    return map;
  };
  const readBignum = (tag) => {
    const digits = read();
    if (tag !== 2n || !(digits instanceof Uint8Array) || digits.length < 9 || digits.length > 16 || digits[0] === 0) {
      fail("an amount that is not in its one form");
    }
    return digits.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  };
  const value = read();
  if (at !== bytes.length) fail("more follows");
  return value;
}
