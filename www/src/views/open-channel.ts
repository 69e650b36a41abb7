/** The form that opens a channel. */

import type { Address } from '@chit/client';
import { tokensOf } from '../deployment.js';
import { Steps, act, errorLine } from '../lib/action.js';
import { announce } from '../lib/announce.js';
import { field, h } from '../lib/dom.js';
import { parseUnits, same, short } from '../lib/format.js';
import { nameAt, nameOf } from '../lib/people.js';
import type { Session } from '../session.js';

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;

/** The panel “Open a channel”. */
export function openPanel(session: Session): HTMLElement {
  const { deployment, wallet } = session;
  const error = errorLine('open-error');
  const steps = new Steps({ last: 'Ready' }, 'open-steps');
  const tokens = tokensOf(deployment);

  const suggestions = h('datalist', { id: 'people' });
  deployment.accounts.forEach((address, index) => {
    if (!same(address, wallet)) suggestions.append(h('option', { value: address, label: nameAt(index) ?? short(address) }));
  });
  const partner = h('input', {
    class: 'mono',
    list: 'people',
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: '0x…',
    required: true,
    'data-testid': 'open-partner',
  });
  const chips = h('div', { class: 'chips', role: 'group', 'aria-label': 'People you can choose' });
  deployment.accounts.slice(0, 5).forEach((address, index) => {
    if (same(address, wallet)) return;
    const chip = h(
      'button',
      {
        type: 'button',
        class: 'chip',
        'aria-pressed': 'false',
        'data-address': address,
        'data-testid': `open-suggest-${index}`,
        onclick: () => {
          partner.value = address;
          markChosen();
          deposit.focus();
        },
      },
      nameAt(index) ?? short(address),
    );
    chips.append(chip);
  });
  const markChosen = (): void => {
    for (const chip of chips.querySelectorAll('button')) {
      chip.setAttribute('aria-pressed', String(same(chip.dataset['address'], partner.value.trim())));
    }
  };
  partner.addEventListener('input', markChosen);
  const token = h(
    'select',
    { 'data-testid': 'open-token' },
    ...tokens.map(({ address, symbol }) => h('option', { value: address }, symbol)),
  );
  const deposit = h('input', {
    inputmode: 'decimal',
    autocomplete: 'off',
    value: '100',
    required: true,
    'data-testid': 'open-deposit',
  });
  token.addEventListener('change', () => {
    deposit.value = same(token.value, deployment.token.address) ? '100' : '1';
  });
  const submit = h('button', { class: 'button primary', type: 'submit', 'data-testid': 'open-submit' }, 'Open channel');

  const form = h(
    'form',
    {
      'data-testid': 'open-form',
      novalidate: true,
      onsubmit: (event) => {
        event.preventDefault();
        const chosen = tokens.find(({ address }) => address === token.value) ?? deployment.token;
        const amount = parseUnits(deposit.value, chosen.decimals);
        const to = partner.value.trim();
        if (!ADDRESS.test(to)) return error.set('Choose a person above, or enter an address: 0x and 40 hex digits.');
        if (same(to, wallet)) return error.set('That is you. Choose somebody else.');
        if (amount === undefined) return error.set('Enter an amount above zero, like 100 or 0.5.');
        const run = () => session.client.openChannel({ partner: to as Address, token: chosen.address, deposit: amount });
        void act({ controls: [submit, partner, token, deposit], error, steps }, run).then((opened) => {
          if (!opened) return;
          partner.value = '';
          markChosen();
          announce(`The channel with ${nameOf(deployment, to)} is ready.`);
        });
      },
    },
    field('Partner', partner),
    chips,
    suggestions,
    h('div', { class: 'row' }, field('Deposit', deposit), field('Token', token)),
    submit,
    steps.element,
    error.element,
  );
  return h(
    'section',
    { class: 'panel', 'aria-labelledby': 'open-title' },
    h('h2', { id: 'open-title' }, 'Open a channel'),
    h('p', { class: 'hint' }, 'One confirmation in the wallet. After that, paying needs none.'),
    form,
  );
}
