/** Turns the core's plain values into frozen public views. */

import type {
  Address,
  Authorization,
  ChannelSide,
  ChannelView,
  ChitEvent,
  ClientStatus,
  Hex,
  Hop,
  NetworkChannel,
  NetworkNode,
  NetworkView,
  PaymentStep,
  PaymentView,
  Progress,
  Quote,
  TransferEvent,
  Receipt,
  RequestView,
} from './types.js';
import { isErrorCode } from './errors.js';
import { requestText } from './requestText.js';
import { malformed } from './validate.js';

type Raw = Record<string, unknown>;

function record(value: unknown, what: string): Raw {
  if (typeof value !== 'object' || value === null) throw malformed(what, value);
  return value as Raw;
}

function amount(value: unknown, what: string): bigint {
  if (typeof value === 'string' && /^[0-9]+$/.test(value)) return BigInt(value);
  throw malformed(what, value);
}

/** The core leaves out what is absent, or sends null; the public side has one spelling. */
function optional<T>(value: unknown): T | undefined {
  return value === null ? undefined : (value as T | undefined);
}

/** The same of what has to be converted. */
function maybe<T>(value: unknown, convert: (value: unknown) => T): T | undefined {
  return value === undefined || value === null ? undefined : convert(value);
}

function block(value: unknown): bigint | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'bigint') return BigInt(value);
  throw malformed('block number', value);
}

function failure(value: unknown): { readonly code: string; readonly message: string } | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return { code: isErrorCode(value) ? value : 'INTERNAL', message: value };
  const raw = record(value, 'error');
  const text = (name: string, otherwise: string): string =>
    typeof raw[name] === 'string' ? raw[name] : otherwise;
  return { code: text('code', 'INTERNAL'), message: text('message', '') };
}

function side(value: unknown): ChannelSide {
  const raw = record(value, 'side');
  return Object.freeze({
    deposited: amount(raw['deposited'], 'deposit'),
    withdrawn: amount(raw['withdrawn'], 'withdrawal'),
    transferred: amount(raw['transferred'], 'transferred amount'),
    locked: amount(raw['locked'], 'locked amount'),
    nonce: raw['nonce'] as number,
    balance: amount(raw['balance'], 'balance'),
  });
}

/** A channel. */
export function toChannel(value: unknown): ChannelView {
  const raw = record(value, 'channel');
  const confirmations = record(raw['confirmations'], 'count of confirmations') as unknown as ChannelView['confirmations'];
  return Object.freeze({
    id: raw['id'] as ChannelView['id'],
    token: raw['token'] as ChannelView['token'],
    partner: raw['partner'] as ChannelView['partner'],
    salt: amount(String(raw['salt']), 'salt'),
    status: raw['status'] as ChannelView['status'],
    confirmations: Object.freeze({ have: confirmations.have, required: confirmations.required }),
    partnerOnline: raw['partnerOnline'] === true,
    ready: raw['ready'] === true,
    ours: side(raw['ours']),
    theirs: side(raw['theirs']),
    capacity: amount(raw['capacity'], 'capacity'),
    receivable: amount(raw['receivable'], 'receivable amount'),
    pendingPayments: optional<number>(raw['pendingPayments']) ?? 0,
    challengeEnd: optional<number>(raw['challengeEnd']),
    closer: optional<ChannelView['closer']>(raw['closer']),
    actionRequired: optional<ChannelView['actionRequired']>(raw['actionRequired']),
    paid: amount(raw['paid'] ?? '0', 'payout'),
    error: failure(raw['error']),
  });
}

/** A bare amount. */
export function toAmount(value: unknown): bigint {
  return amount(value, 'amount');
}

/** A payment. */
export function toPayment(value: unknown): PaymentView {
  const raw = record(value, 'payment');
  return Object.freeze({
    id: raw['id'] as PaymentView['id'],
    channel: optional<Hex>(raw['channel']),
    partner: raw['partner'] as PaymentView['partner'],
    token: raw['token'] as PaymentView['token'],
    routed: raw['routed'] === true,
    direction: raw['direction'] as PaymentView['direction'],
    amount: amount(raw['amount'], 'amount'),
    fee: amount(raw['fee'] ?? '0', 'fee'),
    request: optional<Hex>(raw['request']),
    memo: optional<string>(raw['memo']),
    status: raw['status'] as PaymentView['status'],
    nonce: optional<number>(raw['nonce']) ?? 0,
    at: raw['at'] as number,
    error: failure(raw['error']),
  });
}

function hops(value: unknown): readonly Hop[] {
  return toList(value, (item) => {
    const raw = record(item, 'hop');
    return Object.freeze({
      channel: raw['channel'] as Hex,
      from: raw['from'] as Address,
      to: raw['to'] as Address,
      amount: amount(raw['amount'], 'amount'),
    });
  });
}

/** What happened to a payment over the network. */
export function toTransfer(value: unknown): TransferEvent {
  const raw = record(value, 'transfer');
  return Object.freeze({
    type: 'transfer',
    stage: raw['stage'] as TransferEvent['stage'],
    payment: optional<Hex>(raw['payment']),
    part: optional<number>(raw['part']),
    channel: optional<Hex>(raw['channel']),
    next: optional<Hex>(raw['next']),
    hash: optional<Hex>(raw['hash']),
    amount: maybe(raw['amount'], toAmount),
    fee: maybe(raw['fee'], toAmount),
    reason: optional<string>(raw['reason']),
    path: maybe(raw['path'], hops),
  });
}

const STEPS: Partial<Record<TransferEvent['stage'], PaymentStep['stage']>> = {
  direct: 'direct',
  route: 'route',
  locked: 'locked',
  partPaid: 'part-paid',
  partFailed: 'part-failed',
};

/** The step of its payer that an event is, if it is one. */
export function toPaymentStep({ stage, part, path, amount, fee, reason }: TransferEvent): PaymentStep | undefined {
  const step = STEPS[stage];
  return step && Object.freeze({ stage: step, part, path, amount, fee, reason });
}

/** A quote. */
export function toQuote(value: unknown): Quote {
  const raw = record(value, 'quote');
  return Object.freeze({
    direct: raw['direct'] === true,
    amount: amount(raw['amount'], 'amount'),
    fee: amount(raw['fee'], 'fee'),
    parts: toList(raw['parts'], (item) => {
      const part = record(item, 'part');
      return Object.freeze({
        amount: amount(part['amount'], 'amount'),
        fee: amount(part['fee'], 'fee'),
        path: hops(part['path']),
      });
    }),
  });
}

function toReceipt(value: unknown): Receipt {
  const raw = record(value, 'receipt');
  return Object.freeze({
    request: raw['request'] as Receipt['request'],
    payment: raw['payment'] as Receipt['payment'],
    payer: raw['payer'] as Receipt['payer'],
    payee: raw['payee'] as Receipt['payee'],
    token: raw['token'] as Receipt['token'],
    amount: amount(raw['amount'], 'amount'),
    at: raw['at'] as number,
    signature: raw['signature'] as Receipt['signature'],
  });
}

/** A request. */
export function toRequest(value: unknown): RequestView {
  const raw = record(value, 'request');
  if (typeof raw['bytes'] !== 'string') throw malformed('request', value);
  return Object.freeze({
    id: raw['id'] as RequestView['id'],
    text: requestText(raw['bytes']),
    token: raw['token'] as RequestView['token'],
    amount: maybe(raw['amount'], toAmount),
    issued: raw['issued'] as number,
    expiry: raw['expiry'] as number,
    memo: optional<string>(raw['memo']),
    relay: optional<string>(raw['relay']),
    payee: raw['payee'] as RequestView['payee'],
    sessionKey: raw['sessionKey'] as RequestView['sessionKey'],
    direction: raw['direction'] as RequestView['direction'],
    status: raw['status'] as RequestView['status'],
    payment: optional<RequestView['payment']>(raw['payment']),
    receipt: maybe(raw['receipt'], toReceipt),
  });
}

/** A list. */
export function toList<T>(value: unknown, convert: (item: unknown) => T): readonly T[] {
  if (!Array.isArray(value)) throw malformed('list', value);
  return Object.freeze(value.map(convert));
}

/** The answer to `authorize`. */
export function toAuthorization(value: unknown): Authorization {
  const raw = record(value, 'authorization');
  return Object.freeze({
    wallet: raw['wallet'] as Authorization['wallet'],
    sessionKey: raw['sessionKey'] as Authorization['sessionKey'],
    validUntil: raw['validUntil'] as number,
  });
}

/** The answer to `status`. */
export function toStatus(value: unknown): ClientStatus {
  const raw = record(value, 'status');
  return Object.freeze({
    relay: raw['relay'] as ClientStatus['relay'],
    relayReason: optional<string>(raw['relayReason']),
    chainOk: raw['chainOk'] === true,
    chainReason: optional<string>(raw['chainReason']),
    block: block(raw['block']),
    timestamp: optional<number>(raw['timestamp']),
    persisted: optional<boolean>(raw['persisted']),
    sessionKey: optional<ClientStatus['sessionKey']>(raw['sessionKey']),
    authorized: raw['authorized'] === true,
    authorizedUntil: optional<number>(raw['authorizedUntil']),
  });
}

function toNode(value: unknown): NetworkNode {
  const raw = record(value, 'wallet of the network');
  const flat = maybe(raw['flat'], (fee) => amount(fee, 'flat fee'));
  return Object.freeze({
    wallet: raw['wallet'] as NetworkNode['wallet'],
    mediates: flat !== undefined,
    reachable: raw['reachable'] === true,
    flat,
    proportional: optional<number>(raw['proportional']),
  });
}

const toHint = (value: unknown): bigint => amount(value, 'hint');

function toNetworkChannel(value: unknown): NetworkChannel {
  const raw = record(value, 'channel of the network');
  return Object.freeze({
    id: raw['id'] as NetworkChannel['id'],
    token: raw['token'] as NetworkChannel['token'],
    a: raw['a'] as NetworkChannel['a'],
    b: raw['b'] as NetworkChannel['b'],
    total: amount(raw['total'], 'total'),
    hintA: maybe(raw['hintA'], toHint),
    hintB: maybe(raw['hintB'], toHint),
  });
}

/** The answer to `network`. */
export function toNetwork(value: unknown): NetworkView {
  const raw = record(value, 'network');
  return Object.freeze({
    complete: raw['complete'] === true,
    block: block(raw['block']) ?? 0n,
    nodes: toList(raw['nodes'], toNode),
    channels: toList(raw['channels'], toNetworkChannel),
  });
}

/** A step of an operation. */
export function toProgress(raw: Raw): Progress {
  return Object.freeze({
    stage: raw['stage'] as Progress['stage'],
    hash: optional<Progress['hash']>(raw['hash']),
    confirmations: optional<number>(raw['confirmations']),
    required: optional<number>(raw['required']),
  });
}

/** An event; `undefined` for one that this version does not know. */
export function toEvent(value: object): ChitEvent | undefined {
  const raw = value as Raw;
  switch (raw['type']) {
    case 'channel':
      return { type: 'channel', channel: toChannel(raw['channel']) };
    case 'transfer':
      return toTransfer(raw);
    case 'payment':
      return { type: 'payment', payment: toPayment(raw['payment']) };
    case 'request':
      return { type: 'request', request: toRequest(raw['request']) };
    case 'progress':
      return { type: 'progress', operation: String(raw['operation']), ...toProgress(raw) };
    case 'connection':
      return {
        type: 'connection',
        relay: raw['relay'] as 'online',
        reason: optional<string>(raw['reason']),
      };
    case 'chain':
      return {
        type: 'chain',
        block: block(raw['block']),
        timestamp: optional<number>(raw['timestamp']),
        ok: raw['ok'] === true,
        reason: optional<string>(raw['reason']),
        code: optional<string>(raw['code']),
      };
    case 'recovered':
      return { type: 'recovered', channel: raw['channel'] as `0x${string}` };
    case 'actionRequired':
      return {
        type: 'actionRequired',
        channel: raw['channel'] as `0x${string}`,
        action: raw['action'] as 'respond',
        deadline: optional<number>(raw['deadline']),
      };
    case 'network':
      return { type: 'network' };
    case 'warning':
      return { type: 'warning', code: String(raw['code']), message: String(raw['message']) };
    default:
      return undefined;
  }
}
