/** One channel. Built once and then patched, so that focus and what was typed survive every event. */

import type { ChannelView } from '@chit/client';
import { tokenOf } from '../deployment.js';
import { Steps, act, errorLine } from '../lib/action.js';
import { announce } from '../lib/announce.js';
import { h, setText, show } from '../lib/dom.js';
import { countdown, formatAmount, formatUnits, same, short } from '../lib/format.js';
import { avatar, nameOf } from '../lib/people.js';
import { statusWord } from '../lib/words.js';
import type { Session } from '../session.js';
import { managePanel } from './manage.js';
import { payForm } from './pay-form.js';

/** A card and how to bring it up to date. */
export interface ChannelCard {
  readonly element: HTMLElement;
  update(channel: ChannelView): void;
}

/** Makes the card of a channel. */
export function channelCard(session: Session, first: ChannelView): ChannelCard {
  const { deployment } = session;
  const token = tokenOf(deployment, first.token);
  const name = nameOf(deployment, first.partner);

  const badge = h('span', { class: 'badge', 'data-testid': 'channel-status' });
  const presence = h('span', { class: 'presence', 'data-testid': 'channel-online' });
  const bar = balanceBar(name);
  const opening = h('progress', { 'aria-label': 'Confirmations' });
  const openingText = h('p', { class: 'hint' });
  const openingPart = h('div', { class: 'opening', 'data-testid': 'opening-progress' }, openingText, opening);
  const stopped = h('p', { class: 'notice bad', role: 'alert', 'data-testid': 'channel-error' });
  const outcome = h('p', { class: 'outcome', 'data-testid': 'outcome' });
  const absent = h('p', { class: 'hint', 'data-testid': 'not-ready' }, `Payments wait until ${name} is online: open ${name}’s tab.`);
  const pending = h('p', { class: 'hint busy', 'data-testid': 'pending' });
  const dispute = disputePart(session, first);
  const pay = payForm(session, first);
  const manage = managePanel(session, first);
  const numbers = h('dl', { class: 'facts numbers' });

  const element = h(
    'article',
    { class: 'panel channel', tabindex: -1, 'data-testid': 'channel', 'data-channel': first.id, 'aria-label': `Channel with ${name}` },
    h(
      'header',
      { class: 'channel-head' },
      avatar(deployment, first.partner),
      h('div', { class: 'channel-who' }, h('h3', { 'data-testid': 'channel-partner' }, name), h('span', { class: 'mono muted' }, short(first.partner)), presence),
      badge,
    ),
    bar.element,
    openingPart,
    absent,
    dispute.element,
    manage.progress,
    stopped,
    outcome,
    pending,
    pay,
    manage.element,
    h('details', { class: 'numbers-box' }, h('summary', {}, 'Numbers'), numbers),
  );

  const update = (channel: ChannelView): void => {
    const { status, confirmations } = channel;
    element.dataset['status'] = status;
    element.dataset['ready'] = String(channel.ready);
    setText(badge, statusWord(channel));
    badge.dataset['status'] = status === 'open' && !channel.ready ? 'opening' : status;
    const live = status === 'open' || status === 'opening';
    show(presence, live);
    setText(presence, channel.partnerOnline ? 'online' : 'offline');
    presence.dataset['online'] = String(channel.partnerOnline);

    bar.update(channel, token);
    show(openingPart, status === 'opening');
    setText(openingText, `${confirmations.have} of ${confirmations.required} confirmations. You can leave or reload; it goes on by itself.`);
    opening.max = Math.max(1, confirmations.required);
    opening.value = confirmations.have;

    dispute.update(channel);
    show(stopped, status === 'stopped');
    setText(stopped, channel.error ? `This channel is stopped: ${channel.error.message}` : 'This channel is stopped.');
    show(outcome, status === 'settled');
    setText(outcome, `The Judge has paid you ${formatAmount(channel.paid, token)}.`);
    outcome.dataset['paid'] = channel.paid.toString();
    show(absent, status === 'open' && !channel.ready);
    const count = channel.pendingPayments;
    show(pending, live && count > 0);
    setText(pending, `${count.toLocaleString('en-US')} ${count === 1 ? 'payment is' : 'payments are'} waiting for ${name}.`);
    // What disappears with the focus in it hands it to the card, or the keyboard would start at the top of the page.
    const disappears = status !== 'open' && [pay, manage.element].some((part) => part.contains(document.activeElement));
    if (disappears) element.focus({ preventScroll: true });
    show(pay, status === 'open');
    show(manage.element, status === 'open');
    numbers.replaceChildren(...facts(channel).map(([term, value]) => h('div', {}, h('dt', {}, term), h('dd', { class: 'mono' }, value))));
  };
  const facts = (channel: ChannelView): [string, string][] => [
    ['Channel', short(channel.id)],
    ['Deposits, you and partner', `${formatUnits(channel.ours.deposited, token.decimals)} and ${formatUnits(channel.theirs.deposited, token.decimals)}`],
    ['Paid in total', `${formatUnits(channel.ours.transferred, token.decimals)} and ${formatUnits(channel.theirs.transferred, token.decimals)}`],
    ['Withdrawn', `${formatUnits(channel.ours.withdrawn, token.decimals)} and ${formatUnits(channel.theirs.withdrawn, token.decimals)}`],
    ['Signatures', `${channel.ours.nonce} and ${channel.theirs.nonce}`],
    ['Payments on their way', String(channel.pendingPayments)],
  ];
  update(first);
  return { element, update };
}

function balanceBar(name: string): { element: HTMLElement; update(channel: ChannelView, token: { symbol: string; decimals: number; address: `0x${string}` }): void } {
  const ours = h('span', { class: 'amount', 'data-testid': 'balance-ours' });
  const theirs = h('span', { class: 'amount', 'data-testid': 'balance-theirs' });
  const fill = h('div', { class: 'bar-ours' });
  const bar = h('div', { class: 'bar', 'aria-hidden': 'true' }, fill);
  const element = h(
    'div',
    { class: 'balance' },
    h('div', { class: 'balance-labels' }, h('div', {}, h('span', { class: 'side-name' }, 'You'), ours), h('div', { class: 'right' }, h('span', { class: 'side-name' }, name), theirs)),
    bar,
  );
  return {
    element,
    update(channel, token) {
      setText(ours, formatAmount(channel.ours.balance, token));
      setText(theirs, formatAmount(channel.theirs.balance, token));
      ours.dataset['value'] = channel.ours.balance.toString();
      theirs.dataset['value'] = channel.theirs.balance.toString();
      const total = channel.ours.balance + channel.theirs.balance;
      const share = total === 0n ? 50 : Number((channel.ours.balance * 10_000n) / total) / 100;
      fill.style.setProperty('inline-size', `${share}%`);
      bar.classList.toggle('empty', total === 0n);
    },
  };
}

/** Closing: what happened, what is to be done, and until when. */
function disputePart(session: Session, first: ChannelView): ChannelCard {
  const { client, deployment } = session;
  const name = nameOf(deployment, first.partner);
  let channel = first;
  const text = h('p', {});
  const time = h('p', { class: 'countdown', 'data-testid': 'countdown' });
  const error = errorLine('dispute-error');
  const respondSteps = new Steps({ last: 'Answered' }, 'respond-steps');
  const settleSteps = new Steps({ last: 'Paid out' }, 'settle-steps');
  const respond = h(
    'button',
    {
      class: 'button primary',
      type: 'button',
      'data-testid': 'respond-submit',
      onclick: () =>
        void act({ controls: [respond], error, steps: respondSteps }, () => client.respond({ channel: first.id })).then(
          (done) => done && announce('Answered with your newest note.'),
        ),
    },
    'Answer with my newest note',
  );
  const settle = h(
    'button',
    {
      class: 'button primary',
      type: 'button',
      'data-testid': 'settle-submit',
      onclick: () =>
        void act({ controls: [settle], error, steps: settleSteps }, () => client.settle({ channel: first.id })).then((done) => {
          if (done) announce('Paid out.');
          void session.refresh();
        }),
    },
    'Pay out',
  );
  const element = h(
    'div',
    { class: 'dispute', 'data-testid': 'dispute' },
    text,
    time,
    h('div', { class: 'buttons start' }, respond, settle),
    respondSteps.element,
    settleSteps.element,
    error.element,
  );

  const render = (): void => {
    const { status, challengeEnd, actionRequired, closer } = channel;
    const closing = status === 'closing' || status === 'settleable';
    show(element, closing);
    if (!closing) return;
    // The chain knows of no close alone: a signature, the wallet or a confirmation is waited for.
    if (status === 'closing' && closer === undefined) {
      element.dataset['action'] = '';
      for (const part of [time, respond, settle]) show(part, false);
      return setText(text, `This channel is being closed and takes no more payments. When both have signed, both are paid at once; if ${name} is silent, it is closed alone.`);
    }
    const left = (challengeEnd ?? 0) - session.now();
    const over = status === 'settleable' || actionRequired === 'settle';
    const mine = same(closer, session.wallet);
    element.dataset['action'] = actionRequired ?? '';
    show(respond, actionRequired === 'respond');
    show(settle, over);
    show(time, !over);
    setText(time, left > 0 ? `${countdown(left)} left` : 'Time is over, waiting for the chain…');
    if (over) setText(text, 'The time for objections is over. Anybody can have both sides paid out now.');
    else if (actionRequired === 'respond' && mine) {
      setText(text, `You closed this channel with an old note of ${name}’s that leaves out payments to you. Bring your newest one before the time is over, or lose them: an old note only costs whoever uses it.`);
    } else if (actionRequired === 'respond') {
      setText(text, `${name} closed this channel with an old note that leaves out payments to you. Answer with your newest one before the time is over, and the Judge goes by that.`);
    } else if (mine) setText(text, `You closed this channel. ${name} can still show a newer note; after that both are paid out.`);
    else setText(text, `${name} closed this channel. Your newest note counts; after the time for objections both are paid out.`);
  };
  // Countdowns run between events.
  setInterval(render, 500);
  return {
    element,
    update(next) {
      channel = next;
      render();
    },
  };
}
