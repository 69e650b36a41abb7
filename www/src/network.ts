/** Starts the page with four people in one window: a client for each of the first development accounts. */

import { type Address, isChitError } from '@chit/client';
import { type Deployment, loadDeployment } from './deployment.js';
import { BuildersConsent } from './network/consent.js';
import { DevWallet } from './dev-wallet/provider.js';
import { h } from './lib/dom.js';
import { nameOf } from './lib/people.js';
import { describeError } from './lib/words.js';
import { Session } from './session.js';
import { networkPage } from './views/network-page.js';
import { header } from './views/page.js';

/** How many people the page shows. */
const PEOPLE = 4;

function render(...content: readonly HTMLElement[]): void {
  document.getElementById('app')?.replaceChildren(...content);
}

async function main(): Promise<void> {
  render(header(), h('main', { class: 'welcome' }, h('p', { class: 'hint busy', role: 'status' }, 'Starting four people…')));
  const begun: Session[] = [];
  try {
    const deployment = await loadDeployment();
    const consent = new BuildersConsent(deployment);
    for (const account of deployment.accounts.slice(0, PEOPLE)) begun.push(await startPerson(deployment, account, consent));
    render(...networkPage(begun, consent));
  } catch (error) {
    // Whoever has started must not keep others from being opened elsewhere.
    await Promise.allSettled(begun.map(({ client }) => client.close()));
    render(header(), failure(error));
  }
}

async function startPerson(deployment: Deployment, account: Address, consent: BuildersConsent): Promise<Session> {
  const wallet = new DevWallet(deployment, account, consent.ask);
  try {
    return await Session.start(deployment, wallet, account);
  } catch (error) {
    if (!isChitError(error) || error.code !== 'ALREADY_OPEN') throw error;
    throw new Error(`${nameOf(deployment, account)} is open in another tab, and only one tab may sign for an account. Close that tab and try again.`, { cause: error });
  }
}

function failure(error: unknown): HTMLElement {
  return h(
    'main',
    { class: 'welcome' },
    h('p', { class: 'notice bad', role: 'alert', 'data-testid': 'start-error' }, describeError(error)),
    h(
      'div',
      { class: 'buttons start' },
      h('button', { type: 'button', class: 'button primary', onclick: () => { location.reload(); } }, 'Try again'),
      h('a', { class: 'button', href: '/' }, 'One person per tab instead'),
    ),
  );
}

void main();
