/** Opens what is missing of a row of channels, all at once, with money on both sides of each. */

import type { Hex, Operation, Progress } from '@chit/client';
import { same } from '../lib/format.js';
import type { Session } from '../session.js';

/** One channel of the row. */
export interface Link {
  readonly left: Session;
  readonly right: Session;
}

/** How far a channel is. */
export type LinkStep = 'waiting' | 'wallet' | 'submitted' | 'confirming' | 'deposit' | 'ready';

/** Neighbours, each a channel. */
export function linksOf(sessions: readonly Session[]): readonly Link[] {
  return sessions.slice(1).flatMap((right, index) => {
    const left = sessions[index];
    return left ? [{ left, right }] : [];
  });
}

/** Whether the two have a channel that is open or will be. */
export function isLinked({ left, right }: Link): boolean {
  return [...left.channels.values()].some(
    ({ partner, status, token }) =>
      same(partner, right.wallet) && same(token, left.deployment.token.address) && (status === 'open' || status === 'opening'),
  );
}

/** Lets everybody sign and be found, then opens the channels that are missing. */
export async function buildLinks(links: readonly Link[], deposit: bigint, report: (link: Link, step: LinkStep) => void): Promise<void> {
  const people = new Set(links.flatMap(({ left, right }) => [left, right]));
  await Promise.all(
    [...people].map(async (session) => {
      if (session.online) return;
      session.authorizedUntil = (await session.client.authorize()).validUntil;
      session.changed();
    }),
  );
  const missing = links.filter((link) => !isLinked(link));
  const results = await Promise.allSettled(missing.map((link) => open(link, deposit, (step) => { report(link, step); })));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

async function open({ left, right }: Link, deposit: bigint, report: (step: LinkStep) => void): Promise<void> {
  report('wallet');
  const { address: token } = left.deployment.token;
  const { id } = await watched(left.client.openChannel({ partner: right.wallet, token, deposit }), ({ stage }) => {
    if (stage === 'submitted' || stage === 'confirming') report(stage);
  });
  await right.until(() => isOpen(right, id));
  report('deposit');
  await right.client.deposit({ channel: id, amount: deposit });
  await Promise.all([left.until(() => isReady(left, id, deposit)), right.until(() => isReady(right, id, deposit))]);
  report('ready');
}

function watched<T>(operation: Operation<T>, listener: (step: Progress) => void): Operation<T> {
  operation.on('progress', listener);
  return operation;
}

function isOpen(session: Session, id: Hex): true | undefined {
  return session.channels.get(id)?.status === 'open' || undefined;
}

/** Both sides count both deposits. */
function isReady(session: Session, id: Hex, deposit: bigint): true | undefined {
  const channel = session.channels.get(id);
  return (channel?.ready && channel.ours.deposited >= deposit && channel.theirs.deposited >= deposit) || undefined;
}
