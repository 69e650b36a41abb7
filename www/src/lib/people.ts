/** Names and faces for the development accounts, so that two tabs are two people and not two numbers. */

import type { Deployment } from '../deployment.js';
import { same, short } from './format.js';
import { svg } from './dom.js';

const NAMES = ['Alice', 'Bob', 'Carol', 'Dave', 'Erin', 'Frank', 'Grace', 'Heidi', 'Ivan', 'Judy'];
const HUES = ['#0b6e4f', '#b4491a', '#5a4fcf', '#a3306f', '#1f6f9c', '#7a5c00', '#3f6b1e', '#8a3f3f', '#46586b', '#6b4a8a'];

/** The place of an account among the development accounts, -1 for others. */
export function indexOf(deployment: Deployment, address: string): number {
  return deployment.accounts.findIndex((account) => same(account, address));
}

/** A first name for a development account, else the ends of the address. */
export function nameOf(deployment: Deployment, address: string): string {
  return nameAt(indexOf(deployment, address)) ?? short(address);
}

/** The name of the n-th development account. */
export function nameAt(index: number): string | undefined {
  return NAMES[index];
}

/** The number of the colour that stands for an account, from 0 to 9. */
export function hueOf(deployment: Deployment, address: string): number {
  const index = indexOf(deployment, address);
  return (index >= 0 ? index : Number.parseInt(address.slice(2, 8), 16)) % HUES.length;
}

/** The letters inside an account's picture. */
export function initialOf(deployment: Deployment, address: string): string {
  const index = indexOf(deployment, address);
  return NAMES[index]?.[0] ?? address.slice(2, 4);
}

/** A round picture with an initial. It says nothing that the name beside it does not say. */
export function avatar(deployment: Deployment, address: string): SVGElement {
  const initial = initialOf(deployment, address);
  const hue = HUES[hueOf(deployment, address)] ?? '#0b6e4f';
  return svg(
    `<svg xmlns="http://www.w3.org/2000/svg" class="avatar" viewBox="0 0 40 40" aria-hidden="true"><circle cx="20" cy="20" r="20" fill="${hue}"/><text x="20" y="20" dy=".35em" text-anchor="middle" fill="#fff" font-size="${initial.length > 1 ? 14 : 18}" font-weight="600">${initial}</text></svg>`,
  );
}
