/** What people want to try: a crash, a lost connection, a cheat. */

import { Steps, act, errorLine } from '../lib/action.js';
import { announce } from '../lib/announce.js';
import { h, setText, show } from '../lib/dom.js';
import { nameOf } from '../lib/people.js';
import type { Session } from '../session.js';
import { secondPerson } from './guide.js';

/** The section “What if…”. */
export function whatIfPanel(session: Session): HTMLElement {
  return h(
    'section',
    { class: 'panel', 'aria-labelledby': 'whatif-title' },
    h('h2', { id: 'whatif-title' }, 'What if…'),
    h('div', { class: 'whatif' }, kill(), offline(session), cheat(session)),
    h('p', { class: 'whatif-more' }, secondPerson(session, 'Open one more person in a new tab')),
  );
}

function kill(): HTMLElement {
  const button = h(
    'button',
    {
      type: 'button',
      class: 'button',
      'data-testid': 'whatif-kill',
      // The page is replaced as it stands: nothing listens for leaving, so nothing is saved or said.
      onclick: () => {
        location.replace('/killed.html');
      },
    },
    'Kill this tab now',
  );
  return card('…this tab dies?', 'Mid-payment, if you like. Nothing is shown or sent before it is stored, so it comes back as it was.', [button]);
}

function offline(session: Session): HTMLElement {
  const error = errorLine('whatif-offline-error');
  const button = h('button', {
    type: 'button',
    class: 'button',
    'data-testid': 'whatif-offline',
    onclick: () =>
      void act({ controls: [button], error }, async () => {
        await session.client.testing.setOffline({ offline: !session.offline });
        session.offline = !session.offline;
        announce(session.offline ? 'You are offline.' : 'You are online again.');
        session.changed();
      }),
  });
  session.subscribe(() => {
    setText(button, session.offline ? 'Come back online' : 'Go offline');
    button.setAttribute('aria-pressed', String(session.offline));
  });
  return card('…my connection drops?', 'Payments wait in a queue and go out when you are back. Or let your partner close alone meanwhile.', [button, error.element]);
}

function cheat(session: Session): HTMLElement {
  const { deployment, client } = session;
  const error = errorLine('whatif-cheat-error');
  const steps = new Steps({ last: 'Closed' }, 'whatif-cheat-steps');
  const select = h('select', { 'aria-label': 'Channel to cheat in', 'data-testid': 'whatif-cheat-channel' });
  const button = h(
    'button',
    {
      type: 'button',
      class: 'button danger',
      'data-testid': 'whatif-cheat',
      onclick: () => {
        const channel = session.channels.get(select.value as `0x${string}`);
        if (!channel) return error.set('Open a channel and pay a few times first.');
        void act({ controls: [button, select], error, steps }, () => client.testing.closeWithOldProof({ channel: channel.id })).then(
          (done) => done && announce(`Closed with an old note. Now look at ${nameOf(deployment, channel.partner)}’s tab.`),
        );
      },
    },
    'Cheat: close with an old note',
  );
  session.subscribe(() => {
    const open = session.sortedChannels().filter(({ status }) => status === 'open');
    const known = [...select.options].map(({ value }) => value);
    if (open.length !== known.length || open.some(({ id }, index) => id !== known[index])) {
      const chosen = select.value;
      select.replaceChildren(...open.map(({ id, partner }) => h('option', { value: id }, `with ${nameOf(deployment, partner)}`)));
      if (open.some(({ id }) => id === chosen)) select.value = chosen;
    }
    show(select, open.length > 1);
    if (button.getAttribute('aria-busy') !== 'true') button.disabled = open.length === 0;
  });
  return card(
    '…somebody cheats?',
    'In an open channel, pay a few times, then close with an old note. Your partner is warned, answers with the newest, and the Judge goes by that.',
    [select, button, steps.element, error.element],
  );
}

function card(title: string, text: string, controls: readonly HTMLElement[]): HTMLElement {
  return h('div', { class: 'whatif-card' }, h('h3', {}, title), h('p', { class: 'hint' }, text), h('div', { class: 'whatif-controls' }, ...controls));
}
