/** Says in words what codes say to programs. */

import { type ChannelView, type ErrorCode, isChitError } from '@chit/client';

/** What each code means to the person, and what to do next. */
const WORDS: Partial<Record<ErrorCode, string>> = {
  CLIENT_CLOSED: 'This tab has stopped. Reload it to go on.',
  UNKNOWN_CHANNEL: 'This channel is not known here.',
  CHANNEL_NOT_OPEN: 'The channel is not open yet. Wait for its confirmations.',
  NOT_AUTHORIZED: 'Your wallet has not named this browser’s key, so its notes would not count. Press “Go online” first.',
  QUEUE_FULL: 'Too many payments wait for your partner already. Try again when some have gone through.',
  BUSY: 'Another withdrawal or close of this channel is under way.',
  DECLINED: 'Your partner declined.',
  NOT_WORTH_IT: 'Fetching what is left would cost more than it holds.',
  NOTHING_TO_DO: 'There is nothing to do: no newer note to show, or nothing to pay out.',
  TOO_EARLY: 'The time for objections is not over yet.',
  UNCONFIRMED: 'The transaction was sent but no block has taken it yet. It may still happen; do not send another.',
  OUTCOME_UNKNOWN: 'The wallet did not say whether it sent the transaction. Watch the channel; do not send another.',
  PROVIDER_DISCONNECTED: 'The wallet has lost its connection to the chain.',
  STORAGE_CORRUPT: 'What this browser has stored cannot be read back, so nothing is signed from it.',
  LOCKS_UNAVAILABLE: 'This browser cannot keep two tabs apart (no Web Locks), so the client does not start.',
  VAULT_LOCKED: 'The key that this browser has stored cannot be opened.',
  INSUFFICIENT_CAPACITY: 'That is more than you have left on this side of the channel. Deposit more, or pay less.',
  PARTNER_OFFLINE: 'Your partner is not online right now. Nothing was lost; try again when they are back.',
  PARTNER_UNKNOWN: 'That account has not gone online yet. Open its tab, press “Go online” there, and try again.',
  CHANNEL_CLOSING: 'This channel is being closed and takes no more payments.',
  STATE_BEHIND: 'Your partner holds newer notes than this browser. Waiting for them before anything is signed.',
  NO_ROUTE: 'No way to that person is known right now: somebody on it is away, or has too little left.',
  FEE_TOO_HIGH: 'Every way there costs more than you want to give.',
  PAYMENT_FAILED: 'Somebody on every way refused. Nothing was paid, and what was locked is free again.',
  INVALID_REQUEST: 'That is no request that counts here: it was changed, or belongs to another chain.',
  REQUEST_PAID: 'You have paid this request already. It is paid once.',
  REQUEST_PENDING: 'You are paying this request already.',
  REQUEST_EXPIRED: 'The time of this request is over. Ask for a new one.',
  PAYMENT_CANCELLED: 'The payment was taken back. Nothing was paid.',
  USER_REJECTED: 'You said no in the wallet. Nothing happened.',
  WRONG_CHAIN: 'Your wallet is on another network. Switch it to the local chain and try again.',
  INSUFFICIENT_FUNDS: 'Your wallet does not hold enough for that.',
  STORAGE_FULL: 'The browser has no room left, so nothing more is signed.',
  STORAGE_LOST: 'The browser took its storage away. Reload this tab to read it again.',
  STORAGE_FENCED: 'Another tab took over this account. Close this one.',
  ALREADY_OPEN: 'Another tab already runs this account.',
  TIMEOUT: 'That took too long. It may still happen; watch the channel.',
  ABORTED: 'You stopped waiting. What was sent may still happen.',
  FATAL: 'The client stopped for safety. Everything acknowledged is stored; reload this tab.',
};

/** An error for a person. */
export function describeError(error: unknown): string {
  if (isChitError(error)) {
    const words = WORDS[error.code];
    return words ?? sentence(error.shortMessage);
  }
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (code === 4001) return 'You said no in the wallet. Nothing happened.';
  return typeof message === 'string' && message !== '' ? message : String(error);
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return trimmed.charAt(0).toUpperCase() + trimmed.slice(1) + (/[.!?…]$/.test(trimmed) ? '' : '.');
}

/** A channel's state in one or two words. */
export function statusWord(channel: ChannelView): string {
  switch (channel.status) {
    case 'opening':
      return 'Opening';
    case 'open':
      return channel.ready ? 'Open' : 'Waiting for partner';
    case 'closing':
      return 'Closing';
    case 'settleable':
      return 'Ready to pay out';
    case 'settled':
      return 'Settled';
    case 'stopped':
      return 'Stopped';
  }
}
