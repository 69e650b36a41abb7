// The golden vectors, computed again by viem and by the plain readers beside this file; see README.md.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  concat, domainSeparator, encodeAbiParameters, hashStruct, hashTypedData, hexToBytes, keccak256, parseSignature,
  recoverAddress, toHex, verifyTypedData,
} from "viem";
import { privateKeyToAccount, sign } from "viem/accounts";
import { readCanonical } from "./cbor.mjs";
import { climb, leaf, lock, replay, root } from "./tree.mjs";

const vectors = JSON.parse(readFileSync(new URL("protocol.json", import.meta.url), "utf8"));

// Written from the specification, not taken from the file.
const fields = (text) => text.split(", ").map((field) => (([type, name]) => ({ type, name }))(field.split(" ")));
const types = {
  BalanceProof: fields(
    "bytes32 channelId, address sender, uint48 nonce, uint128 transferred, uint128 locked, uint48 lastExpiry, bytes32 locksRoot, bytes32 context",
  ),
  AcceptProof: fields("bytes32 proofHash"),
  CloseChannel: fields("bytes32 channelId, address closer, uint64 deadline"),
  CooperativeClose: fields("bytes32 channelId, uint128 balanceA, uint128 balanceB, uint64 deadline"),
  CooperativeWithdraw: fields("bytes32 channelId, address wallet, uint128 totalWithdrawn, uint64 deadline"),
  Delegate: fields("address wallet, address sessionKey, uint64 validUntil"),
  Lock: fields("uint64 lockId, uint128 amount, uint48 expiry, bytes32 secretHash"),
  PaymentRequest: fields(
    "bytes16 reference, address payee, address sessionKey, address token, uint128 amount, uint64 issued, uint64 expiry, string memo, string relay, RouteHint[] hints",
  ),
  Receipt: fields("bytes32 request, bytes16 payment, address payer, address payee, address token, uint128 amount, uint64 at"),
  Announcement: fields(
    "address wallet, bool reachable, uint64 issued, uint64 expiry, AnnouncedFee[] fees, AnnouncedChannel[] channels",
  ),
};
/** What is signed only as a part of others. */
const parts = {
  AnnouncedFee: fields("address token, uint128 flat, uint32 proportional"),
  AnnouncedChannel: fields("bytes32 channelId, uint128 capacity"),
  RouteHint: fields("bytes32 channelId, address from, address to, uint128 flat, uint32 proportional, uint128 capacity"),
};

const all = { ...types, ...parts };

const toDomain = ({ chainId, verifyingContract }) => ({
  name: "Judge",
  version: "1",
  chainId: BigInt(chainId),
  verifyingContract,
});
const domain = toDomain(vectors.domains[0]);
const account = (name) => privateKeyToAccount(vectors.keys.find((key) => key.name === name).privateKey);
const same = (one, other, why) => assert.equal(one.toLowerCase(), other.toLowerCase(), why);

/** The message with numbers as the typed data wants them. */
const typed = (primaryType, message) =>
  Object.fromEntries(
    all[primaryType].map(({ name, type }) => {
      if (type.endsWith("[]")) return [name, message[name].map((part) => typed(type.slice(0, -2), part))];
      return [name, type.startsWith("uint") ? BigInt(message[name]) : message[name]];
    }),
  );

const statements = [...vectors.statements, ...vectors.trees.map((tree) => tree.balanceProof)];

test("keys have their addresses, and the wallets are in order", () => {
  for (const { privateKey, publicKey, address } of vectors.keys) {
    const whole = privateKeyToAccount(privateKey);
    same(whole.address, address);
    // Compressed: the parity of y, then x.
    const [x, y] = [whole.publicKey.slice(4, 68), whole.publicKey.slice(68)];
    same(`0x0${2 + (parseInt(y.at(-1), 16) % 2)}${x}`, publicKey);
  }
  assert.ok(account("walletA").address.toLowerCase() < account("walletB").address.toLowerCase());
});

test("domain separators", () => {
  for (const entry of vectors.domains) same(domainSeparator({ domain: toDomain(entry) }), entry.separator);
});

test("channel ids", () => {
  const parameters = [{ type: "address" }, { type: "address" }, { type: "address" }, { type: "uint64" }];
  for (const { key, abi, id } of vectors.channels) {
    const encoded = encodeAbiParameters(parameters, [key.token, key.a, key.b, BigInt(key.salt)]);
    same(encoded, abi);
    same(keccak256(encoded), id);
  }
});

test("every type is there, with the ends of its numbers", () => {
  const every = (type) => vectors.statements.filter(({ primaryType }) => primaryType === type);
  for (const type of Object.keys(types)) assert.ok(every(type).length > 0, type);
  const [most48, most64, most128] = [48n, 64n, 128n].map((bits) => String(2n ** bits - 1n));
  const greatest = (type) => every(type).at(-1).message;
  assert.equal(every("BalanceProof").at(-1).message.nonce, most48);
  assert.equal(every("BalanceProof").at(-1).message.locked, most128);
  assert.equal(greatest("CooperativeClose").balanceA, most128);
  assert.equal(greatest("CooperativeClose").deadline, most64);
  assert.equal(greatest("CooperativeWithdraw").totalWithdrawn, most128);
  assert.equal(greatest("CloseChannel").deadline, most64);
  assert.equal(greatest("Delegate").validUntil, most64);
  assert.equal(greatest("Lock").amount, most128);
  assert.equal(every("PaymentRequest").find(({ name }) => name === "largest").message.expiry, most64);
});

for (const { name, primaryType, message, structHash, digest, signatures } of statements) {
  test(`${primaryType}, ${name}: hashes and signatures`, async () => {
    const data = typed(primaryType, message);
    same(hashStruct({ data, primaryType, types: all }), structHash);
    same(hashTypedData({ domain, types: all, primaryType, message: data }), digest);
    assert.equal(signatures.length > 0, primaryType !== "Lock");
    for (const { signer, signature } of signatures) {
      const signing = account(signer);
      // Deterministic (RFC 6979), so another library signs the same bytes.
      same(await signing.signTypedData({ domain, types: all, primaryType, message: data }), signature);
      const verify = (change) =>
        verifyTypedData({ address: signing.address, domain, types: all, primaryType, message: data, signature, ...change });
      assert.ok(await verify({}));
      assert.ok(!(await verify({ domain: { ...domain, chainId: 1n } })));
      assert.ok(BigInt(parseSignature(signature).s) <= 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n);
    }
  });
}

test("an acceptance is of the proof of its name", () => {
  const named = (type, name) => vectors.statements.find((entry) => entry.primaryType === type && entry.name === name);
  for (const name of ["ordinary", "least", "greatest"]) {
    same(named("AcceptProof", name).message.proofHash, named("BalanceProof", name).structHash);
  }
});

for (const tree of vectors.trees) {
  test(`lock tree: ${tree.name}`, () => {
    const slots = replay(tree.history);
    const locks = slots.filter((taken) => taken);
    same(root(slots), tree.root);
    assert.equal(String(locks.reduce((sum, { amount }) => sum + amount, 0n)), tree.locked);
    assert.equal(String(locks.reduce((last, { expiry }) => (expiry > last ? expiry : last), 0n)), tree.lastExpiry);
    same(tree.balanceProof.message.locksRoot, tree.root);
    for (const proven of tree.proven) {
      const expected = lock(BigInt(proven.lockId));
      assert.equal(proven.amount, String(expected.amount));
      assert.equal(proven.expiry, String(expected.expiry));
      same(proven.secret, expected.secret);
      same(proven.secretHash, expected.secretHash);
      same(proven.leaf, leaf(expected));
      same(hashStruct({ data: { ...expected, expiry: Number(expected.expiry) }, primaryType: "Lock", types }), proven.leaf);
      same(climb(proven.leaf, proven.siblings), tree.root);
      assert.notEqual(climb(proven.leaf, [...proven.siblings, `0x${"00".repeat(32)}`]), tree.root);
    }
  });
}

/** An operation as the specification writes it: its number, and a map of its fields. */
function written(op) {
  const bytes = (hex) => hexToBytes(hex);
  const fieldsOf = {
    Pay: () => [[0n, bytes(op.payment)], [1n, BigInt(op.amount)], ...(op.memo === undefined ? [] : [[2n, op.memo]])],
    Lock: () => {
      const inner = [BigInt(op.lockId), BigInt(op.amount), BigInt(op.expiry), bytes(op.secretHash)];
      return [[0n, new Map(inner.map((value, i) => [BigInt(i), value]))], [1n, bytes(op.route)]];
    },
    Unlock: () => [[0n, BigInt(op.lockId)], [1n, bytes(op.secret)]],
    Expire: () => [[0n, BigInt(op.lockId)]],
    Cancel: () => [[0n, BigInt(op.lockId)]],
  };
  const kinds = Object.keys(fieldsOf);
  return [BigInt(kinds.indexOf(op.op)), new Map(fieldsOf[op.op]())];
}

test("operations: canonical, and their context is the hash of exactly these bytes", () => {
  for (const { name, ops, cbor, context } of vectors.operations) {
    same(keccak256(cbor), context, name);
    assert.deepEqual(readCanonical(hexToBytes(cbor)), ops.map(written), name);
  }
});

const versioned = (hex) => {
  const [version, ...body] = hexToBytes(hex);
  assert.equal(version, 1);
  return readCanonical(Uint8Array.from(body));
};

test("messages: one version byte and canonical CBOR, every kind of them", () => {
  const kinds = new Set(vectors.messages.map(({ bytes }) => versioned(bytes)[0]));
  assert.deepEqual([...kinds].sort(), Array.from({ length: 17 }, (_, i) => BigInt(i)).sort());
});

test("requests: their bytes say what is signed, and their id is its digest", () => {
  for (const { name, bytes, id } of vectors.requests) {
    const { message, digest, signatures } = vectors.statements.find(
      (entry) => entry.primaryType === "PaymentRequest" && entry.name === name,
    );
    same(id, digest, name);
    const request = versioned(bytes);
    const { chainId, verifyingContract } = vectors.domains[0];
    const absent = (value, nothing) => (value === nothing ? [] : [value]);
    const hint = ({ channelId, from, to, flat, proportional, capacity }) => {
      const fee = new Map([[0n, BigInt(flat)], [1n, BigInt(proportional)]]);
      const fieldsOf = [hexToBytes(channelId), hexToBytes(from), hexToBytes(to), fee, BigInt(capacity)];
      return new Map(fieldsOf.map((value, i) => [BigInt(i), value]));
    };
    const expected = new Map([
      [0n, hexToBytes(message.reference)],
      [1n, BigInt(chainId)],
      [2n, hexToBytes(verifyingContract)],
      [3n, hexToBytes(message.payee)],
      [4n, hexToBytes(vectors.keys.find((key) => key.name === "sessionB").publicKey)],
      [5n, hexToBytes(message.token)],
      ...absent(message.amount, "0").map((amount) => [6n, BigInt(amount)]),
      [7n, BigInt(message.issued)],
      [8n, BigInt(message.expiry)],
      ...absent(message.memo, "").map((memo) => [9n, memo]),
      ...absent(message.relay, "").map((relay) => [10n, relay]),
      [11n, message.hints.map(hint)],
      ...(request.has(12n) ? [[12n, request.get(12n)]] : []),
      [13n, hexToBytes(signatures[0].signature)],
    ]);
    assert.deepEqual(request, expected, name);
    // The grant in it is the wallet's, without the names that the request has.
    if (!request.has(12n)) continue;
    const grant = vectors.statements.find((entry) => entry.primaryType === "Delegate" && entry.name === "walletB");
    assert.equal(grant.message.wallet, message.payee);
    assert.equal(grant.message.sessionKey, message.sessionKey);
    assert.deepEqual([...request.get(12n).keys()], [0n, 1n]);
  }
});

test("an update on the wire carries the proof that is signed", () => {
  const update = versioned(vectors.messages.find(({ name }) => name === "Update").bytes)[1][0];
  const { message, signatures } = vectors.statements.find(({ primaryType }) => primaryType === "BalanceProof");
  const expected = [
    [0n, hexToBytes(message.channelId)],
    [1n, vectors.operations.find(({ name }) => name === "one of each kind").ops.map(written)],
    [2n, BigInt(message.nonce)],
    [3n, BigInt(message.transferred)],
    [4n, BigInt(message.locked)],
    [5n, BigInt(message.lastExpiry)],
    [6n, hexToBytes(message.locksRoot)],
    [7n, hexToBytes(signatures[0].signature)],
  ];
  assert.deepEqual(update, new Map(expected));
  same(vectors.operations.find(({ name }) => name === "one of each kind").context, message.context);
});

test("relay messages are canonical, every kind of them", () => {
  for (const [side, count] of [["server", 9], ["client", 7]]) {
    const kinds = new Set(vectors.relay[side].map(({ bytes }) => versioned(bytes)[0]));
    assert.equal(kinds.size, count);
  }
});

test("announcements are canonical, and what is signed is what is said", () => {
  vectors.announcements.forEach((announcement, which) => {
    const parts = readCanonical(hexToBytes(announcement));
    const [body, signer, signature] = [0n, 1n, 3n].map((field) => parts.get(field));
    const statement = vectors.statements.filter(({ primaryType }) => primaryType === "Announcement")[which];
    const { wallet, reachable, issued, expiry, fees, channels } = statement.message;
    same(toHex(body.get(0n)), wallet);
    assert.deepEqual([body.get(1n), body.get(2n), body.get(3n)], [reachable, BigInt(issued), BigInt(expiry)]);
    assert.deepEqual([body.get(4n).length, body.get(5n).length], [fees.length, channels.length]);
    same(toHex(signer), vectors.keys.find(({ name }) => name === "sessionA").publicKey);
    same(toHex(signature), statement.signatures[0].signature);
  });
});

test("a client authenticates by a signature over the challenge", async () => {
  const { nonce, publicKey, digest, signature } = vectors.relay.authentication;
  same(keccak256(concat([toHex("chit relay v1: authenticate"), nonce, publicKey])), digest);
  same(await recoverAddress({ hash: digest, signature }), account("sessionA").address);
  const { privateKey } = vectors.keys.find(({ name }) => name === "sessionA");
  same(await sign({ hash: digest, privateKey, to: "hex" }), signature);
});

test("stored records are canonical", () => {
  for (const { name, bytes } of vectors.records) assert.ok(versioned(bytes) !== undefined, name);
});
