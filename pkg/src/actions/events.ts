import type { Context } from '../context.js';
import { DEFAULT_BUFFER } from '../events.js';
import type { ChitEvent, ChitEventOf, ChitEventType } from '../types.js';
import { checkInteger, checkListener, checkOneOf, checkParameters, checkSignal } from '../validate.js';

/** Parameters of {@link events}. */
export interface EventsParameters {
  /** Ends the loop quietly when it fires. */
  readonly signal?: AbortSignal | undefined;
  /** How many events may be unread, 1 to 1,000,000. Default 4,096. */
  readonly buffer?: number | undefined;
}

/** What {@link events} returns: for one reader, to be read once. */
export type EventsReturnType = AsyncIterableIterator<ChitEvent>;

/** What `on` takes beside the listener. */
export interface OnParameters {
  /** Removes the listener when it fires. */
  readonly signal?: AbortSignal | undefined;
}

const TYPES: readonly ChitEventType[] = [
  'channel',
  'payment',
  'transfer',
  'progress',
  'connection',
  'chain',
  'network',
  'actionRequired',
  'recovered',
  'request',
  'warning',
  'fatal',
];

/**
 * Everything that happens from now on, for `for await`. The loop ends when the client closes, the signal fires or the
 * loop is left.
 *
 * A slow reader is bounded: of each channel, of the relay, of the chain and of the network it finds only the latest unread state; of
 * payments and all else it finds every event, up to `buffer` unread ones. Beyond that the oldest are dropped and one
 * `lagged` event says how many; read `channels()` and `payments()` again then.
 *
 * @example
 * for await (const event of client.events({ signal })) {
 *   if (event.type === 'payment' && event.payment.direction === 'received') thank(event.payment.amount);
 * }
 */
export function events(context: Context, parameters: EventsParameters = {}): EventsReturnType {
  checkParameters(parameters);
  const signal = checkSignal(parameters.signal);
  const bound = checkInteger(parameters.buffer ?? DEFAULT_BUFFER, 'buffer', 1, 1_000_000);
  context.assertUsable();
  return context.hub.queue(bound, signal);
}

/** Calls a listener for every event of one type. Returns a function that removes it. */
export function on<T extends ChitEventType>(
  context: Context,
  type: T,
  listener: (event: ChitEventOf<T>) => void,
  parameters: OnParameters = {},
): () => void {
  checkOneOf(type, 'type', TYPES);
  checkListener(listener);
  checkParameters(parameters);
  const signal = checkSignal(parameters.signal);
  context.assertUsable();
  return context.hub.on(type, listener, signal);
}
