// raiden-ts's published path for one LockedTransfer beside Chit's for one Update, both in this Node: make, sign and encode;
// decode and verify. Prints one line of JSON with microseconds.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import init, { SignedPath } from "../dist/bench.js";
import { measure } from "../page/measure.js";

const require = createRequire(import.meta.url);
const { decodeJsonMessage, encodeJsonMessage, getMessageSigner, signMessage } = require("raiden-ts/dist:cjs/messages/utils.js");
const { BigNumber, Wallet } = require("ethers");

const quiet = new Proxy({}, { get: () => () => {} });
const wallet = new Wallet(`0x${"07".repeat(32)}`);
const address = (byte) => `0x${byte.repeat(20)}`;

/** A direct transfer with one route and the address metadata that the library puts into it. */
function lockedTransfer(nonce) {
  const metadata = {
    user_id: `@${wallet.address.toLowerCase()}:transport.example.org`,
    displayname: `0x${"ab".repeat(65)}`,
    capabilities: "mxc://raiden.network/cap?Delivery=0&Mediate=1&Receive=1&toDevice=1&webRTC=1&immutableMetadata=1",
  };
  return {
    type: "LockedTransfer",
    message_identifier: BigNumber.from(Date.now()),
    payment_identifier: BigNumber.from(Date.now()),
    chain_id: BigNumber.from(1),
    token_network_address: address("11"),
    channel_identifier: BigNumber.from(17),
    nonce: BigNumber.from(nonce),
    transferred_amount: BigNumber.from(1_000),
    locked_amount: BigNumber.from(1),
    locksroot: `0x${"cd".repeat(32)}`,
    token: address("22"),
    recipient: address("33"),
    lock: { amount: BigNumber.from(1), expiration: BigNumber.from(9_000), secrethash: `0x${"ef".repeat(32)}` },
    target: address("33"),
    initiator: wallet.address,
    metadata: { routes: [{ route: [wallet.address, address("33")], address_metadata: { [address("33")]: metadata } }] },
  };
}

const raiden = {
  nonce: 0,
  async create() {
    return encodeJsonMessage(await signMessage(wallet, lockedTransfer((raiden.nonce += 1)), { log: quiet }));
  },
  accept(text) {
    if (getMessageSigner(decodeJsonMessage(text)) !== wallet.address) throw new Error("raiden-ts finds another signer");
  },
};

await init({ module_or_path: readFileSync(new URL("../dist/bench_bg.wasm", import.meta.url)) });
const secret = new Uint8Array(32).fill(7);
const [making, reading, whole] = [new SignedPath(secret), new SignedPath(secret), new SignedPath(secret)];
const first = making.create();
const text = await raiden.create();
reading.accept(first);
raiden.accept(text);

// A path that never accepts makes the same first message each time; one that accepts goes on.
const figures = await measure({
  "raiden create": { run: () => raiden.create() },
  "chit create": { run: () => making.create() },
  "raiden accept": { run: () => raiden.accept(text) },
  "chit whole": { run: () => whole.accept(whole.create()) },
  "raiden whole": { run: async () => raiden.accept(await raiden.create()) },
});
console.log(JSON.stringify({ figures, bytes: { raiden: text.length, chit: first.length } }));
// The library leaves timers behind.
process.exit(0);
