// The tree of locks by its definition, slowly: every root is computed from all leaves.
import { concat, encodeAbiParameters, keccak256, sha256, numberToHex } from "viem";

const ZERO = `0x${"00".repeat(32)}`;
const TYPE = keccak256(new TextEncoder().encode("Lock(uint64 lockId,uint128 amount,uint48 expiry,bytes32 secretHash)"));

/** The lock with this number, as the vectors define it. */
export function lock(id) {
  const secret = numberToHex(id, { size: 32 });
  return { lockId: id, amount: (id + 1n) * 1000n, expiry: 1_900_000_000n + id, secret, secretHash: sha256(secret) };
}

/** A leaf: the EIP-712 struct hash, written out. */
export function leaf({ lockId, amount, expiry, secretHash }) {
  const types = ["bytes32", "uint64", "uint128", "uint48", "bytes32"].map((type) => ({ type }));
  return keccak256(encodeAbiParameters(types, [TYPE, lockId, amount, Number(expiry), secretHash]));
}

const pair = (one, other) => keccak256(concat(one < other ? [one, other] : [other, one]));

/** Replays a history into slots: a new lock takes the smallest free one. */
export function replay(history) {
  const slots = [];
  for (const change of history) {
    if (change.remove) {
      slots[slots.findIndex((taken) => taken?.lockId === BigInt(change.remove))] = undefined;
      continue;
    }
    const [from, to] = change.insert.map(BigInt);
    for (let id = from; id < to; id++) {
      const free = slots.findIndex((taken) => taken === undefined);
      slots[free < 0 ? slots.length : free] = lock(id);
    }
  }
  return slots;
}

/** The root over slots: two children are hashed in order, a lone one is promoted. */
export function root(slots) {
  let level = slots.map((taken) => taken && leaf(taken));
  while (level.length > 1) {
    const next = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i], level[i + 1]];
      next.push(left && right ? pair(left, right) : (left ?? right));
    }
    level = next;
  }
  return level[0] ?? ZERO;
}

/** The root that a proof leads to. */
export const climb = (start, siblings) => siblings.reduce(pair, start);
