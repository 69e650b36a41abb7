/** What needs the chain: deposit more, withdraw, close. */

import type { ChannelView, Operation } from '@chit/client';
import { tokenOf } from '../deployment.js';
import { Steps, act, errorLine } from '../lib/action.js';
import { announce } from '../lib/announce.js';
import { field, h } from '../lib/dom.js';
import { formatAmount, parseUnits } from '../lib/format.js';
import { nameOf } from '../lib/people.js';
import type { Session } from '../session.js';

/** What is folded away in a channel's card, and how far a close is, which outlives it. */
export interface ManagePanel {
  readonly element: HTMLElement;
  readonly progress: HTMLElement;
}

/** The folded part of a channel's card. */
export function managePanel(session: Session, channel: ChannelView): ManagePanel {
  const { client, deployment } = session;
  const name = nameOf(deployment, channel.partner);
  const close = closeForm(session, channel);
  const element = h(
    'details',
    { class: 'manage', 'data-testid': 'manage' },
    h('summary', {}, 'Deposit, withdraw, close'),
    h(
      'div',
      { class: 'manage-grid' },
      amountForm(session, channel, {
        id: 'deposit',
        label: 'Deposit more',
        button: 'Deposit',
        hint: 'One confirmation in the wallet.',
        last: 'Done',
        run: (amount) => client.deposit({ channel: channel.id, amount }),
      }),
      amountForm(session, channel, {
        id: 'withdraw',
        label: 'Withdraw',
        button: 'Withdraw',
        hint: `While the channel stays open. ${name} signs too, so must be online.`,
        before: `${name} signs`,
        last: 'Done',
        run: (amount) => client.withdraw({ channel: channel.id, amount }),
      }),
      close.element,
    ),
  );
  return { element, progress: close.progress };
}

interface AmountForm {
  readonly id: string;
  readonly label: string;
  readonly button: string;
  readonly hint: string;
  readonly before?: string;
  readonly last: string;
  run(amount: bigint): Operation<ChannelView>;
}

function amountForm(session: Session, channel: ChannelView, form: AmountForm): HTMLElement {
  const token = tokenOf(session.deployment, channel.token);
  const error = errorLine(`${form.id}-error`);
  const steps = new Steps(form.before === undefined ? { last: form.last } : { before: form.before, last: form.last }, `${form.id}-steps`);
  const amount = h('input', { inputmode: 'decimal', autocomplete: 'off', placeholder: '10', 'data-testid': `${form.id}-amount` });
  const submit = h('button', { class: 'button', type: 'submit', 'data-testid': `${form.id}-submit` }, form.button);
  return h(
    'form',
    {
      novalidate: true,
      onsubmit: (event) => {
        event.preventDefault();
        const value = parseUnits(amount.value, token.decimals);
        if (value === undefined) return error.set('Enter an amount above zero, like 10 or 0.5.');
        void act({ controls: [submit, amount], error, steps }, () => form.run(value)).then((done) => {
          if (!done) return;
          amount.value = '';
          announce(`${form.label}: ${formatAmount(value, token)}, done.`);
        });
      },
    },
    h('div', { class: 'row' }, field(`${form.label} (${token.symbol})`, amount, form.hint), submit),
    steps.element,
    error.element,
  );
}

function closeForm(session: Session, channel: ChannelView): ManagePanel {
  const { client, deployment } = session;
  const name = nameOf(deployment, channel.partner);
  const error = errorLine('close-error');
  const steps = new Steps({ before: `${name} signs`, last: 'Closed' }, 'close-steps');
  const together = h(
    'button',
    { class: 'button danger', type: 'button', 'data-testid': 'close-submit', onclick: () => void close('auto') },
    'Close channel',
  );
  const alone = h(
    'button',
    { class: 'button', type: 'button', 'data-testid': 'close-alone', onclick: () => void close('unilateral') },
    'Close alone now',
  );
  const close = async (mode: 'auto' | 'unilateral'): Promise<void> => {
    const controls = mode === 'auto' ? [together, alone] : [alone, together];
    const closed = await act({ controls, error, steps }, () => client.closeChannel({ channel: channel.id, mode }));
    if (closed) announce('The channel is closed.');
  };
  const element = h(
    'div',
    { class: 'close-form' },
    h('h4', {}, 'Close'),
    h(
      'p',
      { class: 'hint' },
      `Together with ${name} it is one transaction and both are paid at once. If ${name} is silent, the channel is closed alone, and you are paid when the time for objections is over.`,
    ),
    h('div', { class: 'buttons start' }, together, alone),
  );
  return { element, progress: h('div', { class: 'close-progress' }, steps.element, error.element) };
}
