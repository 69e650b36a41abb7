/** What every action needs: the running core, behind the checks for closed and failed clients. */

import { ChitError, aborted, isErrorCode, toChitError } from './errors.js';
import { EventHub } from './events.js';
import { toEvent, toPaymentStep, toProgress, toTransfer } from './convert.js';
import type { Core } from './core.js';
import { RunningOperation } from './operation.js';
import type { PaymentStep, PaymentView } from './types.js';
import { checkLiveSignal, checkParameters } from './validate.js';

/** The inside of a client. */
export class Context {
  readonly hub = new EventHub();
  readonly #operations = new Map<string, RunningOperation<unknown>>();
  /** The payments that are waited for, by their ids. */
  readonly payments = new Map<string, RunningOperation<PaymentView, PaymentStep>>();
  readonly #pending = new Set<(error: ChitError) => void>();
  #core: Core | undefined;
  #end: ChitError | undefined;
  #closing: Promise<void> | undefined;
  readonly #onTrap: (error: ChitError) => void;

  constructor(onTrap: (error: ChitError) => void) {
    this.#onTrap = onTrap;
  }

  /** Whether calls can still succeed. */
  get ended(): boolean {
    return this.#end !== undefined;
  }

  attach(core: Core): void {
    this.#core = core;
  }

  /** Takes an event from the core. Must not throw: the core cannot do anything about it. */
  readonly receive = (raw: unknown): void => {
    try {
      // The panic hook of the core has no more than a sentence to say.
      if (typeof raw === 'string') {
        this.#fail(new ChitError('FATAL', raw));
        return;
      }
      if (typeof raw !== 'object' || raw === null) return;
      const { type, operation } = raw as { type?: unknown; operation?: unknown };
      if (type === 'progress') this.#operations.get(String(operation))?.step(toProgress(raw as Record<string, unknown>));
      const { payment } = raw as { payment?: unknown };
      const paying = type === 'transfer' ? this.payments.get(String(payment)) : undefined;
      if (paying) {
        const step = toPaymentStep(toTransfer(raw));
        if (step) paying.step(step);
      }
      if (type === 'fatal') {
        const { code, message } = raw as { code?: unknown; message?: unknown };
        this.#fail(new ChitError(isErrorCode(code) ? code : 'FATAL', String(message), { details: { code } }));
        return;
      }
      if (this.hub.ignores(type)) return;
      const event = toEvent(raw);
      if (event) this.hub.emit(event);
    } catch (error) {
      this.hub.emit({ type: 'warning', code: 'INTERNAL', message: toChitError(error).shortMessage });
    }
  };

  /** Throws when the client takes no more calls. */
  assertUsable(): void {
    if (this.#end) throw new ChitError(this.#end.code, this.#end.shortMessage, { details: this.#end.details });
  }

  /**
   * Calls the core. The signal ends the wait only; `onAbort` may make the core give up as well, and then decides what
   * the caller is told.
   */
  invoke<T>(
    method: string,
    params: object,
    convert: (value: unknown) => T,
    signal?: AbortSignal,
    onAbort?: (signal: AbortSignal) => Promise<ChitError>,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.assertUsable();
      const core = this.#core;
      if (!core) throw new ChitError('NOT_INITIALIZED', 'The client has not started.');
      // What happened before the call must not be told after its answer, which is newer.
      this.hub.release();
      const settle = (): void => {
        this.#pending.delete(fail);
        signal?.removeEventListener('abort', onSignal);
      };
      const fail = (error: ChitError): void => {
        settle();
        reject(error);
      };
      const onSignal = (): void => {
        if (!signal) return;
        if (onAbort) void onAbort(signal).then(fail);
        else fail(aborted(signal));
      };
      this.#pending.add(fail);
      signal?.addEventListener('abort', onSignal, { once: true });
      const failed = (thrown: unknown): void => {
        const error = toChitError(thrown);
        if (error.code === 'FATAL') {
          this.#fail(error);
        }
        fail(error);
      };
      try {
        core.invoke(method, params).then((value) => {
          settle();
          try {
            resolve(convert(value));
          } catch (error) {
            reject(toChitError(error));
          }
        }, failed);
      } catch (thrown) {
        failed(thrown);
      }
    });
  }

  /**
   * Runs an operation with progress. `build` checks the parameters; what it throws rejects the handle, so that
   * a caller has one place to catch errors.
   */
  operate<P extends { readonly signal?: AbortSignal | undefined }, T>(
    method: string,
    parameters: P,
    build: (parameters: P) => object,
    convert: (value: unknown) => T,
  ): RunningOperation<T> {
    const id = randomHex(16);
    return new RunningOperation<T>(id, async (operation) => {
      checkParameters(parameters);
      const params = build(parameters);
      const signal = checkLiveSignal(parameters.signal);
      this.assertUsable();
      this.#operations.set(id, operation);
      try {
        return await this.invoke(method, { operation: id, ...params }, convert, signal);
      } finally {
        this.#operations.delete(id);
      }
    });
  }

  /** Stops the core and ends every wait. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      const failed = this.#end !== undefined;
      this.#end ??= new ChitError('CLIENT_CLOSED', 'The client is closed.');
      const end = this.#end;
      try {
        await this.#core?.close();
      } catch (error) {
        // A core that failed cannot close in order; its lock goes with the page.
        if (!failed) throw toChitError(error);
      } finally {
        for (const fail of [...this.#pending]) fail(end);
        this.hub.end();
      }
    })();
    return this.#closing;
  }

  #fail(error: ChitError): void {
    if (this.#end) return;
    this.#end = error;
    // A failed storage stops this client; a trap stops every client of the instance.
    if (error.code === 'FATAL') this.#onTrap(error);
    this.hub.emit({ type: 'fatal', code: codeOf(error), message: error.shortMessage });
    for (const fail of [...this.#pending]) fail(error);
    this.hub.end();
  }
}

/** Random bytes as `0x` hex: ids of operations and payments. */
export function randomHex(bytes: number): `0x${string}` {
  let hex = '';
  for (const byte of crypto.getRandomValues(new Uint8Array(bytes))) hex += byte.toString(16).padStart(2, '0');
  return `0x${hex}`;
}

/** The core's own code where it is finer than the error's. */
function codeOf(error: ChitError): string {
  const code = error.details?.['code'];
  return typeof code === 'string' ? code : error.code;
}
