/** Paying: one amount, quick amounts, and a thousand at once. */

import type { ChannelView } from '@chit/client';
import { tokenOf } from '../deployment.js';
import { act, errorLine } from '../lib/action.js';
import { announce } from '../lib/announce.js';
import { field, h, setText, show } from '../lib/dom.js';
import { elapsed, formatAmount, parseUnits } from '../lib/format.js';
import { nameOf } from '../lib/people.js';
import type { Session } from '../session.js';

const BURST = 1_000;

/** The form and buttons of one channel. */
export function payForm(session: Session, channel: ChannelView): HTMLElement {
  const { deployment, client } = session;
  const token = tokenOf(deployment, channel.token);
  const name = nameOf(deployment, channel.partner);
  const unit = 10n ** BigInt(token.decimals);
  const small = token.symbol === 'ETH' ? unit / 1000n : unit;
  const error = errorLine('pay-error');
  const result = h('p', { class: 'result', hidden: true, role: 'status', 'data-testid': 'pay-result' });

  const amount = h('input', { inputmode: 'decimal', autocomplete: 'off', placeholder: '5', 'data-testid': 'pay-amount' });
  const memo = h('input', { autocomplete: 'off', maxlength: 100, placeholder: 'coffee', 'data-testid': 'pay-memo' });
  const submit = h('button', { class: 'button primary', type: 'submit', 'data-testid': 'pay-submit' }, 'Pay');

  const tell = (sentence: string): void => {
    setText(result, sentence);
    show(result, true);
    announce(sentence);
  };
  const waiting = h('p', { class: 'hint waiting', hidden: true, 'data-testid': 'pay-waiting' });
  const payOnce = async (value: bigint, note?: string, signal?: AbortSignal): Promise<void> => {
    const begun = performance.now();
    await client.pay({ channel: channel.id, amount: value, memo: note === '' ? undefined : note, signal });
    tell(`Paid ${formatAmount(value, token)} to ${name} in ${elapsed(performance.now() - begun)}.`);
  };
  const quick = (factor: bigint): HTMLButtonElement => {
    const value = small * factor;
    const button = h(
      'button',
      {
        type: 'button',
        class: 'button small',
        'data-testid': `pay-quick-${factor}`,
        'aria-label': `Pay ${formatAmount(value, token)}`,
        onclick: () => {
          // Not disabled meanwhile: clicking fast is what this is for.
          error.clear();
          payOnce(value).catch((reason: unknown) => {
            error.set(reason);
          });
        },
      },
      `+${formatAmount(value, token)}`,
    );
    return button;
  };
  const burst = h(
    'button',
    {
      type: 'button',
      class: 'button small',
      'data-testid': 'pay-burst',
      onclick: () =>
        void act({ controls: [burst], error }, async () => {
          const now = session.channels.get(channel.id) ?? channel;
          const most = now.capacity / BigInt(BURST);
          const each = most < small / 1000n ? most : small / 1000n;
          if (each <= 0n) throw new Error('There is too little left in the channel for a thousand payments.');
          tell('Paying 1,000 times…');
          const begun = performance.now();
          await Promise.all(
            Array.from({ length: BURST }, () => client.pay({ channel: channel.id, amount: each, memo: 'one of 1,000' })),
          );
          const took = performance.now() - begun;
          const after = await client.channel({ channel: channel.id });
          const signatures = after.ours.nonce - now.ours.nonce;
          result.dataset['signatures'] = String(signatures);
          result.dataset['milliseconds'] = took.toFixed(0);
          tell(
            `1,000 payments of ${formatAmount(each, token)} in ${elapsed(took)}: ${signatures} ${signatures === 1 ? 'signature' : 'signatures'}, no transaction.`,
          );
        }),
    },
    '1,000 payments at once',
  );

  return h(
    'form',
    {
      class: 'pay',
      novalidate: true,
      'aria-label': `Pay ${name}`,
      onsubmit: (event) => {
        event.preventDefault();
        const value = parseUnits(amount.value, token.decimals);
        if (value === undefined) return error.set('Enter an amount above zero, like 5 or 0.01.');
        const stop = takeBack(waiting, name);
        void act({ controls: [submit], error }, () => payOnce(value, memo.value.trim(), stop.signal)).then((paid) => {
          stop.end();
          if (!paid) return;
          amount.value = '';
          memo.value = '';
          amount.focus();
        });
      },
    },
    h('div', { class: 'row pay-row' }, field(`Amount in ${token.symbol}`, amount), field('Memo (optional)', memo), submit),
    h('div', { class: 'chips' }, quick(1n), quick(10n), burst),
    waiting,
    result,
    error.element,
  );
}

/** After a second without an answer, says what is waited for and offers to take the payment back. */
function takeBack(place: HTMLElement, name: string): { signal: AbortSignal; end(): void } {
  const stop = new AbortController();
  const timer = setTimeout(() => {
    const button = h(
      'button',
      {
        type: 'button',
        class: 'button small',
        'data-testid': 'pay-cancel',
        onclick: () => {
          stop.abort();
        },
      },
      'Take it back',
    );
    place.replaceChildren(h('span', { class: 'busy' }, `Waiting for ${name} to store it…`), button);
    show(place, true);
  }, 1000);
  return {
    signal: stop.signal,
    end() {
      clearTimeout(timer);
      show(place, false);
    },
  };
}
