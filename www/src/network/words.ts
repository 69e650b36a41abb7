/** Says in words how a payment will go, and how it goes. */

import type { Hop, PaymentStep, Quote } from '@chit/client';
import type { Deployment } from '../deployment.js';
import { formatAmount } from '../lib/format.js';
import { nameOf } from '../lib/people.js';

/** How a payment would go. */
export function quoteWords(deployment: Deployment, { direct, amount, fee, parts }: Quote): string {
  const { token } = deployment;
  if (direct) return 'Over the channel between them: no fee.';
  const costs = `Fee ${formatAmount(fee, token)}, so ${formatAmount(amount + fee, token)} in all.`;
  const [only] = parts;
  if (parts.length === 1 && only) return `${capital(through(deployment, only.path))}. ${costs}`;
  const ways = parts.map((part) => `${formatAmount(part.amount, token)} ${through(deployment, part.path)}`);
  return `In ${parts.length} parts: ${ways.join(', ')}. ${costs}`;
}

/** What a step of a payment means; `undefined` for one that needs no words. */
export function stepWords(deployment: Deployment, { stage, path, amount, reason }: PaymentStep): string | undefined {
  const what = amount === undefined ? '' : formatAmount(amount, deployment.token);
  switch (stage) {
    case 'direct':
      return undefined;
    case 'route':
      return path && capital(`${what} ${through(deployment, path)}`.trim());
    case 'locked':
      return capital(`${what} locked: neither paid nor lost`.trim());
    case 'part-paid':
      return capital(`${what} paid`.trim());
    case 'part-failed':
      return `Taken back${reason === undefined ? '' : `: ${reasonWords(reason)}`}`;
    case 'paid':
      return undefined;
  }
}

const REASONS: Record<string, string> = {
  NO_ROUTE: 'somebody on the way does not pass it on',
  NO_CAPACITY: 'somebody on the way has too little left',
  FEE_TOO_LOW: 'somebody on the way wants a higher fee',
  BAD_EXPIRY: 'there was too little time left',
  EXPIRED: 'its time was over',
  REFUSED: 'somebody on the way refused',
  INCOMPLETE: 'another part of it did not arrive',
};

function reasonWords(reason: string): string {
  return REASONS[reason.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase()] ?? reason;
}

/** Who passes it on. */
function through(deployment: Deployment, path: readonly Hop[]): string {
  const names = path.slice(0, -1).map(({ to }) => nameOf(deployment, to));
  if (names.length === 0) return 'directly';
  return `through ${names.length === 1 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
