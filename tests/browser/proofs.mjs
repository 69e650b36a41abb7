// What two browsers have on disk about signed proofs, and the rule that no number is ever signed with two contents.
import assert from "node:assert/strict";

/** The little CBOR that the records are made of. */
function decode(bytes) {
  let at = 0;
  const length = (info) => {
    if (info < 24) return BigInt(info);
    const size = 1 << (info - 24);
    let value = 0n;
    for (let i = 0; i < size; i += 1) value = (value << 8n) | BigInt(bytes[at++]);
    return value;
  };
  const item = () => {
    const head = bytes[at++];
    const [major, info] = [head >> 5, head & 31];
    if (major === 7) {
      assert.ok(info >= 20 && info <= 23, `a simple value ${info}`);
      return [false, true, null, undefined][info - 20];
    }
    const size = length(info);
    switch (major) {
      case 0:
        return size;
      case 2:
      case 3: {
        const part = bytes.subarray(at, (at += Number(size)));
        return major === 2 ? `0x${Buffer.from(part).toString("hex")}` : Buffer.from(part).toString("utf8");
      }
      case 4:
        return Array.from({ length: Number(size) }, item);
      case 5:
        return Object.fromEntries(Array.from({ length: Number(size) }, () => [item(), item()]));
      default:
        return assert.fail(`CBOR of major type ${major} is not expected in a record`);
    }
  };
  const value = item();
  assert.equal(at, bytes.length, "the record has no bytes left over");
  return value;
}

/** Remembers every proof that was ever on a disk, on either side. */
export class Ledger {
  #proofs = new Map();

  get size() {
    return this.#proofs.size;
  }

  /** Takes what a tab has on disk. Fails when a number was signed with another content before, here or there. */
  note(updates) {
    for (const [, value] of updates) {
      const bytes = Buffer.from(value, "hex");
      assert.equal(bytes[0], 1, "the version of an update's record");
      const { 0: signed } = decode(bytes.subarray(1));
      const { 0: proof, 1: signature } = signed;
      const { 0: channel, 1: sender, 2: nonce } = proof;
      const key = `${channel}:${sender}:${nonce}`;
      const content = JSON.stringify([Object.values(proof).map(String), signature]);
      const known = this.#proofs.get(key);
      assert.ok(known === undefined || known === content, `nonce ${nonce} of ${sender} was signed twice: ${known} and ${content}`);
      this.#proofs.set(key, content);
    }
  }
}
