/** The first page: what this is, and which wallet to use. */

import { type WalletDetail, discoverWallets } from '@chit/client';
import { errorLine } from '../lib/action.js';
import { h, show } from '../lib/dom.js';
import { nameAt } from '../lib/people.js';

/** Shows the wallets and calls back with the chosen one; what the callback throws is shown beside the list. */
export function welcome(onChoose: (wallet: WalletDetail) => Promise<void>): HTMLElement {
  const list = h('ul', { class: 'wallets' });
  const error = errorLine('welcome-error');
  const busy = h('p', { class: 'hint busy', role: 'status', hidden: true, 'data-testid': 'starting' });
  const account = Number(new URLSearchParams(location.search).get('account') ?? NaN);
  const person = Number.isInteger(account) ? nameAt(account) : undefined;

  const choose = async (wallet: WalletDetail): Promise<void> => {
    // Not `disabled`, which would lose the focus that the wallet's dialog gives back.
    if (list.ariaBusy === 'true') return;
    list.ariaBusy = 'true';
    error.clear();
    busy.textContent = 'Waiting for the wallet, then starting the client…';
    show(busy, true);
    try {
      await onChoose(wallet);
    } catch (thrown) {
      error.set(thrown);
    } finally {
      show(busy, false);
      list.ariaBusy = 'false';
    }
  };
  const add = (wallet: WalletDetail): void => {
    const { name, icon, rdns } = wallet.info;
    list.append(
      h(
        'li',
        {},
        h(
          'button',
          { type: 'button', class: 'wallet-choice', 'data-testid': 'wallet-choice', 'data-rdns': rdns, onclick: () => void choose(wallet) },
          icon !== '' && h('img', { src: icon, alt: '', width: 40, height: 40 }),
          h('span', {}, h('strong', {}, name), h('span', { class: 'hint' }, rdns === 'dev.chit.wallet' ? 'Nothing to install, play money' : rdns)),
        ),
      ),
    );
  };
  void discoverWallets({ onWallet: add });

  return h(
    'main',
    { class: 'welcome' },
    h('h1', {}, 'Pay at the speed of a signature'),
    h(
      'p',
      { class: 'lead' },
      'Two people lock a deposit in a contract once. After that they pay each other with signed notes: no transaction, no gas, no prompt. Whoever disagrees takes the last note to the contract.',
    ),
    h(
      'div',
      { class: 'panel' },
      h('h2', {}, person === undefined ? 'Choose a wallet' : `Choose a wallet to be ${person} in this tab`),
      list,
      busy,
      error.element,
    ),
    h('p', { class: 'center' }, h('a', { href: '/network.html', 'data-testid': 'four-people' }, 'Or see four people and their network in one window')),
    h('p', { class: 'hint center' }, 'Everything here runs on your machine, against a local chain. The money is not real.'),
  );
}
