/** The frame around everything: brand, account, and the parts of a running session. */

import { avatar, nameOf } from '../lib/people.js';
import { announce } from '../lib/announce.js';
import { h, setText, show, svg } from '../lib/dom.js';
import { formatAmount } from '../lib/format.js';
import type { Session } from '../session.js';
import { accountPanel } from './account.js';
import { channelsPanel } from './channels.js';
import { historyPanel } from './history.js';
import { networkPanel } from './network-panel.js';
import { openPanel } from './open-channel.js';
import { requestsPanel } from './requests.js';
import { statusLine } from './status.js';
import { whatIfPanel } from './what-if.js';

const MARK =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" class="mark" aria-hidden="true"><rect width="32" height="32" rx="8" class="mark-back"/><path d="M9 6.5h14v19l-2.33-2-2.34 2-2.33-2-2.33 2-2.34-2-2.33 2z" class="mark-note"/><path d="M12.5 12h7M12.5 16.5h4.5" class="mark-line" stroke-width="2" stroke-linecap="round"/></svg>';

/** The header, with whatever belongs to the right of it. */
export function header(...right: HTMLElement[]): HTMLElement {
  return h('header', { class: 'top' }, h('div', { class: 'brand' }, svg(MARK), h('span', {}, 'Chit')), ...right);
}

/** The page of a running session. */
export function sessionPage(session: Session, onLeave: () => void): readonly HTMLElement[] {
  const { deployment, wallet } = session;
  const name = nameOf(deployment, wallet);
  const me = h(
    'div',
    { class: 'me' },
    avatar(deployment, wallet),
    h('span', {}, name),
    h('button', { type: 'button', class: 'button small', 'data-testid': 'switch-account', onclick: onLeave }, 'Switch account'),
  );
  const fatal = h('div', { class: 'notice bad', role: 'alert', hidden: true, 'data-testid': 'fatal' });
  session.subscribe(() => {
    show(fatal, session.fatal !== undefined);
    if (session.fatal) {
      fatal.replaceChildren(
        h('p', {}, 'The client stopped for safety. Everything that was acknowledged is stored.'),
        h('button', { type: 'button', class: 'button', onclick: () => { location.reload(); } }, 'Reload'),
      );
    }
  });
  document.title = `${name} · Chit`;
  greetPayments(session);

  return [
    header(statusLine(session), me),
    h(
      'main',
      { class: 'session', 'data-testid': 'session' },
      h('h1', { class: 'visually-hidden' }, `${name}’s payment channels`),
      fatal,
      h('div', { class: 'column' }, accountPanel(session), openPanel(session)),
      h('div', { class: 'column wide' }, channelsPanel(session), ...networkPanel(session), requestsPanel([session], requestInAddress()), whatIfPanel(session), historyPanel(session)),
    ),
  ];
}

/** A request that a link has brought here. */
function requestInAddress(): string | undefined {
  const text = decodeURIComponent(location.hash.slice(1));
  return text.startsWith('chit:') ? text : undefined;
}

/** Says who paid, once for payments that arrive together. */
function greetPayments(session: Session): void {
  const { deployment } = session;
  const toast = h('div', { class: 'toast', hidden: true, 'data-testid': 'received-toast' });
  document.body.append(toast);
  let total = 0n;
  let count = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let hide: ReturnType<typeof setTimeout> | undefined;
  session.onReceived((payment) => {
    const token = session.tokenOf(payment);
    const name = nameOf(deployment, payment.partner);
    total += payment.amount;
    count += 1;
    timer ??= setTimeout(() => {
      timer = undefined;
      const memo = count === 1 && payment.memo !== undefined ? ` for “${payment.memo}”` : '';
      const sentence = `${name} paid you ${formatAmount(total, token)}${memo}${count > 1 ? ` in ${count.toLocaleString('en-US')} payments` : ''}.`;
      total = 0n;
      count = 0;
      setText(toast, sentence);
      show(toast, true);
      announce(sentence);
      clearTimeout(hide);
      hide = setTimeout(() => {
        show(toast, false);
      }, 4000);
    }, 150);
  });
}
