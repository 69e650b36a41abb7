// Chit's keys and the libraries that they are compared with, each as its users call it: 32-byte digests, known keys.
import { secp256k1 as noble } from "@noble/curves/secp256k1.js";
import * as tiny from "tiny-secp256k1";
import init, { Key } from "/bench/bench.js";

const same = (one, other) => one.length === other.length && one.every((byte, index) => byte === other[index]);

function agree(what, condition) {
  if (!condition) throw new Error(`the libraries do not agree on ${what}`);
}

/** The candidates for `measure`, after a check that all of them make and accept the same signature. */
export async function candidates() {
  await init({ module_or_path: "/bench/bench_bg.wasm" });
  const secret = new Uint8Array(32).fill(7);
  const digest = crypto.getRandomValues(new Uint8Array(32));
  const raw = { prehash: false };
  const key = new Key(secret);
  const publicKey = key.publicKey;

  const ours = key.sign(digest);
  const compact = ours.slice(0, 64);
  const parity = ours[64] - 27;
  const recovered = noble.Signature.fromBytes(compact).addRecoveryBit(parity).toBytes("recovered");
  agree("the signature", same(tiny.sign(digest, secret), compact) && same(noble.sign(digest, secret, raw), compact));
  agree("the key", same(tiny.recover(digest, compact, parity, true), publicKey));
  agree("the verification", tiny.verify(digest, publicKey, compact, true) && noble.verify(compact, digest, publicKey, raw));
  agree("our verification", key.verify(digest, ours));

  return {
    "chit sign": { run: () => key.sign(digest) },
    "tiny sign": { run: () => tiny.sign(digest, secret) },
    "noble sign": { run: () => noble.sign(digest, secret, raw) },
    "chit verify": { run: () => key.verify(digest, ours) },
    "tiny verify": { run: () => tiny.verify(digest, publicKey, compact, true) },
    "noble verify": { run: () => noble.verify(compact, digest, publicKey, raw) },
    "chit recover": { run: () => Key.recover(digest, ours) },
    "tiny recover": { run: () => tiny.recover(digest, compact, parity, true) },
    "noble recover": { run: () => noble.recoverPublicKey(recovered, digest, raw) },
  };
}
