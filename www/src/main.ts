/** Starts the page: the deployment, then a wallet, then a client. */

import { type Address, type WalletDetail, discoverWallets, isChitError } from '@chit/client';
import { type Deployment, loadDeployment } from './deployment.js';
import { announceDevWallet } from './dev-wallet/index.js';
import { h } from './lib/dom.js';
import { nameOf } from './lib/people.js';
import { describeError } from './lib/words.js';
import { Session } from './session.js';
import { alreadyOpen } from './views/already-open.js';
import { header, sessionPage } from './views/page.js';
import { welcome } from './views/welcome.js';

/** Which wallet this tab used, so that a reload goes on without asking. */
const CHOSEN = 'chit.wallet';

function render(...content: readonly HTMLElement[]): void {
  document.getElementById('app')?.replaceChildren(...content);
}

async function main(): Promise<void> {
  let deployment: Deployment;
  try {
    deployment = await loadDeployment();
  } catch (error) {
    render(header(), h('main', { class: 'welcome' }, h('p', { class: 'notice bad', role: 'alert', 'data-testid': 'no-deployment' }, describeError(error))));
    return;
  }
  announceDevWallet(deployment);
  if (!(await resume(deployment))) render(header(), welcome((wallet) => connect(deployment, wallet)));
}

/** Goes on with the wallet and account that this tab had, if the wallet still agrees. */
async function resume(deployment: Deployment): Promise<boolean> {
  const chosen = sessionStorage.getItem(CHOSEN);
  if (chosen === null) return false;
  render(header(), h('main', { class: 'welcome' }, h('p', { class: 'hint busy', role: 'status' }, 'Starting…')));
  try {
    const wallet = (await discoverWallets()).find(({ info }) => info.rdns === chosen);
    const accounts: unknown = await wallet?.provider.request({ method: 'eth_accounts' });
    if (!wallet || !Array.isArray(accounts) || accounts.length === 0) return false;
    await start(deployment, wallet, accounts[0] as Address);
    return true;
  } catch (error) {
    render(
      header(),
      h(
        'main',
        { class: 'welcome' },
        h('p', { class: 'notice bad', role: 'alert', 'data-testid': 'start-error' }, describeError(error)),
        h('div', { class: 'buttons start' }, h('button', { type: 'button', class: 'button primary', onclick: () => { location.reload(); } }, 'Try again')),
      ),
    );
    return true;
  }
}

async function connect(deployment: Deployment, wallet: WalletDetail): Promise<void> {
  const accounts: unknown = await wallet.provider.request({ method: 'eth_requestAccounts' });
  const account = Array.isArray(accounts) ? (accounts[0] as Address | undefined) : undefined;
  if (account === undefined) throw new Error('The wallet shares no account.');
  sessionStorage.setItem(CHOSEN, wallet.info.rdns);
  await start(deployment, wallet, account);
}

async function start(deployment: Deployment, wallet: WalletDetail, account: Address): Promise<void> {
  try {
    const session = await Session.start(deployment, wallet.provider, account);
    render(...sessionPage(session, () => void leave(wallet, session)));
  } catch (error) {
    if (!isChitError(error) || error.code !== 'ALREADY_OPEN') throw error;
    const retry = (): void => {
      location.reload();
    };
    render(header(), alreadyOpen(nameOf(deployment, account), retry, () => void leave(wallet)));
  }
}

/** Forgets the account of this tab and starts over. */
async function leave(wallet: WalletDetail, session?: Session): Promise<void> {
  await session?.client.close().catch(() => undefined);
  sessionStorage.removeItem(CHOSEN);
  await wallet.provider.request({ method: 'wallet_revokePermissions', params: [{ eth_accounts: {} }] }).catch(() => undefined);
  location.assign('/');
}

void main();
