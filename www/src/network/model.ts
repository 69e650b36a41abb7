/** What the network picture shows: people, channels between them, and money on its way. */

import type { Address, ChannelView, Hex } from '@chit/client';
import { same } from '../lib/format.js';
import type { Session } from '../session.js';

/** How somebody behaves, as far as it shows. */
export type Mood = 'well' | 'silent' | 'refusing';

/** One person. */
export interface PictureNode {
  readonly address: Address;
  readonly mood: Mood;
}

/** One channel. The amounts are `undefined` where nobody has told them. */
export interface PictureEdge {
  readonly id: Hex;
  readonly token: Address;
  readonly a: Address;
  readonly b: Address;
  /** What a can pay b now. */
  readonly aCan: bigint | undefined;
  readonly bCan: bigint | undefined;
  /** What hangs between them: locked, neither paid nor given back. */
  readonly aLocked: bigint;
  readonly bLocked: bigint;
  readonly state: 'opening' | 'open' | 'closing';
}

/** The whole picture. */
export interface Picture {
  readonly nodes: readonly PictureNode[];
  readonly edges: readonly PictureEdge[];
}

/** Money that moved one hop. */
export interface Move {
  readonly channel: Hex;
  readonly from: Address;
  readonly kind: 'paid' | 'locked' | 'returned';
}

/** The picture of several people on one page, who all tell what they know. */
export function pictureOf(sessions: readonly Session[]): Picture {
  const edges = new Map<Hex, PictureEdge>();
  for (const session of sessions) {
    for (const channel of session.channels.values()) {
      const state = stateOf(channel);
      if (state === undefined || !sessions.some(({ wallet }) => same(wallet, channel.partner))) continue;
      const known = edges.get(channel.id);
      // Each side counts its own money; the second to be seen fills in the other end.
      edges.set(channel.id, known ? { ...known, bCan: channel.capacity, bLocked: channel.ours.locked } : edgeOf(session.wallet, channel, state));
    }
  }
  return { nodes: sessions.map((session) => ({ address: session.wallet, mood: session.mood })), edges: [...edges.values()] };
}

/** A channel as one of its owners sees it. */
export function edgeOf(owner: Address, channel: ChannelView, state: PictureEdge['state']): PictureEdge {
  return {
    id: channel.id,
    token: channel.token,
    a: owner,
    b: channel.partner,
    aCan: channel.capacity,
    bCan: channel.receivable,
    aLocked: channel.ours.locked,
    bLocked: channel.theirs.locked,
    state,
  };
}

/** How the picture draws a channel; `undefined` for one that is over. */
export function stateOf({ status }: ChannelView): PictureEdge['state'] | undefined {
  switch (status) {
    case 'opening':
      return 'opening';
    case 'open':
      return 'open';
    case 'closing':
    case 'settleable':
    case 'stopped':
      return 'closing';
    case 'settled':
      return undefined;
  }
}

/** What moved in a channel between two views of its owner, on the owner's side. */
export function moveOf(owner: Address, before: ChannelView, after: ChannelView): Move | undefined {
  const locked = after.ours.locked - before.ours.locked;
  const paid = after.ours.transferred - before.ours.transferred;
  const move = (kind: Move['kind']): Move => ({ channel: after.id, from: owner, kind });
  if (locked > 0n) return move('locked');
  // A lock that turned into a payment has travelled when it was locked.
  if (paid + locked > 0n) return move('paid');
  if (locked < 0n && paid === 0n) return move('returned');
  return undefined;
}
