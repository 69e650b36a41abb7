/** Announces the development wallet by EIP-6963, like any extension would, so that nobody needs one to try the demo. */

import type { Deployment } from '../deployment.js';
import { DevWallet } from './provider.js';

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 96 96'%3E%3Crect width='96' height='96' rx='22' fill='%235a4fcf'/%3E%3Cpath d='M22 34a8 8 0 0 1 8-8h36a8 8 0 0 1 8 8v4H30a8 8 0 0 0-8 8z' fill='%23fff' opacity='.65'/%3E%3Crect x='22' y='38' width='52' height='34' rx='8' fill='%23fff'/%3E%3Ccircle cx='61' cy='55' r='5' fill='%235a4fcf'/%3E%3C/svg%3E";

/** Starts to answer `eip6963:requestProvider`. */
export function announceDevWallet(deployment: Deployment): void {
  const info = Object.freeze({ uuid: crypto.randomUUID(), name: 'Development wallet', icon: ICON, rdns: 'dev.chit.wallet' });
  const detail = Object.freeze({ info, provider: new DevWallet(deployment) });
  const announce = (): void => {
    window.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }));
  };
  window.addEventListener('eip6963:requestProvider', announce);
  announce();
}
