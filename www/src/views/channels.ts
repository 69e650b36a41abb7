/** The list of channels, or what to do when there is none. */

import { h, show } from '../lib/dom.js';
import type { Session } from '../session.js';
import { type ChannelCard, channelCard } from './channel-card.js';
import { guide } from './guide.js';

/** The section “Channels”. */
export function channelsPanel(session: Session): HTMLElement {
  const cards = new Map<string, ChannelCard>();
  const list = h('div', { class: 'cards', 'data-testid': 'channels' });
  const empty = guide(session);
  session.subscribe(() => {
    const channels = session.sortedChannels();
    show(empty, channels.length === 0);
    channels.forEach((channel, index) => {
      const card = cards.get(channel.id) ?? channelCard(session, channel);
      cards.set(channel.id, card);
      card.update(channel);
      // Moving an element takes the focus out of it, so it is moved only when its place changed.
      if (list.children[index] !== card.element) list.insertBefore(card.element, list.children[index] ?? null);
    });
  });
  return h('section', { class: 'channels', 'aria-labelledby': 'channels-title' }, h('h2', { id: 'channels-title', class: 'visually-hidden' }, 'Channels'), empty, list);
}
