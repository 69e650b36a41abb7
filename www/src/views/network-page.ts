/** The page with four people in one window: the picture, paying anyone, and a card for each person. */

import { act, errorLine } from '../lib/action.js';
import { announce } from '../lib/announce.js';
import { h, setText, show } from '../lib/dom.js';
import { formatAmount } from '../lib/format.js';
import { nameOf } from '../lib/people.js';
import { type Link, type LinkStep, buildLinks, isLinked, linksOf } from '../network/build.js';
import type { BuildersConsent } from '../network/consent.js';
import { pictureOf } from '../network/model.js';
import type { Session } from '../session.js';
import { channelsPanel } from './channels.js';
import { networkPicture } from './network-picture.js';
import { header } from './page.js';
import { payPanel } from './pay-anyone.js';
import { personCard } from './person-card.js';
import { requestsPanel } from './requests.js';
import { statusLine } from './status.js';

/** What each side of each channel puts in, in whole tokens. */
const DEPOSIT = 100n;

/** The page's elements. */
export function networkPage(sessions: readonly Session[], consent: BuildersConsent): readonly HTMLElement[] {
  const [first] = sessions;
  if (!first) return [header()];
  const { deployment } = first;
  const names = sessions.map(({ wallet }) => nameOf(deployment, wallet));
  const picture = networkPicture(deployment);
  const pay = payPanel(sessions, () => sessions.map(({ wallet }) => wallet));
  const closer = closerLook(sessions);
  for (const session of sessions) {
    session.subscribe(() => {
      picture.update(pictureOf(sessions));
    });
    session.onMove((move) => {
      picture.travel(move);
    });
  }
  return [
    header(statusLine(first), h('a', { class: 'button small', href: '/', 'data-testid': 'one-person' }, 'One person per tab')),
    h(
      'main',
      { class: 'network', 'data-testid': 'network' },
      h(
        'div',
        { class: 'network-intro' },
        h('h1', {}, `${names[0] ?? ''} pays ${names.at(-1) ?? ''} without a channel between them`),
        h(
          'p',
          { class: 'lead' },
          `The people between pass the payment on and can keep no part of it but their fee. Each thick line is a channel: the colours say how much each side can pay.`,
        ),
      ),
      h(
        'section',
        { class: 'panel', 'aria-labelledby': 'network-title' },
        h('h2', { id: 'network-title', class: 'visually-hidden' }, 'The network'),
        picture.element,
        builder(sessions, consent),
      ),
      pay,
      h('section', { class: 'people', 'aria-label': 'People' }, ...sessions.map((session) => personCard(session, () => { closer.show(session); }))),
      closer.element,
      requestsPanel(sessions),
    ),
  ];
}

/** All of one person's channels, below the cards. */
function closerLook(sessions: readonly Session[]): { element: HTMLElement; show(session: Session): void } {
  const [{ deployment }] = sessions as [Session];
  const title = h('h2', { id: 'closer-title', tabindex: -1 });
  const body = h('div', {});
  const made = new Map<Session, HTMLElement>();
  const element = h('section', { class: 'closer', hidden: true, 'aria-labelledby': 'closer-title', 'data-testid': 'closer' }, title, body);
  return {
    element,
    show(session) {
      const panel = made.get(session) ?? channelsPanel(session);
      made.set(session, panel);
      setText(title, `${nameOf(deployment, session.wallet)}’s channels`);
      body.replaceChildren(panel);
      show(element, true);
      title.focus();
    },
  };
}

/** The words for each step of a channel that is being opened. */
const STEPS: Record<LinkStep, string> = {
  waiting: 'waits',
  wallet: 'wallet asked',
  submitted: 'waiting for a block',
  confirming: 'waiting for confirmations',
  deposit: 'the other side deposits',
  ready: 'ready',
};

/** The button that opens what is missing of the row; gone when nothing is. */
function builder(sessions: readonly Session[], consent: BuildersConsent): HTMLElement {
  const links = linksOf(sessions);
  const [{ deployment }] = sessions as [Session];
  const { token } = deployment;
  const deposit = DEPOSIT * 10n ** BigInt(token.decimals);
  const name = ({ wallet }: Session): string => nameOf(deployment, wallet);
  const error = errorLine('build-error');
  const progress = h('ul', { class: 'build-steps', hidden: true, 'data-testid': 'build-steps' });
  const rows = new Map(links.map((link) => [link, h('li', {})]));
  progress.append(...rows.values());
  const report = (link: Link, step: LinkStep): void => {
    const row = rows.get(link);
    if (!row) return;
    setText(row, `${name(link.left)} and ${name(link.right)}: ${STEPS[step]}`);
    row.dataset['step'] = step;
  };
  let isRunning = false;
  const build = async (): Promise<void> => {
    const missing = links.filter((link) => !isLinked(link));
    const wishes = missing.flatMap(({ left, right }) => [
      { account: left.wallet, text: `${name(left)} deposits ${formatAmount(deposit, token)} into a channel with ${name(right)}` },
      { account: right.wallet, text: `${name(right)} deposits ${formatAmount(deposit, token)} into it as well` },
    ]);
    for (const link of links) {
      const row = rows.get(link);
      if (row) show(row, missing.includes(link));
      report(link, 'waiting');
    }
    await consent.during('Build the network', wishes, async () => {
      show(progress, true);
      await buildLinks(links, deposit, report);
    });
  };
  const button = h(
    'button',
    {
      type: 'button',
      class: 'button primary',
      'data-testid': 'build',
      onclick: () => {
        isRunning = true;
        void act({ controls: [button], error }, build).then((done) => {
          isRunning = false;
          show(progress, false);
          if (done) announce('The network is ready.');
          render();
        });
      },
    },
    'Build the network',
  );
  const hint = h('p', { class: 'hint' });
  const element = h('div', { class: 'build' }, button, hint, progress, error.element);
  const render = (): void => {
    const missing = links.filter((link) => !isLinked(link)).length;
    // What disappears with the focus in it would leave the keyboard at the top of the page.
    const isShown = missing > 0 || isRunning;
    if (!isShown && element.contains(document.activeElement)) document.querySelector<HTMLElement>('[data-testid="network-amount"]')?.focus();
    show(element, isShown);
    setText(hint, `Opens ${missing === links.length ? `${links.length} channels` : 'what is missing of the row'}, with ${formatAmount(deposit, token)} from each side. One confirmation for all; takes a few blocks.`);
    show(hint, !isRunning);
  };
  for (const session of sessions) session.subscribe(render);
  return element;
}
