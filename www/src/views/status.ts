/** The line that says whether relay, chain and storage are well. */

import { h, setText, show } from '../lib/dom.js';
import type { Session } from '../session.js';

/** Three short facts, and warnings below when there are any. */
export function statusLine(session: Session): HTMLElement {
  const relay = h('li', { 'data-testid': 'status-relay' });
  const chain = h('li', { 'data-testid': 'status-chain' });
  const storage = h('li', { 'data-testid': 'status-storage' });
  const warnings = h('p', { class: 'notice warning', hidden: true, 'data-testid': 'warnings' });

  session.subscribe(() => {
    const { status, warnings: texts } = session;
    const state = session.offline ? 'offline' : (status?.relay ?? 'connecting');
    mark(relay, state === 'online' ? 'good' : state === 'offline' ? 'bad' : 'wait');
    setText(relay, { online: 'Relay online', offline: 'Relay offline', connecting: 'Relay connecting…' }[state]);
    relay.title = status?.relayReason ?? '';

    mark(chain, status?.chainOk ? 'good' : status?.block === undefined && !status?.chainReason ? 'wait' : 'bad');
    setText(chain, status?.chainOk === false && status.chainReason !== undefined ? 'Chain silent' : `Block ${(status?.block ?? 0n).toLocaleString('en-US')}`);
    chain.title = status?.chainReason ?? '';

    mark(storage, status?.persisted ? 'good' : 'wait');
    setText(storage, status?.persisted ? 'Storage kept' : 'Storage may be evicted');
    storage.title = status?.persisted
      ? 'The browser promised to keep this data.'
      : 'The browser has not promised to keep this data when the disk is full. Bookmarking or installing the page helps.';

    show(warnings, texts.size > 0);
    setText(warnings, [...texts.values()].join(' '));
  });
  return h('div', { class: 'status' }, h('ul', { class: 'status-list', 'aria-label': 'Status' }, relay, chain, storage), warnings);
}

function mark(element: HTMLElement, state: 'good' | 'bad' | 'wait'): void {
  element.dataset['state'] = state;
}
