/** Ties a control to something that takes time: busy state, steps, and errors in words beside the control. */

import type { Operation, Progress } from '@chit/client';
import { announce } from './announce.js';
import { h, setText, show, svg } from './dom.js';
import { describeError } from './words.js';

/** The words for the steps of an operation, in order. */
export interface StepLabels {
  /** What happens before the wallet is asked, if anything does. */
  readonly before?: string;
  /** What the last step is called. */
  readonly last: string;
}

const CHECK =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" aria-hidden="true"><path d="M3.5 8.5l3 3 6-7" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/></svg>';

/** Shows how far an operation is. */
export class Steps {
  readonly element: HTMLElement;
  readonly #names: readonly string[];
  readonly #items: HTMLElement[];
  readonly #detail: HTMLElement;
  readonly #bar: HTMLProgressElement;
  readonly #offset: number;

  constructor(labels: StepLabels, testId: string) {
    const before = labels.before === undefined ? [] : [labels.before];
    this.#offset = before.length;
    this.#names = [...before, 'Confirm in wallet', 'Submitted', 'Confirmations', labels.last];
    this.#items = this.#names.map((name) => h('li', {}, h('span', { class: 'dot' }, svg(CHECK)), h('span', {}, name)));
    this.#detail = h('p', { class: 'steps-detail' });
    this.#bar = h('progress', { 'aria-label': 'Confirmations' });
    this.element = h(
      'div',
      { class: 'steps', hidden: true, 'data-testid': testId },
      h('ol', {}, ...this.#items),
      this.#bar,
      this.#detail,
    );
  }

  /** Before the first report. */
  begin(): void {
    show(this.element, true);
    this.#mark(0, this.#names[0] ?? '');
    show(this.#bar, false);
  }

  /** A step was reported. */
  report({ stage, confirmations = 0, required = 0 }: Progress): void {
    this.element.dataset['stage'] = stage;
    show(this.#bar, stage === 'confirming');
    switch (stage) {
      case 'partner':
        return this.#mark(0, this.#names[0] ?? '');
      case 'wallet':
        return this.#mark(this.#offset, 'Confirm in your wallet');
      case 'submitted':
        return this.#mark(this.#offset + 1, 'Submitted, waiting for a block');
      case 'confirming':
        this.#bar.max = Math.max(1, required);
        this.#bar.value = confirmations;
        return this.#mark(this.#offset + 2, `${confirmations} of ${required} confirmations`);
      case 'confirmed':
        return this.#mark(this.#offset + 3, `Confirmed. ${this.#names.at(-1) ?? ''} next`);
      case 'ready':
        return this.#mark(this.#names.length, `${this.#names.at(-1) ?? 'Ready'}.`);
    }
  }

  /** Over, well or badly. */
  end(): void {
    show(this.element, false);
    delete this.element.dataset['stage'];
  }

  #mark(current: number, sentence: string): void {
    this.#items.forEach((item, index) => {
      item.className = index < current ? 'past' : index === current ? 'current' : 'future';
      if (index === current) item.setAttribute('aria-current', 'step');
      else item.removeAttribute('aria-current');
    });
    setText(this.#detail, sentence);
    announce(sentence);
  }
}

/** Where errors of one control appear. */
export function errorLine(testId: string): { element: HTMLElement; set(error: unknown): void; clear(): void } {
  const element = h('p', { class: 'error', role: 'alert', hidden: true, 'data-testid': testId });
  return {
    element,
    set(error) {
      const code = (error as { code?: unknown } | null)?.code;
      if (typeof code === 'string') element.dataset['code'] = code;
      setText(element, typeof error === 'string' ? error : describeError(error));
      show(element, true);
    },
    clear() {
      delete element.dataset['code'];
      show(element, false);
      setText(element, '');
    },
  };
}

/** What an action needs to show; the first control is the one that was pressed. */
export interface ActionParts {
  readonly controls: readonly (HTMLButtonElement | HTMLInputElement | HTMLSelectElement)[];
  readonly error: { set(error: unknown): void; clear(): void };
  readonly steps?: Steps | undefined;
}

/** Runs something once at a time, with busy controls and errors in words. Resolves to whether it succeeded. */
export async function act(parts: ActionParts, run: () => PromiseLike<unknown>): Promise<boolean> {
  const [first, ...others] = parts.controls;
  if (first?.getAttribute('aria-busy') === 'true') return false;
  parts.error.clear();
  // The pressed button is not `disabled`: it would lose the focus that the wallet's dialog gives back to it.
  first?.setAttribute('aria-disabled', 'true');
  first?.setAttribute('aria-busy', 'true');
  if (others.some((control) => control === document.activeElement)) first?.focus();
  for (const control of others) control.disabled = true;
  parts.steps?.begin();
  try {
    const running = run();
    const { steps } = parts;
    if (steps && isOperation(running)) {
      running.on('progress', (step) => {
        steps.report(step);
      });
    }
    await running;
    return true;
  } catch (error) {
    parts.error.set(error);
    return false;
  } finally {
    parts.steps?.end();
    first?.removeAttribute('aria-busy');
    first?.removeAttribute('aria-disabled');
    for (const control of others) control.disabled = false;
  }
}

function isOperation(value: unknown): value is Operation<unknown> {
  return typeof (value as { on?: unknown }).on === 'function';
}
