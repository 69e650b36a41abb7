/** Dots that travel along channels, one after the other, so that the eye can follow what took milliseconds. */

import { s } from '../lib/dom.js';
import type { Move } from '../network/model.js';

/** One dot's way. */
export interface Travel {
  /** Where it runs, asked again for every frame: the picture may have been drawn anew meanwhile. */
  path(): SVGPathElement | undefined;
  readonly isBackwards: boolean;
  readonly kind: Move['kind'];
}

/** How long one hop takes to watch, in milliseconds. */
const HOP = 650;

/** A burst of payments shows a few dots and not a thousand. */
const WAITING = 6;

/** The moving dot of a picture. */
export class Travels {
  readonly element = s('circle', { r: 9, class: 'net-dot', visibility: 'hidden' });
  readonly #waiting: Travel[] = [];
  #isRunning = false;

  /** Shows a hop when those before it are shown. */
  add(travel: Travel): void {
    if (this.#waiting.length >= WAITING) return;
    this.#waiting.push(travel);
    if (!this.#isRunning) this.#next();
  }

  #next(): void {
    const travel = this.#waiting.shift();
    this.#isRunning = travel !== undefined;
    if (!travel) {
      this.element.setAttribute('visibility', 'hidden');
      return;
    }
    const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const begun = performance.now();
    const frame = (now: number): void => {
      const share = Math.min(1, Math.max(0, (now - begun) / HOP));
      this.#place(travel, isStill ? 0.5 : ease(share));
      if (share < 1 && document.visibilityState === 'visible') requestAnimationFrame(frame);
      else this.#next();
    };
    // Nobody watches a hidden tab, and it gets no frames.
    if (document.visibilityState === 'visible') requestAnimationFrame(frame);
    else this.#next();
  }

  #place(travel: Travel, share: number): void {
    const { isBackwards, kind } = travel;
    const line = travel.path();
    if (!line) return;
    const forwards = isBackwards ? 1 - share : share;
    // What was locked and is given back goes home.
    const { x, y } = line.getPointAtLength(line.getTotalLength() * (kind === 'returned' ? 1 - forwards : forwards));
    this.element.setAttribute('cx', x.toFixed(1));
    this.element.setAttribute('cy', y.toFixed(1));
    this.element.setAttribute('class', `net-dot ${kind}`);
    this.element.setAttribute('visibility', 'visible');
  }
}

function ease(share: number): number {
  return share * share * (3 - 2 * share);
}
