/** The live picture of a network: people, what each can pay over each channel, and payments travelling along it. */

import type { Hex } from '@chit/client';
import { type Deployment, tokenOf } from '../deployment.js';
import { h, s, setText } from '../lib/dom.js';
import { formatAmount, formatUnits, same } from '../lib/format.js';
import { hueOf, initialOf, nameOf } from '../lib/people.js';
import { type Layout, layOut } from '../network/layout.js';
import type { Move, Picture, PictureEdge, PictureNode } from '../network/model.js';
import { Travels } from './travels.js';

/** The picture, how to bring it up to date, and how to show a movement on it. */
export interface NetworkPicture {
  readonly element: HTMLElement;
  update(picture: Picture): void;
  travel(move: Move): void;
}

const NARROW = '(width < 46rem)';

/** What somebody's state is called below the name. */
const MOODS = { well: '', silent: 'silent', refusing: 'refuses' } as const;

/** Makes an empty picture. */
export function networkPicture(deployment: Deployment): NetworkPicture {
  const stage = s('svg', { role: 'img', class: 'net' });
  const list = h('ul', { class: 'net-list', 'data-testid': 'network-list' });
  const element = h(
    'div',
    { class: 'network-picture', 'data-testid': 'network-picture' },
    stage,
    h('details', {}, h('summary', {}, 'The network in words'), list),
  );
  const narrow = matchMedia(NARROW);
  const travels = new Travels();
  const drawn = new Map<Hex, DrawnEdge>();
  let people: readonly DrawnNode[] = [];
  let shape = '';
  let last: Picture = { nodes: [], edges: [] };

  const draw = (picture: Picture): void => {
    const at = (address: string): number => picture.nodes.findIndex((node) => same(node.address, address));
    const seen = new Map<string, number>();
    const ends = picture.edges.map((edge) => {
      const pair = [at(edge.a), at(edge.b)] as const;
      const name = [...pair].sort().join();
      const nth = seen.get(name) ?? 0;
      seen.set(name, nth + 1);
      return [...pair, nth] as const;
    });
    const bows = ends.some(([a, b, nth]) => Math.abs(a - b) + nth > 1);
    const layout = layOut(picture.nodes.length, narrow.matches, bows);
    drawn.clear();
    const lines = picture.edges.map((edge, index) => {
      const [a, b, nth] = ends[index] ?? [0, 0, 0];
      const made = new DrawnEdge(deployment, layout.path(a, b, nth), edge);
      drawn.set(edge.id, made);
      return made.element;
    });
    people = picture.nodes.map((node, index) => new DrawnNode(deployment, node, layout, index));
    stage.setAttribute('viewBox', `0 0 ${layout.width} ${layout.height}`);
    stage.style.setProperty('max-inline-size', `${layout.width}px`);
    stage.replaceChildren(...lines, ...people.map((person) => person.element), travels.element);
  };
  const update = (picture: Picture): void => {
    last = picture;
    const wanted = [narrow.matches, ...picture.nodes.map(({ address }) => address), ...picture.edges.map(({ id }) => id)].join();
    if (wanted !== shape) {
      shape = wanted;
      draw(picture);
    }
    for (const edge of picture.edges) drawn.get(edge.id)?.update(edge);
    picture.nodes.forEach((node, index) => people[index]?.update(node));
    stage.setAttribute('aria-label', inShort(deployment, picture));
    describe(list, inWords(deployment, picture));
  };
  narrow.addEventListener('change', () => {
    update(last);
  });
  return {
    element,
    update,
    travel: (move) => {
      const edge = last.edges.find(({ id }) => id === move.channel);
      if (!edge) return;
      travels.add({ path: () => drawn.get(move.channel)?.line, isBackwards: !same(edge.a, move.from), kind: move.kind });
    },
  };
}

/** A person: round, with an initial, a name, and a state. */
class DrawnNode {
  readonly element: SVGGElement;
  readonly #mood: SVGTextElement;

  constructor(deployment: Deployment, node: PictureNode, layout: Layout, index: number) {
    const { x, y } = layout.places[index] ?? { x: 0, y: 0 };
    const { radius, namesBeside } = layout;
    const beside = { x: x + radius + 12, y: y - 4, 'text-anchor': 'start' };
    const below = { x, y: y + radius + 24, 'text-anchor': 'middle' };
    const place = namesBeside ? beside : below;
    this.#mood = s('text', { ...place, y: place.y + 20, class: 'net-mood' });
    this.element = s(
      'g',
      {},
      s('circle', { cx: x, cy: y, r: radius, class: `net-face hue-${hueOf(deployment, node.address)}` }),
      s('text', { x, y, dy: '.35em', 'text-anchor': 'middle', class: 'net-initial' }, initialOf(deployment, node.address)),
      s('text', { ...place, class: 'net-name' }, nameOf(deployment, node.address)),
      this.#mood,
    );
  }

  update({ mood }: PictureNode): void {
    this.element.setAttribute('class', `net-person ${mood}`);
    setText(this.#mood, MOODS[mood]);
  }
}

/** A channel: one thick line in two colours, each side's money beginning at its owner; between them what hangs. */
class DrawnEdge {
  readonly element: SVGGElement;
  /** The whole line, for what travels along it. */
  readonly line: SVGPathElement;
  readonly #parts: readonly SVGPathElement[];
  readonly #labels: readonly SVGTextElement[];
  readonly #path: string;
  readonly #decimals: number;

  constructor(deployment: Deployment, path: string, edge: PictureEdge) {
    this.#path = path;
    this.#decimals = tokenOf(deployment, edge.token).decimals;
    this.line = s('path', { d: path, class: 'net-track' });
    const kinds = [`hue-${hueOf(deployment, edge.a)}`, 'net-locked', `hue-${hueOf(deployment, edge.b)}`];
    this.#parts = kinds.map((kind) => s('path', { d: path, pathLength: 100, class: `net-part ${kind}` }));
    this.#labels = [0, 1, 2].map(() => s('text', { class: 'net-amount', 'text-anchor': 'middle' }));
    this.element = s('g', {}, this.line, ...this.#parts, ...this.#labels);
  }

  update(edge: PictureEdge): void {
    this.element.setAttribute('class', `net-edge ${edge.state}`);
    const locked = edge.aLocked + edge.bLocked;
    const [a, b] = [edge.aCan ?? 0n, edge.bCan ?? 0n];
    const total = a + locked + b;
    const share = (amount: bigint): number => (total === 0n ? 0 : Number((amount * 10_000n) / total) / 100);
    let start = 0;
    [a, locked, b].forEach((amount, index) => {
      const part = this.#parts[index];
      const length = share(amount);
      part?.setAttribute('stroke-dasharray', `${length} 1000`);
      part?.setAttribute('stroke-dashoffset', String(-start));
      part?.setAttribute('visibility', length > 0 && edge.state === 'open' ? 'visible' : 'hidden');
      start += length;
    });
    const words = edge.state === 'open' ? [edge.aCan, locked > 0n ? locked : undefined, edge.bCan].map((amount) => this.#amount(amount)) : ['', edge.state, ''];
    const places = alongside(this.#path);
    this.#labels.forEach((label, index) => {
      const place = places[index];
      if (place) {
        label.setAttribute('x', String(place.x));
        label.setAttribute('y', String(place.y));
      }
      setText(label, words[index] ?? '');
      label.classList.toggle('net-hangs', index === 1 && edge.state === 'open');
    });
  }

  #amount(amount: bigint | undefined): string {
    return amount === undefined ? '' : formatUnits(amount, this.#decimals, 2);
  }
}

/** Places for three labels beside a path: near its start, its middle and its end. */
function alongside(path: string): readonly { x: number; y: number }[] {
  const numbers = (path.match(/-?\d+(\.\d+)?/g) ?? []).map(Number);
  const [x0 = 0, y0 = 0] = numbers;
  const [x1 = 0, y1 = 0] = numbers.slice(-2);
  const [cx, cy] = numbers.length === 6 ? [numbers[2] ?? 0, numbers[3] ?? 0] : [(x0 + x1) / 2, (y0 + y1) / 2];
  const isUpright = Math.abs(x1 - x0) < 1;
  // Beside the line, on its upper side.
  const length = Math.hypot(x1 - x0, y1 - y0) || 1;
  const up = x1 < x0 ? -1 : 1;
  const side = { x: (up * (y1 - y0)) / length, y: (-up * (x1 - x0)) / length };
  return [0.17, 0.5, 0.83].map((t) => {
    const u = 1 - t;
    const x = u * u * x0 + 2 * u * t * cx + t * t * x1;
    const y = u * u * y0 + 2 * u * t * cy + t * t * y1;
    // A column leaves its right side to bows.
    if (isUpright && numbers.length === 4 && x0 > 60) return { x: x - 38, y: y + 5 };
    return isUpright ? { x: x + 38, y: y + 5 } : { x: x + side.x * 18, y: y + side.y * 18 + 3 };
  });
}

function inShort(deployment: Deployment, { nodes, edges }: Picture): string {
  const names = nodes.map(({ address }) => nameOf(deployment, address)).join(', ');
  const count = edges.length === 1 ? '1 channel' : `${edges.length} channels`;
  return `A network of ${names} with ${count}. Its amounts are in the list below.`;
}

function inWords(deployment: Deployment, { nodes, edges }: Picture): readonly string[] {
  const name = (address: string): string => nameOf(deployment, address);
  const channels = edges.map((edge) => {
    const token = tokenOf(deployment, edge.token);
    const [a, b] = [name(edge.a), name(edge.b)];
    if (edge.state !== 'open') return `${a} and ${b}: the channel is ${edge.state}.`;
    const side = (who: string, can: bigint | undefined): string =>
      can === undefined ? `${who} does not say how much can be paid` : `${who} can pay ${formatAmount(can, token)}`;
    const locked = edge.aLocked + edge.bLocked;
    const hangs = locked > 0n ? `; ${formatAmount(locked, token)} locked, neither paid nor given back yet` : '';
    return `${a} and ${b}: ${side(a, edge.aCan)}, ${side(b, edge.bCan)}${hangs}.`;
  });
  const moods = nodes.filter(({ mood }) => mood !== 'well').map(({ address, mood }) => `${name(address)} ${mood === 'silent' ? 'is silent' : 'refuses to pass payments on'}.`);
  return channels.length + moods.length > 0 ? [...channels, ...moods] : ['There is no channel yet.'];
}

/** Patches a list of sentences. */
function describe(list: HTMLElement, sentences: readonly string[]): void {
  while (list.children.length > sentences.length) list.lastElementChild?.remove();
  sentences.forEach((sentence, index) => {
    const item = list.children[index] ?? list.appendChild(h('li'));
    setText(item, sentence);
  });
}
