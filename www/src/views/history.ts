/** Payments, newest first; a run of equal ones is one row. */

import type { PaymentView } from '@chit/client';
import { h, show } from '../lib/dom.js';
import { type Token, clock, formatAmount, same } from '../lib/format.js';
import { nameOf } from '../lib/people.js';
import type { Session } from '../session.js';

const ROWS = 30;

interface Row {
  readonly payment: PaymentView;
  count: number;
  total: bigint;
}

/** The section “History”. */
export function historyPanel(session: Session): HTMLElement {
  const list = h('ul', { class: 'history', 'data-testid': 'history' });
  const empty = h('p', { class: 'hint' }, 'Payments appear here as they are made.');
  let shown: readonly PaymentView[] = [];
  session.subscribe(() => {
    const payments = [...session.payments.values()];
    if (payments.length === shown.length && payments.every((payment, index) => payment === shown[index])) return;
    shown = payments;
    show(empty, payments.length === 0);
    list.replaceChildren(...group(payments).map((row) => item(session, row)));
  });
  return h(
    'section',
    { class: 'panel', 'aria-labelledby': 'history-title' },
    h('h2', { id: 'history-title' }, 'History'),
    empty,
    list,
  );
}

function group(payments: readonly PaymentView[]): readonly Row[] {
  const rows: Row[] = [];
  for (let index = payments.length - 1; index >= 0; index -= 1) {
    const payment = payments[index];
    if (!payment) continue;
    const last = rows.at(-1);
    if (last && alike(last.payment, payment)) {
      last.count += 1;
      last.total += payment.amount;
    } else {
      if (rows.length === ROWS) break;
      rows.push({ payment, count: 1, total: payment.amount });
    }
  }
  return rows;
}

function alike(a: PaymentView, b: PaymentView): boolean {
  return (
    same(a.partner, b.partner) &&
    a.channel === b.channel &&
    a.direction === b.direction &&
    a.status === b.status &&
    a.amount === b.amount &&
    a.memo !== undefined &&
    a.memo === b.memo
  );
}

function item(session: Session, { payment, count, total }: Row): HTMLElement {
  const { deployment } = session;
  const token = session.tokenOf(payment);
  const name = nameOf(deployment, payment.partner);
  const received = payment.direction === 'received';
  return h(
    'li',
    { 'data-testid': 'history-row', 'data-status': payment.status, 'data-direction': payment.direction },
    h('span', { class: `arrow ${payment.direction}`, 'aria-hidden': 'true' }, received ? '↓' : '↑'),
    h(
      'span',
      { class: 'history-what' },
      h('span', {}, received ? `From ${name}` : `To ${name}`, count > 1 && ` · ${count.toLocaleString('en-US')} payments`),
      h('span', { class: 'muted' }, [payment.memo, feeText(payment, token), statusText(payment)].filter(Boolean).join(' · ')),
    ),
    h('span', { class: `history-amount ${payment.direction}` }, `${received ? '+' : '−'}${formatAmount(total, token)}`),
    h('time', { class: 'muted', datetime: new Date(payment.at * 1000).toISOString() }, clock(payment.at)),
  );
}

function feeText({ fee }: PaymentView, token: Token): string {
  return fee > 0n ? `fee ${formatAmount(fee, token)}` : '';
}

function statusText({ status, error }: PaymentView): string {
  switch (status) {
    case 'queued':
      return 'queued';
    case 'sent':
      return 'on its way';
    case 'settled':
      return '';
    case 'refused':
      return error ? `refused: ${error.message}` : 'refused';
    case 'cancelled':
      return 'taken back';
    case 'failed':
      return 'failed, nothing was paid';
  }
}
