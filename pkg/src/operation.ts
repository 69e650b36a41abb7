/** Handles of operations that wait for the wallet and the chain. */

import { callSafely } from './events.js';
import type { Progress } from './types.js';

/**
 * A running operation. Await it for the result, or watch its steps; both at once works too.
 *
 * Aborting its `signal` ends the *wait* (code `ABORTED`); a transaction that was sent stays sent.
 *
 * @example
 * const opening = client.openChannel({ partner, token, deposit });
 * opening.on('progress', (step) => render(step.stage, step.confirmations, step.required));
 * const channel = await opening;
 *
 * @example
 * for await (const step of client.closeChannel({ channel: id })) console.log(step.stage);
 */
export interface Operation<T, S = Progress> extends Promise<T>, AsyncIterable<S> {
  /** Names the operation in `progress` events of the client. */
  readonly id: string;
  /** The steps so far, oldest first. */
  readonly progress: readonly S[];
  /** Calls the listener for every later step. Returns a function that stops it. */
  on(type: 'progress', listener: (step: S) => void): () => void;
}

/** The implementation behind {@link Operation}. */
export class RunningOperation<T, S = Progress> implements Operation<T, S> {
  readonly [Symbol.toStringTag] = 'Operation';
  readonly id: string;
  readonly #promise: Promise<T>;
  readonly #steps: S[] = [];
  readonly #listeners = new Set<(step: S) => void>();
  #wake: (() => void)[] = [];
  #over = false;

  constructor(id: string, run: (operation: RunningOperation<T, S>) => Promise<T>) {
    this.id = id;
    this.#promise = run(this).finally(() => {
      this.#over = true;
      this.#listeners.clear();
      this.#wakeAll();
    });
  }

  get progress(): readonly S[] {
    return [...this.#steps];
  }

  /** A step was reported. */
  step(step: S): void {
    if (this.#over) return;
    this.#steps.push(step);
    for (const listener of [...this.#listeners]) callSafely(listener, step);
    this.#wakeAll();
  }

  on(type: 'progress', listener: (step: S) => void): () => void {
    if (type !== 'progress' || typeof listener !== 'function') {
      throw new TypeError("An operation has one event: on('progress', listener).");
    }
    const entry = (step: S): void => {
      listener(step);
    };
    if (!this.#over) this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#promise.then(onFulfilled, onRejected);
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.#promise.catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    return this.#promise.finally(onFinally);
  }

  /** All steps from the first; ends with the operation and throws what it rejects with. */
  async *[Symbol.asyncIterator](): AsyncGenerator<S, void, undefined> {
    // Whoever iterates gets the error from the last `next`, so a rejection is not unhandled meanwhile.
    this.#promise.catch(() => undefined);
    for (let seen = 0; ; ) {
      for (let step = this.#steps[seen]; step !== undefined; step = this.#steps[seen]) {
        seen += 1;
        yield step;
      }
      if (this.#over) break;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
    await this.#promise;
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
