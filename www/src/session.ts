/** One running client and what the page knows from it. Views subscribe and are told at most once per frame. */

import {
  type Address,
  type ChannelClient,
  type ChannelView,
  type ClientStatus,
  type Eip1193Provider,
  type FatalEvent,
  type Hex,
  type PaymentView,
  createChannelClient,
} from '@chit/client';
import { type Deployment, tokenOf } from './deployment.js';
import { type Balances, readBalances } from './lib/chain.js';
import type { Token } from './lib/format.js';
import { type Mood, type Move, moveOf } from './network/model.js';

/** How many payments the page remembers; older ones stay in the client's storage. */
const REMEMBERED = 5_000;

/** What everybody here takes for passing payments of others on, in millionths: half a percent. */
const FEE = 5_000;

/** How many are read at once. */
const PAGE = 1_000;

/** What the views show. */
export class Session {
  readonly channels = new Map<Hex, ChannelView>();
  /** Newest last. */
  readonly payments = new Map<string, PaymentView>();
  readonly warnings = new Map<string, string>();
  status: ClientStatus | undefined;
  balances: Balances | undefined;
  authorizedUntil: number | undefined;
  fatal: FatalEvent | undefined;
  offline = false;
  /** Whether this person refuses to pass payments of others on. */
  refusing = false;
  /** What to add to this machine's clock to get the chain's. */
  #skew = 0;
  #scheduled = false;
  readonly #views = new Set<() => void>();
  readonly #received = new Set<(payment: PaymentView) => void>();
  readonly #moves = new Set<(move: Move) => void>();

  private constructor(
    readonly deployment: Deployment,
    readonly provider: Eip1193Provider,
    readonly client: ChannelClient,
  ) {}

  /** Starts the client and reads what it has stored. */
  static async start(deployment: Deployment, provider: Eip1193Provider, wallet: Address): Promise<Session> {
    const { chainId, judge, fromBlock, relayUrl, confirmations, pollingInterval = 500 } = deployment;
    const client = await createChannelClient({
      chainId,
      judge,
      fromBlock,
      relayUrl,
      provider,
      wallet,
      pollingInterval,
      confirmations,
      mediate: { proportional: FEE },
    });
    const session = new Session(deployment, provider, client);
    session.#listen();
    await session.#read();
    return session;
  }

  /** The account of this tab. */
  get wallet(): Address {
    return this.client.wallet;
  }

  /** Whether others can find this account and open channels with it. */
  get online(): boolean {
    return (this.authorizedUntil ?? 0) > this.now();
  }

  /** Unix seconds as the chain counts them, which is what deadlines are measured by. */
  now(): number {
    return Date.now() / 1000 + this.#skew;
  }

  /** Calls a view now and after every change, until the returned function is called. */
  subscribe(view: () => void): () => void {
    this.#views.add(view);
    view();
    return () => void this.#views.delete(view);
  }

  /** Resolves with the first thing that `find` finds, now or after a change. */
  until<T>(find: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = find();
        if (found === undefined) return;
        this.#views.delete(look);
        resolve(found);
      };
      this.subscribe(look);
    });
  }

  /** Calls back for every payment that arrives. */
  onReceived(listener: (payment: PaymentView) => void): void {
    this.#received.add(listener);
  }

  /** Calls back for everything that this person pays, locks or gets back. */
  onMove(listener: (move: Move) => void): void {
    this.#moves.add(listener);
  }

  /** The token of a payment. */
  tokenOf({ token }: PaymentView): Token {
    return tokenOf(this.deployment, token);
  }

  /** How this person behaves. */
  get mood(): Mood {
    return this.offline ? 'silent' : this.refusing ? 'refusing' : 'well';
  }

  /** Channels, open ones first, newest first among equals. */
  sortedChannels(): readonly ChannelView[] {
    const rank = (channel: ChannelView): number => (channel.status === 'settled' ? 1 : 0);
    return [...this.channels.values()].reverse().sort((a, b) => rank(a) - rank(b));
  }

  /** Reads status, balances and authorization again. */
  async refresh(): Promise<void> {
    const [status, balances] = await Promise.all([
      this.client.status().catch(() => undefined),
      readBalances(this.provider, this.wallet, this.deployment.token.address).catch(() => undefined),
    ]);
    this.status = status ?? this.status;
    this.balances = balances ?? this.balances;
    this.authorizedUntil = status?.authorizedUntil ?? this.authorizedUntil;
    this.changed();
  }

  /** Tells the views, soon. */
  changed(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const run = (): void => {
      this.#scheduled = false;
      for (const view of this.#views) view();
    };
    // Hidden tabs get no animation frames, but their titles and their tests want to be current too.
    if (document.visibilityState === 'visible') requestAnimationFrame(run);
    else setTimeout(run, 50);
  }

  async #read(): Promise<void> {
    const [channels, payments] = await Promise.all([this.client.channels(), this.#stored()]);
    for (const channel of channels) if (!this.channels.has(channel.id)) this.channels.set(channel.id, channel);
    const newer = [...this.payments.values()];
    this.payments.clear();
    for (const payment of [...payments].reverse()) this.#remember(payment);
    for (const payment of newer) this.#remember(payment);
    await this.refresh();
  }

  async #stored(): Promise<readonly PaymentView[]> {
    const all: PaymentView[] = [];
    while (all.length < REMEMBERED) {
      const before = all.at(-1)?.id;
      const page = await this.client.payments({ limit: PAGE, before });
      all.push(...page);
      if (page.length < PAGE) break;
    }
    return all;
  }

  #listen(): void {
    const { client } = this;
    client.on('channel', ({ channel }) => {
      const before = this.channels.get(channel.id);
      this.channels.set(channel.id, channel);
      const move = before && moveOf(this.wallet, before, channel);
      if (move) for (const listener of this.#moves) listener(move);
      if (before?.status !== channel.status) void this.refresh();
      this.changed();
    });
    client.on('payment', ({ payment }) => {
      const isNew = this.#remember(payment);
      if (isNew && payment.direction === 'received') for (const listener of this.#received) listener(payment);
      this.changed();
    });
    client.on('chain', ({ ok, reason, block, timestamp }) => {
      if (timestamp !== undefined) this.#skew = Math.max(0, timestamp - Date.now() / 1000);
      if (this.status) {
        this.status = {
          ...this.status,
          chainOk: ok,
          chainReason: reason,
          block: block ?? this.status.block,
          timestamp: timestamp ?? this.status.timestamp,
        };
      }
      void this.refresh();
    });
    client.on('connection', ({ relay, reason }) => {
      if (this.status) this.status = { ...this.status, relay, relayReason: reason };
      this.changed();
    });
    client.on('warning', ({ code, message }) => {
      this.warnings.set(code, message);
      this.changed();
    });
    client.on('fatal', (event) => {
      this.fatal = event;
      this.changed();
    });
  }

  #remember(payment: PaymentView): boolean {
    const key = `${payment.channel ?? payment.partner}${payment.direction}${payment.id}`;
    const isNew = !this.payments.has(key);
    this.payments.set(key, payment);
    if (this.payments.size > REMEMBERED) {
      const oldest = this.payments.keys().next();
      if (!oldest.done) this.payments.delete(oldest.value);
    }
    return isNew;
  }
}
