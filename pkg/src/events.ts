/**
 * Hands events to listeners and to bounded queues.
 *
 * What a slow reader of `events()` finds: for each channel, for the relay, for the chain and for the network only the latest state (an
 * unread older one is replaced in its place), every payment, every progress step, every warning. When more than the
 * bound is unread, the oldest go and one `lagged` event in front says how many.
 */

import type { ChitEvent, ChitEventOf, ChitEventType } from './types.js';

/** How many events a reader may leave unread unless it says otherwise. */
export const DEFAULT_BUFFER = 4096;

/** Events that happen before the first listener can be attached are kept up to this many. */
const HELD = 1024;

type Listener = (event: ChitEvent) => void;

/** Where a newer event replaces an unread older one. */
function slotOf(event: ChitEvent): string | undefined {
  switch (event.type) {
    case 'channel':
      return event.channel.id;
    case 'connection':
    case 'chain':
    case 'network':
      return event.type;
    default:
      return undefined;
  }
}

/** One reader's queue. */
export class EventQueue implements AsyncIterableIterator<ChitEvent> {
  #items: { event: ChitEvent }[] = [];
  #head = 0;
  #slots = new Map<string, { event: ChitEvent }>();
  #dropped = 0;
  #done = false;
  #waiting: ((result: IteratorResult<ChitEvent>) => void)[] = [];
  readonly #bound: number;
  readonly #onEnd: () => void;

  constructor(bound: number, onEnd: () => void) {
    this.#bound = bound;
    this.#onEnd = onEnd;
  }

  push(event: ChitEvent): void {
    if (this.#done) return;
    const waiter = this.#waiting.shift();
    if (waiter) {
      waiter({ done: false, value: event });
      return;
    }
    const slot = slotOf(event);
    const unread = slot === undefined ? undefined : this.#slots.get(slot);
    if (unread) {
      unread.event = event;
      return;
    }
    if (this.#items.length - this.#head >= this.#bound) {
      this.#take();
      this.#dropped += 1;
    }
    const item = { event };
    this.#items.push(item);
    if (slot !== undefined) this.#slots.set(slot, item);
  }

  /** No more events will come; what is unread can still be read. */
  end(): void {
    if (this.#done) return;
    this.#done = true;
    for (const waiter of this.#waiting.splice(0)) waiter({ done: true, value: undefined });
    this.#onEnd();
  }

  next(): Promise<IteratorResult<ChitEvent>> {
    if (this.#dropped > 0) {
      const event: ChitEvent = { type: 'lagged', dropped: this.#dropped };
      this.#dropped = 0;
      return Promise.resolve({ done: false, value: event });
    }
    const event = this.#take();
    if (event) return Promise.resolve({ done: false, value: event });
    if (this.#done) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<ChitEvent>> {
    this.#items = [];
    this.#head = 0;
    this.#dropped = 0;
    this.#slots.clear();
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): ChitEvent | undefined {
    const item = this.#items[this.#head];
    if (!item) return undefined;
    this.#head += 1;
    // Shifting an array of thousands for every event would cost more than the event.
    if (this.#head > 512 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    const slot = slotOf(item.event);
    if (slot !== undefined) this.#slots.delete(slot);
    return item.event;
  }
}

/** The client's side: takes events from the core and gives them to everyone who asked. */
export class EventHub {
  readonly #listeners = new Map<ChitEventType, Set<Listener>>();
  readonly #queues = new Set<EventQueue>();
  #held: ChitEvent[] | undefined = [];
  #ended = false;

  /** Whether converting an event of this type would be for nobody. */
  ignores(type: unknown): boolean {
    return (
      this.#held === undefined &&
      this.#queues.size === 0 &&
      (this.#listeners.get(type as ChitEventType)?.size ?? 0) === 0
    );
  }

  emit(event: ChitEvent): void {
    if (this.#ended) return;
    if (this.#held) {
      if (this.#held.length < HELD) this.#held.push(event);
      return;
    }
    for (const queue of this.#queues) queue.push(event);
    for (const listener of [...(this.#listeners.get(event.type) ?? [])]) callSafely(listener, event);
  }

  /** Start-up is over: hand out what was kept, then everything at once. */
  release(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    for (const event of held) this.emit(event);
  }

  on<T extends ChitEventType>(type: T, listener: (event: ChitEventOf<T>) => void, signal?: AbortSignal): () => void {
    // Wrapped, so that one function registered twice can be removed once.
    const entry: Listener = (event) => {
      listener(event as ChitEventOf<T>);
    };
    if (this.#ended || signal?.aborted) return () => undefined;
    let set = this.#listeners.get(type);
    if (!set) this.#listeners.set(type, (set = new Set()));
    const off = (): void => {
      set.delete(entry);
      signal?.removeEventListener('abort', off);
    };
    set.add(entry);
    signal?.addEventListener('abort', off, { once: true });
    return off;
  }

  queue(bound: number, signal?: AbortSignal): EventQueue {
    const stop = (): void => {
      void queue.return();
    };
    const queue: EventQueue = new EventQueue(bound, () => {
      this.#queues.delete(queue);
      signal?.removeEventListener('abort', stop);
    });
    if (signal?.aborted || this.#ended) queue.end();
    else {
      this.#queues.add(queue);
      signal?.addEventListener('abort', stop, { once: true });
    }
    return queue;
  }

  end(): void {
    this.release();
    this.#ended = true;
    for (const queue of [...this.#queues]) queue.end();
    this.#listeners.clear();
  }
}

/** One listener's bug must not keep the others, or the core, from going on. */
export function callSafely<T>(listener: (value: T) => void, value: T): void {
  try {
    listener(value);
  } catch (error) {
    if (typeof reportError === 'function') reportError(error);
    else console.error(error);
  }
}
