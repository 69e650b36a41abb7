/** The network around one person: what everybody may see of it, with this person's own channels to the unit. */

import type { Address, NetworkView } from '@chit/client';
import { h, show } from '../lib/dom.js';
import { same } from '../lib/format.js';
import { indexOf } from '../lib/people.js';
import { type PictureEdge, edgeOf, stateOf } from '../network/model.js';
import type { Session } from '../session.js';
import { networkPicture } from './network-picture.js';
import { payPanel } from './pay-anyone.js';

/** The picture and the form that pays anybody in it; hidden before there is a channel. */
export function networkPanel(session: Session): readonly HTMLElement[] {
  const { deployment, client, wallet } = session;
  const picture = networkPicture(deployment);
  let view: NetworkView | undefined;
  let isAsked = false;
  const read = async (): Promise<void> => {
    view = await client.network({ token: deployment.token.address }).catch(() => view);
    session.changed();
  };
  const place = (address: Address): number => {
    const index = indexOf(deployment, address);
    return index < 0 ? deployment.accounts.length : index;
  };
  const people = (): readonly Address[] => {
    const all = new Map<string, Address>();
    const partners = ownChannels(session).map(({ partner }) => partner);
    const ends = (view?.channels ?? []).flatMap(({ a, b }) => [a, b]);
    for (const address of [wallet, ...partners, ...ends]) all.set(address.toLowerCase(), all.get(address.toLowerCase()) ?? address);
    return [...all.values()].sort((one, other) => place(one) - place(other));
  };
  const panel = h(
    'section',
    { class: 'panel', 'aria-labelledby': 'network-title' },
    h('h2', { id: 'network-title' }, 'The network'),
    h('p', { class: 'hint' }, 'Each thick line is a channel. The colours say how much each side can pay; those of others are what they announce.'),
    picture.element,
  );
  session.subscribe(() => {
    const own = ownChannels(session);
    show(panel, own.length > 0);
    if (own.length === 0) return;
    if (!isAsked) {
      isAsked = true;
      void read();
    }
    const edges = new Map<string, PictureEdge>();
    for (const { id, token, a, b, hintA, hintB } of view?.channels ?? []) {
      edges.set(id, { id, token, a, b, aCan: hintA, bCan: hintB, aLocked: 0n, bLocked: 0n, state: 'open' });
    }
    for (const channel of own) {
      const state = stateOf(channel);
      if (state !== undefined) edges.set(channel.id, edgeOf(wallet, channel, state));
    }
    const nodes = people().map((address) => ({ address, mood: same(address, wallet) ? session.mood : ('well' as const) }));
    picture.update({ nodes, edges: [...edges.values()] });
  });
  session.onMove((move) => {
    picture.travel(move);
  });
  client.on('network', () => void (isAsked && read()));
  return [panel, payPanel([session], people)];
}

/** The channels in the demo's token that are not over. */
function ownChannels({ channels, deployment }: Session): ReturnType<Session['sortedChannels']> {
  return [...channels.values()].filter(({ status, token }) => status !== 'settled' && same(token, deployment.token.address));
}
