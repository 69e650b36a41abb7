/** Who this tab is, what the wallet holds, and being paid. */

import { act, errorLine } from '../lib/action.js';
import { announce } from '../lib/announce.js';
import { h, setText, show } from '../lib/dom.js';
import { formatUnits } from '../lib/format.js';
import { avatar, nameOf } from '../lib/people.js';
import { ETHER } from '../deployment.js';
import type { Session } from '../session.js';
import { copyable } from './copyable.js';
import { hostName } from './guide.js';

/** The panel “Your account”. */
export function accountPanel(session: Session): HTMLElement {
  const { deployment, wallet } = session;
  const token = h('dd', { 'data-testid': 'balance-token' }, '…');
  const ether = h('dd', { 'data-testid': 'balance-eth' }, '…');
  session.subscribe(() => {
    const { balances } = session;
    if (!balances) return;
    setText(token, formatUnits(balances.token, deployment.token.decimals, 4));
    setText(ether, formatUnits(balances.ether, ETHER.decimals, 4));
    token.dataset['value'] = balances.token.toString();
    ether.dataset['value'] = balances.ether.toString();
  });
  return h(
    'section',
    { class: 'panel', 'aria-labelledby': 'account-title' },
    h('h2', { id: 'account-title' }, 'Your account'),
    h(
      'p',
      { class: 'who' },
      avatar(deployment, wallet),
      h('strong', { 'data-testid': 'account-name' }, nameOf(deployment, wallet)),
    ),
    h('dl', { class: 'balances' }, h('div', {}, h('dt', {}, deployment.token.symbol), token), h('div', {}, h('dt', {}, 'ETH'), ether)),
    h('p', { class: 'hint' }, 'In the wallet, outside of channels.'),
    goOnline(session),
  );
}

function goOnline(session: Session): HTMLElement {
  const error = errorLine('go-online-error');
  // One thing to do next per page: for the second person it is this.
  const guest = hostName(nameOf(session.deployment, session.wallet)) !== undefined;
  const button = h(
    'button',
    {
      class: guest ? 'button primary' : 'button',
      type: 'button',
      'data-testid': 'go-online',
      onclick: () =>
        void act({ controls: [button], error }, async () => {
          const { validUntil } = await session.client.authorize();
          session.authorizedUntil = validUntil;
          session.changed();
          announce('You are online. Others can open channels with you.');
        }),
    },
    'Go online',
  );
  const invitation = h(
    'div',
    {},
    h('p', { class: 'hint' }, 'One signature in the wallet, no gas. Then others can open a channel with you and pay you.'),
    button,
  );
  const address = h('div', { hidden: true }, h('p', { class: 'online-line' }, 'Online. Others can find you by your address.'));
  session.subscribe(() => {
    const { online } = session;
    show(invitation, !online);
    show(address, online);
  });
  return h('div', { class: 'subpanel' }, h('h3', {}, 'Get paid'), invitation, address, copyable(session.wallet, 'Your address', 'my-address', 'copy-address'), error.element);
}
