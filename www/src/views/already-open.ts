/** Shown when another tab of this browser already runs the account. */

import { h } from '../lib/dom.js';

/** Explains, and offers two ways on. */
export function alreadyOpen(name: string, onRetry: () => void, onLeave: () => void): HTMLElement {
  return h(
    'main',
    { class: 'welcome' },
    h(
      'div',
      { class: 'panel', role: 'alert', 'data-testid': 'already-open' },
      h('h1', {}, `${name} is open in another tab`),
      h(
        'p',
        {},
        'Only one tab may sign for an account at a time, so that no note is ever signed twice with different contents. Use the other tab, close it and try again, or be somebody else here.',
      ),
      h(
        'div',
        { class: 'buttons start' },
        h('button', { type: 'button', class: 'button primary', 'data-testid': 'already-open-retry', onclick: onRetry }, 'Try again'),
        h('button', { type: 'button', class: 'button', 'data-testid': 'switch-account', onclick: onLeave }, 'Be somebody else'),
      ),
    ),
  );
}
