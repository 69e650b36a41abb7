/** Paying anyone: says the way and the fee before, and what happens while it does. */

import type { Address, Payment, PaymentView } from '@chit/client';
import type { Deployment } from '../deployment.js';
import { act, errorLine } from '../lib/action.js';
import { announce } from '../lib/announce.js';
import { field, h, setText, show } from '../lib/dom.js';
import { elapsed, formatAmount, parseUnits, same } from '../lib/format.js';
import { nameOf } from '../lib/people.js';
import { describeError } from '../lib/words.js';
import { quoteWords, stepWords } from '../network/words.js';
import type { Session } from '../session.js';

/** How long somebody must stop typing before the network is asked. */
const PAUSE = 250;

/** The panel “Pay anyone”: on a page with several people the payer is chosen as well. */
export function payPanel(sessions: readonly Session[], people: () => readonly Address[]): HTMLElement {
  const [first] = sessions as [Session];
  const { deployment } = first;
  const { token } = deployment;
  const error = errorLine('network-error');
  const way = h('p', { class: 'hint', 'data-testid': 'network-quote' });
  const progress = paymentProgress(deployment);
  const from = personSelect(deployment, 'network-from');
  const to = personSelect(deployment, 'network-to');
  from.offer(sessions.map(({ wallet }) => wallet));
  const amount = h('input', { inputmode: 'decimal', autocomplete: 'off', placeholder: '5', 'data-testid': 'network-amount' });
  const submit = h('button', { class: 'button primary', type: 'submit', 'data-testid': 'network-pay' }, 'Pay');
  const payer = (): Session => sessions.find(({ wallet }) => same(wallet, from.element.value)) ?? first;
  const quote = quoter(way, () => {
    const value = parseUnits(amount.value, token.decimals);
    const payee = to.element.value;
    return value === undefined || payee === '' ? undefined : { session: payer(), to: payee as Address, amount: value };
  });

  const offer = (): void => {
    const others = people().filter((address) => !same(address, payer().wallet));
    // The farthest first: that is the one whom a channel does not reach.
    if (to.offer([...others].reverse())) quote();
  };
  from.element.addEventListener('change', offer);
  for (const control of [from.element, to.element, amount]) control.addEventListener('input', quote);

  const pay = (value: bigint): void => {
    const [session, payee] = [payer(), to.element.value as Address];
    const names = [session.wallet, payee].map((address) => nameOf(deployment, address));
    show(way, false);
    void act({ controls: [submit], error }, () =>
      progress.follow(session.client.pay({ to: payee, token: token.address, amount: value }), names, value),
    ).then(() => {
      quote();
    });
  };
  const panel = h(
    'section',
    { class: 'panel', 'aria-labelledby': 'pay-anyone-title' },
    h('h2', { id: 'pay-anyone-title' }, 'Pay anyone'),
    h(
      'form',
      {
        novalidate: true,
        onsubmit: (event) => {
          event.preventDefault();
          const value = parseUnits(amount.value, token.decimals);
          if (value === undefined) return error.set('Enter an amount above zero, like 5 or 0.01.');
          if (to.element.value === '') return error.set('Choose whom to pay.');
          pay(value);
        },
      },
      h(
        'div',
        { class: sessions.length > 1 ? 'row network-pay' : 'row network-pay alone' },
        sessions.length > 1 && field('From', from.element),
        field('To', to.element),
        field(`Amount in ${token.symbol}`, amount),
        submit,
      ),
      way,
      progress.element,
      error.element,
    ),
  );
  for (const session of sessions) {
    session.subscribe(() => {
      offer();
      show(panel, sessions.some((someone) => [...someone.channels.values()].some(({ status }) => status === 'open')));
    });
  }
  return panel;
}

/** A choice among people that keeps what was chosen when the list changes. */
export function personSelect(deployment: Deployment, id: string): { element: HTMLSelectElement; offer(people: readonly Address[]): boolean } {
  const element = h('select', { 'data-testid': id });
  return {
    element,
    offer(people) {
      const known = [...element.options].map(({ value }) => value);
      if (known.join() === people.join()) return false;
      const chosen = element.value;
      element.replaceChildren(...people.map((address) => h('option', { value: address }, nameOf(deployment, address))));
      const kept = people.find((address) => same(address, chosen));
      if (kept !== undefined) element.value = kept;
      return true;
    },
  };
}

interface Asked {
  readonly session: Session;
  readonly to: Address;
  readonly amount: bigint;
}

/** Says how a payment would go, once nobody types any more. */
function quoter(place: HTMLElement, asked: () => Asked | undefined): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let turn = 0;
  return () => {
    clearTimeout(timer);
    turn += 1;
    const mine = turn;
    const tell = (sentence: string): void => {
      if (mine !== turn) return;
      setText(place, sentence);
      show(place, sentence !== '');
    };
    timer = setTimeout(() => {
      const wanted = asked();
      if (!wanted) return tell('');
      const { session, to, amount } = wanted;
      const { deployment, client } = session;
      client.quote({ to, token: deployment.token.address, amount }).then(
        (found) => { tell(quoteWords(deployment, found)); },
        (reason: unknown) => { tell(describeError(reason)); },
      );
    }, PAUSE);
  };
}

/** The steps of one payment after the other. */
export interface PaymentProgress {
  readonly element: HTMLElement;
  /** Shows a payment's steps until it ends. `names` are payer and payee. */
  follow(payment: Payment | Promise<PaymentView>, names: readonly string[], amount: bigint): Promise<void>;
}

/** Makes an empty list of steps. */
export function paymentProgress(deployment: Deployment, id = 'network'): PaymentProgress {
  const steps = h('ol', { class: 'pay-steps', hidden: true, 'data-testid': `${id}-steps` });
  const result = h('p', { class: 'result', hidden: true, role: 'status', 'data-testid': `${id}-result` });
  return {
    element: h('div', { class: 'pay-progress' }, steps, result),
    async follow(payment, [payer = '', payee = ''], amount) {
      const begun = performance.now();
      steps.replaceChildren();
      show(result, false);
      if ('on' in payment) payment.on('progress', (step) => {
        steps.dataset['stage'] = step.stage;
        const words = stepWords(deployment, step);
        if (words === undefined) return;
        steps.append(h('li', { 'data-stage': step.stage }, words));
        show(steps, true);
      });
      const { fee } = await payment;
      const costs = fee > 0n ? `, fee ${formatAmount(fee, deployment.token)}` : '';
      const sentence = `${payer} paid ${formatAmount(amount, deployment.token)} to ${payee}${costs}, in ${elapsed(performance.now() - begun)}.`;
      setText(result, sentence);
      show(result, true);
      announce(sentence);
    },
  };
}
