/** The wallet's own windows: one at a time, keyboard usable, Escape means no. */

import type { Deployment } from '../deployment.js';
import { h } from '../lib/dom.js';
import { formatAmount, short } from '../lib/format.js';
import { avatar, nameOf } from '../lib/people.js';
import { RpcError } from './rpc.js';
import type { Summary } from './summary.js';

let queue: Promise<unknown> = Promise.resolve();

/** Runs after all earlier dialogs are closed. */
function inTurn<T>(open: () => Promise<T>): Promise<T> {
  const turn = queue.then(open, open);
  queue = turn.catch(() => undefined);
  return turn;
}

function rejected(): RpcError {
  return new RpcError(4001, 'The user rejected the request.');
}

/** Shows a dialog and resolves with what `confirm` returns when the person agrees. */
function ask<T>(title: string, body: readonly (Node | string | false)[], confirm: () => T, confirmLabel: string): Promise<T> {
  return inTurn(
    () =>
      new Promise<T>((resolve, reject) => {
        let agreed = false;
        const dialog = h(
          'dialog',
          { class: 'wallet-dialog', 'data-testid': 'wallet-dialog', 'aria-labelledby': 'wallet-title' },
          h(
            'form',
            { method: 'dialog' },
            h('p', { class: 'wallet-brand' }, 'Development wallet · local chain, play money'),
            h('h2', { id: 'wallet-title', 'data-testid': 'wallet-title' }, title),
            ...body,
            h(
              'div',
              { class: 'buttons' },
              // Not a submit button: the first of those is what Enter presses in a form.
              h('button', { type: 'button', class: 'button', 'data-testid': 'wallet-reject', onclick: () => { dialog.close(); } }, 'Reject'),
              h(
                'button',
                {
                  type: 'submit',
                  class: 'button wallet-yes',
                  autofocus: true,
                  'data-testid': 'wallet-confirm',
                  onclick: () => {
                    agreed = true;
                  },
                },
                confirmLabel,
              ),
            ),
          ),
        );
        // Escape closes without a click, so the answer is what was pressed and not how the dialog closed.
        dialog.addEventListener('close', () => {
          dialog.remove();
          if (agreed) resolve(confirm());
          else reject(rejected());
        });
        document.body.append(dialog);
        dialog.showModal();
      }),
  );
}

/** What an account holds, for the choice of one. */
export interface AccountChoice {
  readonly address: string;
  readonly balance: bigint | undefined;
}

/** Lets the person choose the account of this tab. */
export function chooseAccount(
  deployment: Deployment,
  choices: readonly AccountChoice[],
  preselected: number,
): Promise<string> {
  const group = h('fieldset', { class: 'accounts' }, h('legend', {}, 'Which account is this tab?'));
  choices.forEach(({ address, balance }, index) => {
    group.append(
      h(
        'label',
        { class: 'account-choice' },
        h('input', {
          type: 'radio',
          name: 'account',
          value: address,
          checked: index === preselected,
          'data-testid': `wallet-account-${index}`,
        }),
        avatar(deployment, address),
        h('span', { class: 'account-name' }, nameOf(deployment, address)),
        h('span', { class: 'mono muted' }, short(address)),
        h('span', { class: 'muted end' }, balance === undefined ? '' : formatAmount(balance, deployment.token)),
      ),
    );
  });
  const picked = (): string =>
    group.querySelector<HTMLInputElement>('input:checked')?.value ?? choices[preselected]?.address ?? '';
  return ask('Connect to this page', [group], picked, 'Connect');
}

/** Asks for a yes to one thing, or to several under one confirmation. */
export function confirm(
  deployment: Deployment,
  account: string,
  summaries: readonly Summary[],
  raw: unknown,
  confirmLabel: string,
): Promise<void> {
  const [only] = summaries;
  const title = summaries.length === 1 && only ? only.title : (summaries.at(-1)?.title ?? 'Confirm');
  const facts = (summary: Summary): HTMLElement =>
    h('dl', { class: 'facts' }, ...summary.facts.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
  const content =
    summaries.length === 1 && only
      ? facts(only)
      : h('ol', { class: 'wallet-calls' }, ...summaries.map((summary) => h('li', {}, h('strong', {}, summary.title), facts(summary))));
  const body = [
    h('p', { class: 'wallet-account' }, avatar(deployment, account), h('span', {}, nameOf(deployment, account)), h('span', { class: 'mono muted' }, short(account))),
    h('div', { 'data-testid': 'wallet-summary' }, summaries.length > 1 && h('p', {}, `${summaries.length} steps under one confirmation:`), content),
    h('details', {}, h('summary', {}, 'Exact contents'), h('pre', { tabindex: '0', role: 'region', 'aria-label': 'Exact contents' }, JSON.stringify(raw, undefined, 2))),
  ];
  return ask(title, body, () => undefined, confirmLabel);
}

/** One thing that one account is asked for. */
export interface Wish {
  readonly account: string;
  readonly text: string;
}

/** Asks for a yes to what several accounts of the local chain are to do. */
export function confirmTogether(deployment: Deployment, title: string, wishes: readonly Wish[]): Promise<void> {
  const items = wishes.map(({ account, text }) => h('li', { class: 'wallet-account' }, avatar(deployment, account), h('span', {}, text)));
  const body = [h('ul', { class: 'wallet-calls', 'data-testid': 'wallet-summary' }, ...items)];
  return ask(title, body, () => undefined, 'Confirm all');
}
