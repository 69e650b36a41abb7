/** The values that go in and come out: all amounts are `bigint` base units, all times unix seconds. */

/** A `0x`-prefixed hex string. */
export type Hex = `0x${string}`;

/** A `0x`-prefixed account or contract address of 20 bytes. */
export type Address = `0x${string}`;

/** The token address that stands for the chain's native coin (ETH). */
export const NATIVE_TOKEN: Address = '0x0000000000000000000000000000000000000000';

/** The largest amount of a token that a channel can hold or pay, in base units: 2^128 − 1. */
export const MAX_AMOUNT: bigint = (1n << 128n) - 1n;

/** The longest memo of a payment, in bytes of UTF-8. */
export const MAX_MEMO_BYTES: number = 256;

/** What the client needs of an EIP-1193 wallet. Any injected provider fits, and viem's `EIP1193Provider` does. */
export interface Eip1193Provider {
  /** Sends one JSON-RPC request to the wallet. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- wallets type this method in many narrower ways
  request(args: any): Promise<any>;
}

/**
 * Where a channel is in its life.
 * - `opening`: the transaction is on its way or has too few confirmations;
 * - `open`: payments work;
 * - `closing`: somebody closed alone, the partner may still answer with a newer proof until `challengeEnd`;
 * - `settleable`: the time for answers is over, `settle` pays out;
 * - `settled`: paid out;
 * - `stopped`: stored state and chain contradict each other; nothing is signed any more.
 */
export type ChannelStatus = 'opening' | 'open' | 'closing' | 'settleable' | 'settled' | 'stopped';

/** What the owner has to do, or lose. */
export type RequiredAction = 'respond' | 'settle';

/** One side of a channel. */
export interface ChannelSide {
  /** All deposits of this side that have enough confirmations. */
  readonly deposited: bigint;
  /** What this side has taken out while the channel stays open. */
  readonly withdrawn: bigint;
  /** Sum of all that this side has paid the other. Only ever grows. */
  readonly transferred: bigint;
  /** Pending hash-locked amounts of this side. */
  readonly locked: bigint;
  /** Number of this side's newest signature: one signature can carry many payments. */
  readonly nonce: number;
  /** What this side would be paid if the channel ended now. */
  readonly balance: bigint;
}

/** A channel as its owner sees it. A snapshot: it does not change. */
export interface ChannelView {
  /** The channel's id, 32 bytes. It never recurs. */
  readonly id: Hex;
  /** The token, or {@link NATIVE_TOKEN}. */
  readonly token: Address;
  /** The other account. */
  readonly partner: Address;
  /** What tells this channel from earlier ones between the same accounts. */
  readonly salt: bigint;
  readonly status: ChannelStatus;
  /** Confirmations of the transaction that opened it. */
  readonly confirmations: { readonly have: number; readonly required: number };
  /** Whether the partner can be reached at this moment. */
  readonly partnerOnline: boolean;
  /** Whether a payment would be signed at once. */
  readonly ready: boolean;
  readonly ours: ChannelSide;
  readonly theirs: ChannelSide;
  /** What we can still pay. */
  readonly capacity: bigint;
  /** What the partner can still pay us. */
  readonly receivable: bigint;
  /** Our payments that are not acknowledged yet. */
  readonly pendingPayments: number;
  /** While closing: when the time for answers ends. */
  readonly challengeEnd: number | undefined;
  /** While closing: who closed. */
  readonly closer: Address | undefined;
  /** What the owner has to do, or lose. */
  readonly actionRequired: RequiredAction | undefined;
  /** What the Judge has paid to our wallet from this channel, withdrawals aside. */
  readonly paid: bigint;
  /** When stopped: why. */
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

/**
 * Where a payment is.
 * - `queued`: waits for an earlier signature to be acknowledged; can be cancelled;
 * - `sent`: signed and stored, on its way; can no longer be cancelled;
 * - `settled`: the partner says that it is stored. Final;
 * - `refused`: the partner did not take it, nothing was paid;
 * - `cancelled`: taken back before it was signed;
 * - `failed`: it went over the network, nothing was paid, and nothing can be any more.
 */
export type PaymentStatus = 'queued' | 'sent' | 'settled' | 'refused' | 'cancelled' | 'failed';

/** A payment. A snapshot: it does not change. */
export interface PaymentView {
  /** The payer's id for it, 16 bytes. */
  readonly id: Hex;
  /** The channel that it was made in; `undefined` when it went over the network. */
  readonly channel: Hex | undefined;
  /** Who was paid, or who paid. */
  readonly partner: Address;
  readonly token: Address;
  /** Whether it went over the network, in hash-locked parts. */
  readonly routed: boolean;
  readonly direction: 'sent' | 'received';
  /** What the payee gets. */
  readonly amount: bigint;
  /** What mediators got beside that; 0 without any. */
  readonly fee: bigint;
  /** The hash of the payee's request that it pays, if it pays one. */
  readonly request: Hex | undefined;
  readonly memo: string | undefined;
  readonly status: PaymentStatus;
  /** The signature that carries it; 0 while queued. */
  readonly nonce: number;
  /** When it was submitted or received. */
  readonly at: number;
  /** When refused: why. */
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

/** One channel on a payment's way. */
export interface Hop {
  readonly channel: Hex;
  readonly from: Address;
  readonly to: Address;
  /** What is locked in it: what the payee gets, and the fees of those behind. */
  readonly amount: bigint;
}

/** A step of a payment. */
export interface PaymentStep {
  /**
   * - `direct`: it is made in a channel with the payee;
   * - `route`: a part of it takes the `path`;
   * - `locked`: the part is locked to the first account of its path;
   * - `part-paid`: the payee has taken the part;
   * - `part-failed`: nothing was paid by the part, for this `reason`; another path may be tried;
   * - `paid`: the payee has all of it.
   */
  readonly stage: 'direct' | 'route' | 'locked' | 'part-paid' | 'part-failed' | 'paid';
  readonly part: number | undefined;
  readonly path: readonly Hop[] | undefined;
  readonly amount: bigint | undefined;
  readonly fee: bigint | undefined;
  readonly reason: string | undefined;
}

/** What a payment would cost now, and which way it would go. */
export interface Quote {
  /** Whether it would be made in a channel with the payee. */
  readonly direct: boolean;
  readonly amount: bigint;
  /** What the mediators would get. */
  readonly fee: bigint;
  readonly parts: readonly { readonly amount: bigint; readonly fee: bigint; readonly path: readonly Hop[] }[];
}

/** A channel that the payer would not find by itself, as a payee may tell of one. */
export interface HintedChannel {
  readonly channel: Hex;
  readonly from: Address;
  readonly to: Address;
  /** What it carries from `from` to `to`. */
  readonly capacity: bigint;
  /** What `from` takes for passing a payment on over it, in base units. Default 0. */
  readonly flat?: bigint | undefined;
  /** The same in millionths of the amount. Default 0. */
  readonly proportional?: number | undefined;
}

/**
 * Where a request is.
 * - `open`: it can be paid;
 * - `pending`: a payment for it is under way from here;
 * - `paid`: it was paid. Final;
 * - `expired`: it can no longer be paid.
 */
export type RequestStatus = 'open' | 'pending' | 'paid' | 'expired';

/** A payee's signed word that a request was paid. */
export interface Receipt {
  /** The request's id. */
  readonly request: Hex;
  /** The payment's id. */
  readonly payment: Hex;
  /** Who paid, by its own word. */
  readonly payer: Address;
  readonly payee: Address;
  readonly token: Address;
  readonly amount: bigint;
  /** When it was taken. */
  readonly at: number;
  /** The signature of the request's session key over the EIP-712 struct `Receipt`. */
  readonly signature: Hex;
}

/** A request to be paid. A snapshot: it does not change. */
export interface RequestView {
  /** Its id: the hash of all that it says. */
  readonly id: Hex;
  /** What is handed to the payer: `chit:…`. */
  readonly text: string;
  readonly token: Address;
  /** How much is asked; `undefined` when the payer chooses. */
  readonly amount: bigint | undefined;
  /** When it was made. */
  readonly issued: number;
  /** From when on it can no longer be paid. */
  readonly expiry: number;
  readonly memo: string | undefined;
  /** The relay where the payee says that it can be reached. */
  readonly relay: string | undefined;
  /** Who is to be paid. */
  readonly payee: Address;
  /** The payee's key, which signed it and signs its receipt. */
  readonly sessionKey: Address;
  /** `created` here, `paying` from here, or neither: `other`. */
  readonly direction: 'created' | 'paying' | 'other';
  readonly status: RequestStatus;
  /** The id of the payment that paid it, or that is under way from here. */
  readonly payment: Hex | undefined;
  /** The payee's word that it was paid. The payer may get it a moment after the payment. */
  readonly receipt: Receipt | undefined;
}

/** A step of an operation that needs the wallet or the chain. */
export interface Progress {
  /**
   * - `partner`: waiting for the partner's signature;
   * - `wallet`: waiting for the person to confirm in the wallet;
   * - `submitted`: the transaction is sent, `hash` is its hash, where the wallet tells it at once;
   * - `confirming`: it is in a block, `confirmations` of `required` have passed;
   * - `confirmed`: it has enough confirmations;
   * - `ready`: the channel can pay.
   */
  readonly stage: 'partner' | 'wallet' | 'submitted' | 'confirming' | 'confirmed' | 'ready';
  readonly hash: Hex | undefined;
  readonly confirmations: number | undefined;
  readonly required: number | undefined;
}

/** What `authorize` returns. */
export interface Authorization {
  /** The account that gave the permission. */
  readonly wallet: Address;
  /** The key of this browser that may now sign for it. */
  readonly sessionKey: Address;
  /** Until when. */
  readonly validUntil: number;
}

/** How the client is doing. */
export interface ClientStatus {
  /** The connection to the relay, over which partners are reached. */
  readonly relay: 'connecting' | 'online' | 'offline';
  /** Why the relay is not online, where known. */
  readonly relayReason: string | undefined;
  /** Whether the chain answers. */
  readonly chainOk: boolean;
  /** Why the chain does not answer, where known. */
  readonly chainReason: string | undefined;
  /** The newest block seen, `undefined` before the first. */
  readonly block: bigint | undefined;
  /** That block's timestamp. */
  readonly timestamp: number | undefined;
  /** Whether the browser promised not to evict the proofs; `undefined` when it has not been asked. */
  readonly persisted: boolean | undefined;
  /** This browser's key. */
  readonly sessionKey: Address | undefined;
  /** Whether what this key signs is sure to count. */
  readonly authorized: boolean;
  /** Until when the key may sign for the wallet, on chain or by `authorize`; `undefined` when it may not. */
  readonly authorizedUntil: number | undefined;
}

/** A wallet that has a channel, and what it announces of itself. */
export interface NetworkNode {
  readonly wallet: Address;
  /** Whether it passes payments of others on. */
  readonly mediates: boolean;
  /** Whether it says that it can be reached. */
  readonly reachable: boolean;
  /** What it takes for each payment that it passes on, in base units. */
  readonly flat: bigint | undefined;
  /** What it takes besides, in millionths of the amount. */
  readonly proportional: number | undefined;
}

/** An open channel of anybody. */
export interface NetworkChannel {
  readonly id: Hex;
  /** The token, or {@link NATIVE_TOKEN}. */
  readonly token: Address;
  /** The wallet with the smaller address. */
  readonly a: Address;
  /** The other wallet. */
  readonly b: Address;
  /** What both sides together can hold. */
  readonly total: bigint;
  /** About how much `a` says that it can send to `b`. */
  readonly hintA: bigint | undefined;
  /** About how much `b` says that it can send to `a`. */
  readonly hintB: bigint | undefined;
}

/** The network around this client. A snapshot: it does not change. */
export interface NetworkView {
  /** Whether every channel up to `block` is here. */
  readonly complete: boolean;
  /** The newest block whose events are here. */
  readonly block: bigint;
  readonly nodes: readonly NetworkNode[];
  readonly channels: readonly NetworkChannel[];
}

/** A channel changed. */
export interface ChannelEvent {
  readonly type: 'channel';
  readonly channel: ChannelView;
}

/** A payment was made, received, or moved to another status. */
export interface PaymentEvent {
  readonly type: 'payment';
  readonly payment: PaymentView;
}

/** A request was made, is being paid, or was paid; or its receipt came. */
export interface RequestEvent {
  readonly type: 'request';
  readonly request: RequestView;
}

/** An operation took a step. Operation handles deliver the same. */
export interface ProgressEvent extends Progress {
  readonly type: 'progress';
  /** The `id` of the {@link Operation} it belongs to. */
  readonly operation: string;
}

/** Something happened to a payment over the network, where it begins, where it passes, or where it ends. */
export interface TransferEvent {
  readonly type: 'transfer';
  /**
   * - `direct`, `route`, `locked`, `partPaid`, `partFailed`: steps of a payment that begins here, as in {@link PaymentStep};
   * - `forwarded`: a payment of others was passed on from `channel` to `next`; its `fee` is ours when it is paid;
   * - `received`: a payment arrived whole and is being taken;
   * - `lockPaid`: the partner in `channel` paid what it had locked to us.
   */
  readonly stage: 'direct' | 'route' | 'locked' | 'partPaid' | 'partFailed' | 'forwarded' | 'received' | 'lockPaid';
  readonly payment: Hex | undefined;
  readonly part: number | undefined;
  readonly channel: Hex | undefined;
  readonly next: Hex | undefined;
  /** The hash of the part's secret: the same all along its path. */
  readonly hash: Hex | undefined;
  readonly amount: bigint | undefined;
  readonly fee: bigint | undefined;
  readonly reason: string | undefined;
  readonly path: readonly Hop[] | undefined;
}

/** The connection to the relay changed. */
export interface ConnectionEvent {
  readonly type: 'connection';
  readonly relay: 'connecting' | 'online' | 'offline';
  readonly reason: string | undefined;
}

/** A new block was seen, or the chain stopped answering. */
export interface ChainEvent {
  readonly type: 'chain';
  readonly block: bigint | undefined;
  readonly timestamp: number | undefined;
  readonly ok: boolean;
  /** When not `ok`: why, in words and as a code. */
  readonly reason: string | undefined;
  readonly code: string | undefined;
}

/** The owner has to act before a deadline. */
export interface ActionRequiredEvent {
  readonly type: 'actionRequired';
  readonly channel: Hex;
  readonly action: RequiredAction;
  /** Until when; `undefined` when there is no hurry. */
  readonly deadline: number | undefined;
}

/** This client had lost payments of the channel and has got them back from the partner. */
export interface RecoveredEvent {
  readonly type: 'recovered';
  readonly channel: Hex;
}

/** The network changed: read it again. At most once a second, and only after it was asked for. */
export interface NetworkEvent {
  readonly type: 'network';
}

/** Something deserves attention but nothing is broken, for example that storage may be evicted. */
export interface WarningEvent {
  readonly type: 'warning';
  readonly code: string;
  readonly message: string;
}

/** The client has stopped for safety and every later call fails. Close it, reload, and go on. */
export interface FatalEvent {
  readonly type: 'fatal';
  readonly code: string;
  readonly message: string;
}

/** This consumer was too slow and lost `dropped` events. Read `channels()` and `payments()` again. */
export interface LaggedEvent {
  readonly type: 'lagged';
  readonly dropped: number;
}

/** Everything that a client tells about. */
export type ChitEvent =
  | ChannelEvent
  | PaymentEvent
  | TransferEvent
  | RequestEvent
  | ProgressEvent
  | ConnectionEvent
  | ChainEvent
  | ActionRequiredEvent
  | RecoveredEvent
  | NetworkEvent
  | WarningEvent
  | FatalEvent
  | LaggedEvent;

/** The names of all events. */
export type ChitEventType = ChitEvent['type'];

/** The event of one name. */
export type ChitEventOf<T extends ChitEventType> = Extract<ChitEvent, { readonly type: T }>;
