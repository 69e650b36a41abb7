/** An EIP-1193 wallet whose keys are the unlocked accounts of the local development chain. */

import type { Address } from '@chit/client';
import type { Deployment } from '../deployment.js';
import { same } from '../lib/format.js';
import { CallBundles, type Receipt } from './calls.js';
import { chooseAccount, confirm } from './dialogs.js';
import { RpcError, rpc } from './rpc.js';
import { type Call, type TypedData, summarizeCall, summarizeTypedData } from './summary.js';

/** Each tab is another person, so the choice lives as long as the tab. */
const STORED = 'dev-wallet.account';

type Listener = (value: unknown) => void;

/** The provider that the development wallet announces. */
export class DevWallet {
  readonly #deployment: Deployment;
  readonly #bundles = new CallBundles();
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #ask: typeof confirm;
  #account: string | undefined;

  /** With an account it is that account's wallet alone, as on a page that shows several people. */
  constructor(deployment: Deployment, account?: Address, ask: typeof confirm = confirm) {
    this.#deployment = deployment;
    this.#ask = ask;
    this.#account = account;
    if (account !== undefined) return;
    const stored = sessionStorage.getItem(STORED);
    this.#account = deployment.accounts.find((account) => same(account, stored ?? undefined));
  }

  on(event: string, listener: Listener): this {
    const set = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, set.add(listener));
    return this;
  }

  removeListener(event: string, listener: Listener): this {
    this.#listeners.get(event)?.delete(listener);
    return this;
  }

  /** Answers one request. */
  async request({ method, params }: { method: string; params?: unknown }): Promise<unknown> {
    const list: readonly unknown[] = Array.isArray(params) ? params : [];
    switch (method) {
      case 'eth_requestAccounts':
        return this.#connect();
      case 'eth_accounts':
        return this.#account === undefined ? [] : [this.#account];
      case 'wallet_revokePermissions':
        this.#select(undefined);
        return null;
      case 'eth_sendTransaction':
        return this.#sendTransaction(list[0]);
      case 'eth_signTypedData_v4':
        return this.#signTypedData(list[0], list[1]);
      case 'wallet_sendCalls':
        return this.#sendCalls(list[0]);
      case 'wallet_getCallsStatus':
        return this.#bundles.status(list[0], this.#chainId);
      case 'wallet_getCapabilities':
        return { [this.#chainId]: { atomic: { status: 'supported' } } };
      case 'wallet_switchEthereumChain':
        if (BigInt((list[0] as { chainId: string }).chainId) === BigInt(this.#deployment.chainId)) return null;
        throw new RpcError(4902, 'The development wallet knows only the local chain.');
      default:
        // Reading is free; everything that a page must not do with a chain (mining, stealing) is not.
        if (!/^(eth|net|web3)_/.test(method) || /sign|sendTransaction$/i.test(method)) {
          throw new RpcError(4200, `The development wallet does not support ${method}.`);
        }
        return rpc(this.#deployment.rpcUrl, method, params);
    }
  }

  get #chainId(): string {
    return `0x${this.#deployment.chainId.toString(16)}`;
  }

  async #connect(): Promise<string[]> {
    if (this.#account !== undefined) return [this.#account];
    const { accounts, rpcUrl, token } = this.#deployment;
    const choices = await Promise.all(
      accounts.map(async (address) => {
        const data = `0x70a08231${address.slice(2).toLowerCase().padStart(64, '0')}`;
        const balance = await rpc(rpcUrl, 'eth_call', [{ to: token.address, data }, 'latest']).catch(() => '0x');
        return { address, balance: balance === '0x' ? undefined : BigInt(balance as string) };
      }),
    );
    const asked = Number(new URLSearchParams(location.search).get('account') ?? 0);
    const preselected = Number.isInteger(asked) && asked >= 0 && asked < accounts.length ? asked : 0;
    const account = await chooseAccount(this.#deployment, choices, preselected);
    this.#select(account);
    return [account];
  }

  #select(account: string | undefined): void {
    this.#account = account;
    if (account === undefined) sessionStorage.removeItem(STORED);
    else sessionStorage.setItem(STORED, account);
    for (const listener of this.#listeners.get('accountsChanged') ?? []) listener(account === undefined ? [] : [account]);
  }

  #own(address: unknown): string {
    if (this.#account === undefined || typeof address !== 'string' || !same(address, this.#account)) {
      throw new RpcError(4100, 'This tab is not connected with that account.');
    }
    return this.#account;
  }

  async #sendTransaction(transaction: unknown): Promise<unknown> {
    const call = (transaction ?? {}) as Call & { from?: string };
    const account = this.#own(call.from);
    await this.#ask(this.#deployment, account, [summarizeCall(this.#deployment, account, call)], call, 'Confirm');
    return rpc(this.#deployment.rpcUrl, 'eth_sendTransaction', [call]);
  }

  async #signTypedData(address: unknown, data: unknown): Promise<unknown> {
    const account = this.#own(address);
    const typed = (typeof data === 'string' ? JSON.parse(data) : data) as TypedData;
    const { chainId } = typed.domain ?? {};
    if (chainId !== undefined && BigInt(chainId as string) !== BigInt(this.#deployment.chainId)) {
      throw new RpcError(4901, 'The signature is for another chain.');
    }
    await this.#ask(this.#deployment, account, [summarizeTypedData(this.#deployment, typed)], typed, 'Sign');
    return rpc(this.#deployment.rpcUrl, 'eth_signTypedData_v4', [account, typed]);
  }

  async #sendCalls(batch: unknown): Promise<unknown> {
    const { from, chainId, calls, id } = (batch ?? {}) as {
      from?: string;
      chainId?: string;
      calls?: readonly Call[];
      id?: string;
    };
    const account = this.#own(from ?? this.#account);
    if (!Array.isArray(calls) || calls.length === 0) throw new RpcError(-32602, 'A batch needs at least one call.');
    if (chainId !== undefined && BigInt(chainId) !== BigInt(this.#deployment.chainId)) {
      throw new RpcError(5710, 'The batch is for another chain.');
    }
    const list = calls as readonly Call[];
    const summaries = list.map((call) => summarizeCall(this.#deployment, account, call));
    await this.#ask(this.#deployment, account, summaries, list, 'Confirm');
    const send = (call: Call): Promise<Receipt> => this.#sendAndWait(account, call);
    return { id: this.#bundles.start(list, send, () => this.#remember(), id) };
  }

  async #remember(): Promise<() => Promise<void>> {
    const snapshot = await rpc(this.#deployment.rpcUrl, 'evm_snapshot', []);
    return async () => {
      await rpc(this.#deployment.rpcUrl, 'evm_revert', [snapshot]);
    };
  }

  async #sendAndWait(account: string, { to, data, value }: Call): Promise<Receipt> {
    const transaction = { from: account, to, data, value };
    const hash = await rpc(this.#deployment.rpcUrl, 'eth_sendTransaction', [transaction]);
    for (;;) {
      const receipt = await rpc(this.#deployment.rpcUrl, 'eth_getTransactionReceipt', [hash]);
      if (receipt !== null) return receipt as Receipt;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
