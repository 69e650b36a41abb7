/** For newcomers: how to try it with two tabs, in a minute. */

import { h } from '../lib/dom.js';
import { indexOf, nameAt, nameOf } from '../lib/people.js';
import type { Session } from '../session.js';

/** The link that opens the next development account in a new tab. */
export function secondPerson(session: Session, label?: string): HTMLAnchorElement {
  const { deployment, wallet } = session;
  const next = (indexOf(deployment, wallet) + 1) % Math.max(1, deployment.accounts.length);
  return h(
    'a',
    {
      class: label === undefined ? 'button primary' : 'button small',
      href: `/?account=${next}&from=${indexOf(deployment, wallet)}`,
      target: '_blank',
      // Without an opener the new tab starts with empty session storage: another person.
      rel: 'noopener',
      'data-testid': 'second-person',
    },
    label ?? `Open ${nameAt(next) ?? 'a second person'} in a new tab`,
    h('span', { class: 'visually-hidden' }, ' (opens a new tab)'),
  );
}

/** What is shown while there is no channel. */
export function guide(session: Session): HTMLElement {
  const { deployment, wallet } = session;
  const me = nameOf(deployment, wallet);
  const host = hostName(me);
  const next = nameAt((indexOf(deployment, wallet) + 1) % Math.max(1, deployment.accounts.length)) ?? 'the second person';
  const steps =
    host !== undefined
      ? [
          [h('strong', {}, 'Press “Go online”'), ' under “Get paid”. One signature, no gas: now others can find you.'],
          [h('strong', {}, `Go back to ${host}’s tab`), ` and open a channel with ${me} there.`],
          [h('strong', {}, 'Watch it appear here,'), ' and pay each other both ways. No more prompts.'],
        ]
      : [
          [h('strong', {}, 'Open a second person.'), ' Each tab is another account, like another browser.', h('p', {}, secondPerson(session))],
          [h('strong', {}, 'Press “Go online” there.'), ` One signature, no gas: now you can find ${next}.`],
          [h('strong', {}, `Open a channel with ${next} here.`), ' One confirmation. Then pay each other both ways, without any.'],
        ];
  const items = steps.map((step) => h('li', {}, h('div', {}, ...step)));
  session.subscribe(() => {
    if (host !== undefined && session.online) items[0]?.setAttribute('data-done', '');
  });
  return h(
    'div',
    { class: 'panel guide', 'data-testid': 'guide' },
    h('h2', {}, host === undefined ? 'Try it with two tabs' : `You are ${me} now`),
    h('ol', {}, ...items),
  );
}

/** Who opened this tab for its second person, if anybody did. */
export function hostName(me: string): string | undefined {
  const from = Number(new URLSearchParams(location.search).get('from') ?? NaN);
  const name = Number.isInteger(from) ? nameAt(from) : undefined;
  return name === me ? undefined : name;
}
