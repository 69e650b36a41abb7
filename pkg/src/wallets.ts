/** Finds the wallets of a page by EIP-6963, which names them all, instead of whichever took `window.ethereum`. */

import { aborted } from './errors.js';
import { callSafely } from './events.js';
import type { Eip1193Provider } from './types.js';
import { checkInteger, checkListener, checkParameters, checkSignal } from './validate.js';

/** What a wallet says about itself. */
export interface WalletInfo {
  /** Names the wallet while the page lives. */
  readonly uuid: string;
  /** For people. */
  readonly name: string;
  /** A `data:image/` URI. Render it with `<img>` only: then a script inside an SVG does not run. Empty when it was anything else. */
  readonly icon: string;
  /** Names the wallet's maker as a reversed domain name. */
  readonly rdns: string;
}

/** A wallet of the page. */
export interface WalletDetail {
  readonly info: WalletInfo;
  /** Pass it to `createChannelClient`. */
  readonly provider: Eip1193Provider;
}

/** Parameters of {@link discoverWallets}. */
export interface DiscoverWalletsParameters {
  /** How long to collect announcements, in milliseconds, 0 to 60,000. Default 200; wallets answer at once. */
  readonly timeout?: number | undefined;
  /** Called for every wallet, also for those that come later, until the signal fires. */
  readonly onWallet?: ((wallet: WalletDetail) => void) | undefined;
  /** Stops listening. Before the list is complete it rejects with `ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link discoverWallets} resolves to. */
export type DiscoverWalletsReturnType = readonly WalletDetail[];

/**
 * Lists the wallets that announce themselves by EIP-6963, each once. Without a window, as on a server, the list is
 * empty.
 *
 * @example
 * const [wallet] = await discoverWallets();
 * const [account] = await wallet.provider.request({ method: 'eth_requestAccounts' });
 */
export async function discoverWallets(
  parameters: DiscoverWalletsParameters = {},
): Promise<DiscoverWalletsReturnType> {
  checkParameters(parameters);
  const { onWallet } = parameters;
  const timeout = checkInteger(parameters.timeout ?? 200, 'timeout', 0, 60_000);
  if (onWallet !== undefined) checkListener(onWallet, 'onWallet');
  const signal = checkSignal(parameters.signal);
  if (signal?.aborted) throw aborted(signal);
  if (typeof window === 'undefined') return [];

  const found = new Map<string, WalletDetail>();
  const announced = (event: Event): void => {
    const wallet = toWallet((event as CustomEvent<unknown>).detail);
    if (!wallet || found.has(wallet.info.uuid)) return;
    found.set(wallet.info.uuid, wallet);
    if (onWallet) callSafely(onWallet, wallet);
  };
  const stop = (): void => {
    window.removeEventListener('eip6963:announceProvider', announced);
  };
  window.addEventListener('eip6963:announceProvider', announced);
  window.dispatchEvent(new Event('eip6963:requestProvider'));

  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      if (onWallet === undefined) {
        stop();
        signal?.removeEventListener('abort', onAbort);
      }
      resolve([...found.values()]);
    }, timeout);
    const onAbort = (): void => {
      clearTimeout(timer);
      stop();
      if (signal) reject(aborted(signal));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Any script of the page can announce anything, so what does not look like a wallet is left out. */
function toWallet(detail: unknown): WalletDetail | undefined {
  if (typeof detail !== 'object' || detail === null) return undefined;
  const { info, provider } = detail as { info?: Partial<WalletInfo>; provider?: Partial<Eip1193Provider> };
  if (typeof info !== 'object' || info === null || typeof provider?.request !== 'function') return undefined;
  const { uuid, name, icon, rdns } = info;
  if (typeof uuid !== 'string' || uuid === '' || typeof name !== 'string' || typeof rdns !== 'string') return undefined;
  const safe = typeof icon === 'string' && icon.startsWith('data:image/') ? icon : '';
  return Object.freeze({
    info: Object.freeze({ uuid, name: name.slice(0, 100), icon: safe, rdns }),
    provider: provider as Eip1193Provider,
  });
}

