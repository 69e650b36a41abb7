/** Asking to be paid, by a text, a link or a picture of it; and paying what somebody asked for. */

import { type RequestView, requestLink } from '@chit/client';
import { requestQr } from '@chit/client/qr';
import { tokenOf } from '../deployment.js';
import { act, errorLine } from '../lib/action.js';
import { announce } from '../lib/announce.js';
import { field, h, setText, show, svg } from '../lib/dom.js';
import { clock, formatAmount, parseUnits, same } from '../lib/format.js';
import { nameOf } from '../lib/people.js';
import type { Session } from '../session.js';
import { copyable } from './copyable.js';
import { paymentProgress, personSelect } from './pay-anyone.js';

/** The panel “Requests”, for one person or for several. */
export function requestsPanel(sessions: readonly Session[], given?: string): HTMLElement {
  const paying = payRequest(sessions, given);
  const panel = h(
    'section',
    { class: 'panel', 'aria-labelledby': 'requests-title' },
    h('h2', { id: 'requests-title' }, 'Requests'),
    h('div', { class: 'requests' }, ask(sessions, (text) => { paying.read(text); }), paying.element),
  );
  for (const session of sessions) {
    // Whoever has no channel can neither pay nor be paid.
    session.subscribe(() => {
      show(panel, given !== undefined || sessions.some(({ channels }) => [...channels.values()].some(({ status }) => status === 'open')));
    });
  }
  return panel;
}

/** Who acts in a form: chosen among several, or the only one. */
function actor(sessions: readonly Session[], id: string): { select: HTMLSelectElement | undefined; session(): Session } {
  const [first] = sessions as [Session];
  const select = personSelect(first.deployment, id);
  select.offer(sessions.map(({ wallet }) => wallet));
  return {
    select: sessions.length > 1 ? select.element : undefined,
    session: () => sessions.find(({ wallet }) => same(wallet, select.element.value)) ?? first,
  };
}

/** Makes a request. */
function ask(sessions: readonly Session[], onMade: (text: string) => void): HTMLElement {
  const [{ deployment }] = sessions as [Session];
  const { token } = deployment;
  const error = errorLine('request-error');
  const who = actor(sessions, 'request-payee');
  if (who.select) who.select.value = sessions.at(-1)?.wallet ?? '';
  const amount = h('input', { inputmode: 'decimal', autocomplete: 'off', placeholder: 'any', 'data-testid': 'request-amount' });
  const memo = h('input', { autocomplete: 'off', maxlength: 100, placeholder: 'tickets', 'data-testid': 'request-memo' });
  const submit = h('button', { class: 'button', type: 'submit', 'data-testid': 'request-submit' }, 'Make a request');
  const made = h('div', { class: 'request-made', hidden: true, 'data-testid': 'request-made' });
  const create = async (): Promise<void> => {
    const value = parseUnits(amount.value, token.decimals);
    if (value === undefined && amount.value.trim() !== '') throw new Error('Enter an amount above zero, or none to leave it to the payer.');
    const session = who.session();
    const note = memo.value.trim();
    const request = await session.client.createRequest({ token: token.address, amount: value, memo: note === '' ? undefined : note });
    made.replaceChildren(...shown(session, request));
    show(made, true);
    if (sessions.length > 1) onMade(request.text);
  };
  return h(
    'form',
    {
      novalidate: true,
      'aria-label': 'Ask to be paid',
      onsubmit: (event) => {
        event.preventDefault();
        void act({ controls: [submit], error }, create);
      },
    },
    h('h3', {}, 'Ask to be paid'),
    h('div', { class: 'row even' }, who.select && field('Who asks', who.select), field(`Amount in ${token.symbol} (optional)`, amount)),
    field('What for (optional)', memo),
    h('div', { class: 'buttons start' }, submit),
    error.element,
    made,
  );
}

/** A request as its maker passes it on, and what becomes of it. */
function shown(session: Session, request: RequestView): readonly HTMLElement[] {
  const status = h('p', { class: 'hint', role: 'status', 'data-testid': 'request-status' });
  let last = '';
  let stop = (): void => undefined;
  const render = async (): Promise<void> => {
    const now = await session.client.requestStatus({ request: request.text }).catch(() => undefined);
    if (!now || !status.isConnected) return;
    const words = statusWords(session, now);
    if (words === last) return;
    last = words;
    status.dataset['status'] = now.status;
    setText(status, words);
    announce(words);
    if (now.status === 'expired' || now.receipt) stop();
  };
  // A request that was replaced by another is followed no more.
  const follow = (): void => {
    if (status.isConnected) void render();
    else if (last !== '') stop();
  };
  const link = requestLink(request.text, `${location.origin}/`);
  const picture = svg(requestQr(request.text));
  picture.setAttribute('class', 'qr');
  picture.setAttribute('role', 'img');
  picture.setAttribute('aria-label', 'The request as a QR code');
  // Once it is on the page.
  setTimeout(() => {
    stop = session.subscribe(follow);
  }, 0);
  return [
    h('div', { class: 'request-ways' }, h('div', { class: 'request-picture' }, picture), h('div', { class: 'request-texts' }, copyable(request.text, 'The request', 'request-text'), copyable(link, 'The link', 'request-link'))),
    status,
  ];
}

function statusWords(session: Session, { status, expiry, receipt }: RequestView): string {
  switch (status) {
    case 'open':
      return `Open until ${clock(expiry)}.`;
    case 'pending':
      return 'Being paid…';
    case 'paid':
      return receipt
        ? `Paid: ${formatAmount(receipt.amount, session.deployment.token)} by ${nameOf(session.deployment, receipt.payer)}, with a receipt signed by ${nameOf(session.deployment, receipt.payee)}.`
        : 'Paid.';
    case 'expired':
      return 'Expired, unpaid.';
  }
}

/** Reads and pays a request; `read` puts one into the form. */
function payRequest(sessions: readonly Session[], given: string | undefined): { element: HTMLElement; read(text: string): void } {
  const [{ deployment }] = sessions as [Session];
  const error = errorLine('pay-request-error');
  const progress = paymentProgress(deployment, 'pay-request');
  const who = actor(sessions, 'pay-request-payer');
  const text = h('input', { class: 'mono', autocomplete: 'off', spellcheck: 'false', placeholder: 'chit:…', 'data-testid': 'pay-request-text' });
  const amount = h('input', { inputmode: 'decimal', autocomplete: 'off', placeholder: '5', 'data-testid': 'pay-request-amount' });
  const amountField = field(`Amount in ${deployment.token.symbol}`, amount);
  const says = h('p', { class: 'request-says', hidden: true, 'data-testid': 'pay-request-says' });
  const submit = h('button', { class: 'button primary', type: 'submit', 'data-testid': 'pay-request-submit' }, 'Pay the request');
  let read: RequestView | undefined;

  const render = (): void => {
    show(says, read !== undefined);
    show(amountField, read !== undefined && read.amount === undefined);
    if (!read) return;
    const token = tokenOf(deployment, read.token);
    const what = read.amount === undefined ? 'an amount of your choice' : formatAmount(read.amount, token);
    setText(says, `${nameOf(deployment, read.payee)} asks for ${what}${read.memo === undefined ? '' : ` for “${read.memo}”`}, until ${clock(read.expiry)}.`);
  };
  const look = async (): Promise<void> => {
    error.clear();
    read = undefined;
    const pasted = text.value.trim();
    const request = pasted.includes('#') ? pasted.slice(pasted.indexOf('#') + 1) : pasted;
    if (request !== '') {
      try {
        const found = await who.session().client.readRequest({ request });
        if (!same(found.token, deployment.token.address)) throw new Error(`This page pays requests in ${deployment.token.symbol} only.`);
        read = found;
      } catch (reason) {
        error.set(reason);
      }
    }
    render();
  };
  text.addEventListener('input', () => void look());
  const put = (request: string): void => {
    text.value = request;
    void look();
  };
  const pay = async (): Promise<void> => {
    if (!read) throw new Error('Paste a request first: it begins with chit:');
    const session = who.session();
    const value = read.amount ?? parseUnits(amount.value, deployment.token.decimals);
    if (value === undefined) throw new Error('Enter an amount above zero, like 5 or 0.01.');
    const open = read.amount === undefined ? { amount: value } : {};
    const names = [session.wallet, read.payee].map((address) => nameOf(deployment, address));
    await progress.follow(session.client.payRequest({ request: read.text, ...open }), names, value);
  };
  render();
  if (given !== undefined) put(given);
  return {
    read: put,
    element: h(
      'form',
      {
        novalidate: true,
        'aria-label': 'Pay a request',
        onsubmit: (event) => {
          event.preventDefault();
          void act({ controls: [submit], error }, pay);
        },
      },
      h('h3', {}, 'Pay a request'),
      who.select && field('Who pays', who.select),
      field('The request or its link', text),
      says,
      amountField,
      h('div', { class: 'buttons start' }, submit),
      progress.element,
      error.element,
    ),
  };
}
