/** One person among several on a page: what they hold, and how they may misbehave. */

import { act, errorLine } from '../lib/action.js';
import { announce } from '../lib/announce.js';
import { h, setText } from '../lib/dom.js';
import { formatUnits } from '../lib/format.js';
import { avatar, nameOf } from '../lib/people.js';
import type { Session } from '../session.js';

/** The card of a person. */
export function personCard(session: Session): HTMLElement {
  const { deployment, wallet } = session;
  const { token } = deployment;
  const name = nameOf(deployment, wallet);
  const inWallet = h('dd', { 'data-testid': 'person-wallet' }, '…');
  const inChannels = h('dd', { 'data-testid': 'person-channels' }, '…');
  session.subscribe(() => {
    const open = [...session.channels.values()].filter(({ status }) => status !== 'settled');
    const held = open.reduce((sum, { ours }) => sum + ours.balance, 0n);
    setText(inChannels, formatUnits(held, token.decimals, 4));
    inChannels.dataset['value'] = held.toString();
    if (!session.balances) return;
    setText(inWallet, formatUnits(session.balances.token, token.decimals, 4));
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
    silence(session, name),
  );
}

function silence(session: Session, name: string): HTMLElement {
  const error = errorLine('silence-error');
  const button = h('button', {
    type: 'button',
    class: 'button',
    'data-testid': 'silence',
    onclick: () =>
      void act({ controls: [button], error }, async () => {
        await session.client.testing.setOffline({ offline: !session.offline });
        session.offline = !session.offline;
        announce(session.offline ? `${name} is silent.` : `${name} answers again.`);
        session.changed();
      }),
  });
  session.subscribe(() => {
    setText(button, session.offline ? 'Answer again' : 'Go silent');
    button.setAttribute('aria-pressed', String(session.offline));
  });
  return h('div', { class: 'person-actions' }, button, error.element);
}
