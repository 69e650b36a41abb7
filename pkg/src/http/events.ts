/**
 * Events as a `text/event-stream`. A client's events are kept for a while under numbers, so that a reader whose connection
 * broke goes on behind the last one that it saw (`Last-Event-ID`, or `?after=`); where that one is gone, or was another client's,
 * it is told `lagged`. Browsers end a Service Worker as they like, and its streams with it, so this is the normal course of
 * things; and Chromium's `EventSource` then gives up rather than connect again, which is why the address can say it as well.
 */

import { randomHex } from '../context.js';
import type { HttpClient } from './client.js';
import { HEADERS, encode } from './json.js';

/** How many events are kept for readers that come back or are slow. */
const KEPT = 1024;

/** How long a browser waits before it connects again, in milliseconds. */
const RETRY = 1000;

class EventLog {
  /** Tells numbers of this log from those of an earlier page. */
  readonly #name = randomHex(4).slice(2);
  readonly #entries: string[] = [];
  /** The number of the oldest entry that is kept. */
  #first = 1;
  #over = false;
  readonly #waiting = new Set<() => void>();

  /** Takes down everything that happens until the source ends. */
  async follow(source: AsyncIterable<{ readonly type: string }>): Promise<void> {
    try {
      for await (const event of source) {
        this.#entries.push(`event: ${event.type}\ndata: ${encode(event)}\n\n`);
        if (this.#entries.length > KEPT) {
          this.#entries.shift();
          this.#first += 1;
        }
        this.#wake();
      }
    } finally {
      this.#over = true;
      this.#wake();
    }
  }

  async *read(lastId: string | undefined, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    const seen = this.#number(lastId);
    let next = seen === undefined ? this.#next() : seen + 1;
    // Without an event before it, this id is what a reader comes back with when its connection breaks at once.
    yield `retry: ${RETRY}\n${this.#id(next - 1)}\n`;
    if (lastId !== undefined && seen === undefined) yield lagged(undefined);
    for (;;) {
      if (next < this.#first) {
        const dropped = this.#first - next;
        next = this.#first;
        yield this.#id(next - 1) + lagged(dropped);
        continue;
      }
      const entry = this.#entries[next - this.#first];
      if (entry !== undefined) {
        next += 1;
        yield this.#id(next - 1) + entry;
        continue;
      }
      if (this.#over || signal.aborted) return;
      await this.#more(signal);
    }
  }

  #next(): number {
    return this.#first + this.#entries.length;
  }

  #id(number: number): string {
    return `id: ${this.#name}-${number}\n`;
  }

  /** The number in an id that this log has given out. */
  #number(id: string | undefined): number | undefined {
    const [, name, digits] = /^([0-9a-f]+)-([0-9]{1,15})$/.exec(id ?? '') ?? [];
    const number = Number(digits);
    return name === this.#name && number < this.#next() ? number : undefined;
  }

  #more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}

function lagged(dropped: number | undefined): string {
  return `event: lagged\ndata: ${encode({ type: 'lagged', dropped })}\n\n`;
}

const logs = new WeakMap<HttpClient, EventLog>();

function logOf(client: HttpClient): EventLog {
  const known = logs.get(client);
  if (known) return known;
  // Throws when the client is closed; then there is no log to keep.
  const source = client.events();
  const log = new EventLog();
  logs.set(client, log);
  const forget = (): void => void logs.delete(client);
  log.follow(source).then(forget, forget);
  return log;
}

/** Answers with the events from now on, or from behind the one that the caller saw last. */
export function eventStream(client: HttpClient, lastId: string | undefined, signal: AbortSignal): Response {
  const over = new AbortController();
  const end = (): void => {
    over.abort();
  };
  signal.addEventListener('abort', end, { once: true });
  const texts = logOf(client).read(lastId, over.signal);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await texts.next();
        if (!done) controller.enqueue(encoder.encode(value));
        else {
          signal.removeEventListener('abort', end);
          controller.close();
        }
      },
      cancel: end,
    },
    // Nothing is read ahead, so a slow reader is slow here as well and its `lagged` tells the truth.
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { ...HEADERS, 'content-type': 'text/event-stream' } });
}
