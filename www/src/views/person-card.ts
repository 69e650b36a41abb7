/** One person among several on a page: what they hold, and how they may misbehave. */

import { Steps, act, errorLine } from '../lib/action.js';
import { announce } from '../lib/announce.js';
import { h, setText, show } from '../lib/dom.js';
import { formatAmount, formatUnits } from '../lib/format.js';
import { avatar, nameOf } from '../lib/people.js';
import type { Session } from '../session.js';

/** The card of a person; `onLook` shows that person's channels. */
export function personCard(session: Session, onLook: () => void): HTMLElement {
  const { deployment, wallet } = session;
  const { token } = deployment;
  const name = nameOf(deployment, wallet);
  const inWallet = h('dd', { 'data-testid': 'person-wallet' }, '…');
  const inChannels = h('dd', { 'data-testid': 'person-channels' }, '…');
  const look = h('button', { type: 'button', class: 'button small', 'data-testid': 'person-look', onclick: onLook }, `${name}’s channels`);
  session.subscribe(() => {
    const held = liveChannels(session).reduce((sum, { ours }) => sum + ours.balance, 0n);
    setText(inChannels, formatUnits(held, token.decimals, 2));
    inChannels.dataset['value'] = held.toString();
    show(look, session.channels.size > 0);
    if (!session.balances) return;
    setText(inWallet, formatUnits(session.balances.token, token.decimals, 2));
    inWallet.dataset['value'] = session.balances.token.toString();
  });
  return h(
    'article',
    { class: 'panel person', 'aria-label': name, 'data-testid': 'person', 'data-name': name },
    h('h3', { class: 'who' }, avatar(deployment, wallet), h('span', {}, name)),
    h(
      'dl',
      { class: 'balances' },
      h('div', {}, h('dt', {}, 'In channels'), inChannels),
      h('div', {}, h('dt', {}, 'In the wallet'), inWallet),
    ),
    h('div', { class: 'person-actions' }, ...silence(session, name), ...refusal(session, name), ...reveal(session, name)),
    look,
  );
}

/** Channels that still hold something. */
function liveChannels({ channels, deployment }: Session): ReturnType<Session['sortedChannels']> {
  return [...channels.values()].filter(({ status, token }) => status !== 'settled' && token.toLowerCase() === deployment.token.address.toLowerCase());
}

/** The mediator goes silent: at once, or when a payment hangs at it, which the hand is too slow for. */
function silence(session: Session, name: string): readonly HTMLElement[] {
  const error = errorLine('silence-error');
  let isArmed = false;
  const turn = async (offline: boolean): Promise<void> => {
    isArmed = false;
    await session.client.testing.setOffline({ offline });
    session.offline = offline;
    announce(offline ? `${name} is silent.` : `${name} answers again.`);
    session.changed();
  };
  const button = h('button', {
    type: 'button',
    class: 'button',
    'data-testid': 'silence',
    onclick: () => void act({ controls: [button], error }, () => turn(!session.offline)),
  });
  const inTheMiddle = h(
    'button',
    {
      type: 'button',
      class: 'button',
      'data-testid': 'silence-later',
      title: `As soon as ${name} has passed a payment on`,
      onclick: () => {
        isArmed = !isArmed;
        session.changed();
      },
    },
    'Silent mid-payment',
  );
  session.onMove(({ kind }) => {
    if (isArmed && kind === 'locked') turn(true).catch((reason: unknown) => { error.set(reason); });
  });
  session.subscribe(() => {
    setText(button, session.offline ? 'Answer again' : 'Go silent');
    button.setAttribute('aria-pressed', String(session.offline));
    inTheMiddle.setAttribute('aria-pressed', String(isArmed));
    show(inTheMiddle, !session.offline);
  });
  return [button, inTheMiddle, error.element];
}

function refusal(session: Session, name: string): readonly HTMLElement[] {
  const error = errorLine('refuse-error');
  const button = h(
    'button',
    {
      type: 'button',
      class: 'button',
      'data-testid': 'refuse',
      onclick: () =>
        void act({ controls: [button], error }, async () => {
          await session.client.testing.refuse(!session.refusing);
          session.refusing = !session.refusing;
          announce(session.refusing ? `${name} refuses payments of others.` : `${name} passes payments on again.`);
          session.changed();
        }),
    },
    'Refuse payments',
  );
  session.subscribe(() => {
    button.setAttribute('aria-pressed', String(session.refusing));
  });
  return [button, error.element];
}

/** Bringing the secrets of locks that are not paid to the chain; shown while something hangs. */
function reveal(session: Session, name: string): readonly HTMLElement[] {
  const { deployment, client } = session;
  const error = errorLine('reveal-error');
  const steps = new Steps({ last: 'Done' }, 'reveal-steps');
  const hint = h('p', { class: 'hint' });
  const hanging = (): ReturnType<Session['sortedChannels']> => liveChannels(session).filter(({ theirs }) => theirs.locked > 0n);
  const button = h(
    'button',
    {
      type: 'button',
      class: 'button danger',
      'data-testid': 'reveal',
      onclick: () => {
        const [channel] = hanging();
        if (!channel) return;
        void act({ controls: [button], error, steps }, () => client.testing.revealOnChain({ channel: channel.id })).then((done) => {
          if (done) announce('The secret is on the chain: the Judge pays, if nobody else does.');
          else if (error.element.dataset['code'] === 'NOTHING_TO_DO') error.set(`${name} does not know the secret of this payment, or it is on the chain already.`);
        });
      },
    },
    'Reveal on chain',
  );
  const element = h('div', { class: 'person-reveal', hidden: true }, hint, button, steps.element, error.element);
  session.subscribe(() => {
    const locked = hanging().reduce((sum, { theirs }) => sum + theirs.locked, 0n);
    show(element, locked > 0n || button.getAttribute('aria-busy') === 'true');
    setText(hint, `${formatAmount(locked, deployment.token)} locked for ${name}, not paid yet.`);
  });
  return [element];
}
