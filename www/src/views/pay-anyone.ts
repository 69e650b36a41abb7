/** Paying somebody of the network. */

import type { Address } from '@chit/client';
import { act, errorLine } from '../lib/action.js';
import { announce } from '../lib/announce.js';
import { field, h, setText, show } from '../lib/dom.js';
import { elapsed, formatAmount, parseUnits, same } from '../lib/format.js';
import { nameOf } from '../lib/people.js';
import type { Session } from '../session.js';

/** The panel “Pay”, for one of several people or for the only one. */
export function payPanel(sessions: readonly Session[]): HTMLElement {
  const [first] = sessions as [Session];
  const { deployment } = first;
  const { token } = deployment;
  const error = errorLine('network-error');
  const result = h('p', { class: 'result', hidden: true, role: 'status', 'data-testid': 'network-result' });
  const person = (address: Address): HTMLOptionElement => h('option', { value: address }, nameOf(deployment, address));
  const from = h('select', { 'data-testid': 'network-from' }, ...sessions.map(({ wallet }) => person(wallet)));
  const to = h('select', { 'data-testid': 'network-to' });
  const amount = h('input', { inputmode: 'decimal', autocomplete: 'off', placeholder: '5', 'data-testid': 'network-amount' });
  const submit = h('button', { class: 'button primary', type: 'submit', 'data-testid': 'network-pay' }, 'Pay');
  const payer = (): Session => sessions.find(({ wallet }) => wallet === from.value) ?? first;

  /** Everybody whom the payer can pay now. */
  const render = (): void => {
    const partners = payer().sortedChannels().filter((channel) => channel.ready && channel.capacity > 0n && same(channel.token, token.address));
    const known = [...to.options].map(({ value }) => value);
    const wanted = partners.map(({ partner }) => partner);
    if (wanted.join() === known.join()) return;
    const chosen = to.value;
    to.replaceChildren(...wanted.map(person));
    if (wanted.some((address) => same(address, chosen))) to.value = chosen;
  };
  from.addEventListener('change', render);

  const panel = h(
    'section',
    { class: 'panel', 'aria-labelledby': 'pay-anyone-title' },
    h('h2', { id: 'pay-anyone-title' }, 'Pay'),
    h(
      'form',
      {
        novalidate: true,
        onsubmit: (event) => {
          event.preventDefault();
          const value = parseUnits(amount.value, token.decimals);
          if (value === undefined) return error.set('Enter an amount above zero, like 5 or 0.01.');
          const [session, payee] = [payer(), to.value as Address];
          const begun = performance.now();
          show(result, false);
          void act({ controls: [submit], error }, () => session.client.pay({ to: payee, token: token.address, amount: value })).then((done) => {
            if (!done) return;
            const sentence = `${nameOf(deployment, session.wallet)} paid ${formatAmount(value, token)} to ${nameOf(deployment, payee)} in ${elapsed(performance.now() - begun)}.`;
            setText(result, sentence);
            show(result, true);
            announce(sentence);
          });
        },
      },
      h('div', { class: 'row network-pay' }, field('From', from), field('To', to), field(`Amount in ${token.symbol}`, amount), submit),
      result,
      error.element,
    ),
  );
  for (const session of sessions) {
    session.subscribe(() => {
      render();
      show(panel, sessions.some((someone) => [...someone.channels.values()].some(({ status }) => status === 'open')));
    });
  }
  return panel;
}
