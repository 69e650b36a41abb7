/// <reference lib="esnext.disposable" preserve="true" />
/** The client: checks the configuration, starts the core, and binds the actions. */

import { authorize, type AuthorizeParameters, type AuthorizeReturnType } from './actions/authorize.js';
import { balance, type BalanceParameters, type BalanceReturnType } from './actions/balance.js';
import { channel, type ChannelParameters, type ChannelReturnType } from './actions/channel.js';
import { channels, type ChannelsParameters, type ChannelsReturnType } from './actions/channels.js';
import { close } from './actions/close.js';
import { closeChannel, type CloseChannelParameters, type CloseChannelReturnType } from './actions/closeChannel.js';
import { deposit, type DepositParameters, type DepositReturnType } from './actions/deposit.js';
import { events, on, type EventsParameters, type EventsReturnType, type OnParameters } from './actions/events.js';
import { network, type NetworkParameters, type NetworkReturnType } from './actions/network.js';
import { openChannel, type OpenChannelParameters, type OpenChannelReturnType } from './actions/openChannel.js';
import { pay, type PayParameters, type PayReturnType } from './actions/pay.js';
import {
  estimateCapacity,
  quote,
  type EstimateCapacityParameters,
  type EstimateCapacityReturnType,
  type QuoteParameters,
  type QuoteReturnType,
} from './actions/quote.js';
import { payments, type PaymentsParameters, type PaymentsReturnType } from './actions/payments.js';
import { createRequest, type CreateRequestParameters, type CreateRequestReturnType } from './actions/createRequest.js';
import { payRequest, type PayRequestParameters, type PayRequestReturnType } from './actions/payRequest.js';
import { readRequest, type ReadRequestParameters, type ReadRequestReturnType } from './actions/readRequest.js';
import { requests, type RequestsParameters, type RequestsReturnType } from './actions/requests.js';
import { requestStatus, type RequestStatusParameters, type RequestStatusReturnType } from './actions/requestStatus.js';
import { respond, type RespondParameters, type RespondReturnType } from './actions/respond.js';
import { settle, type SettleParameters, type SettleReturnType } from './actions/settle.js';
import { status, type StatusParameters, type StatusReturnType } from './actions/status.js';
import {
  closeWithOldProof,
  refuse,
  revealOnChain,
  type RevealOnChainParameters,
  setOffline,
  type CloseWithOldProofParameters,
  type SetOfflineParameters,
} from './actions/testing.js';
import { withdraw, type WithdrawParameters, type WithdrawReturnType } from './actions/withdraw.js';
import { Context } from './context.js';
import type { Core, CoreConfig } from './core.js';
import { aborted, invalid, toChitError } from './errors.js';
import { checkWasmSource, type Loader, type WasmSource } from './loader.js';
import type { Operation } from './operation.js';
import type { Address, ChannelView, ChitEventOf, ChitEventType, Eip1193Provider } from './types.js';
import {
  checkAddress,
  checkInteger,
  checkLiveSignal,
  checkMediation,
  checkParameters,
  checkProvider,
  checkRelayUrl,
  checkStorageName,
} from './validate.js';

/** What passing a payment on costs its payer. */
export interface MediationFee {
  /** For each payment, in base units. Default 0. */
  readonly flat?: bigint | undefined;
  /** Besides, in millionths of the amount, 0 to 1,000,000. Default 0. */
  readonly proportional?: number | undefined;
}

/** What a client is created from. */
export interface CreateChannelClientParameters {
  /** The chain that the Judge lives on. */
  readonly chainId: number;
  /** The Judge contract. */
  readonly judge: Address;
  /** The block in which the Judge was deployed; nothing earlier is read. */
  readonly fromBlock: bigint;
  /** The relay over which partners are reached, a `ws:` or `wss:` URL. It can neither read nor forge messages. */
  readonly relayUrl: string;
  /** The wallet, for reading the chain and for sending transactions. See `discoverWallets`. */
  readonly provider: Eip1193Provider;
  /** The account whose channels these are. The wallet must be able to sign for it. */
  readonly wallet: Address;
  /** How many blocks must follow a transaction before it counts, 1 to 10,000. Default 5. */
  readonly confirmations?: number | undefined;
  /** How often to ask for new blocks, in milliseconds, 50 to 3,600,000. Default 4,000. */
  readonly pollingInterval?: number | undefined;
  /**
   * Passes payments of others on, for this fee, and tells everyone so: the open channels and about how much can be sent
   * over each. Default `false`.
   */
  readonly mediate?: MediationFee | false | undefined;
  /** Where to take the wasm file from. Needed by `@chit/client/slim` only. The first client decides for the page. */
  readonly wasm?: WasmSource | undefined;
  /** Keeps this client's data apart from other clients of the same account. */
  readonly storageName?: string | undefined;
  /** Ends the wait for the client to start. */
  readonly signal?: AbortSignal | undefined;
}

/** A running client. Every method rejects with a `ChitError`. */
export interface ChannelClient {
  /** The account whose channels these are. */
  readonly wallet: Address;
  /** The chain. */
  readonly chainId: number;
  /** The Judge contract. */
  readonly judge: Address;
  /** Whether the client was closed or has failed. */
  readonly closed: boolean;
  /** Lets this browser's key sign for the wallet. {@link authorize} */
  authorize(parameters?: AuthorizeParameters): Promise<AuthorizeReturnType>;
  /** Opens a channel with a deposit. {@link openChannel} */
  openChannel(parameters: OpenChannelParameters): OpenChannelReturnType;
  /** Adds to this side's deposit. {@link deposit} */
  deposit(parameters: DepositParameters): DepositReturnType;
  /** Pays anyone, without the wallet. {@link pay} */
  pay(parameters: PayParameters): PayReturnType;
  /** What a payment would cost and how it would go. {@link quote} */
  quote(parameters: QuoteParameters): Promise<QuoteReturnType>;
  /** The most that could reach an account now. {@link estimateCapacity} */
  estimateCapacity(parameters: EstimateCapacityParameters): Promise<EstimateCapacityReturnType>;
  /** Takes tokens out of an open channel. {@link withdraw} */
  withdraw(parameters: WithdrawParameters): WithdrawReturnType;
  /** Closes a channel, together or alone. {@link closeChannel} */
  closeChannel(parameters: CloseChannelParameters): CloseChannelReturnType;
  /** Answers a partner's close with the newest proof. {@link respond} */
  respond(parameters: RespondParameters): RespondReturnType;
  /** Pays out a closed channel. {@link settle} */
  settle(parameters: SettleParameters): SettleReturnType;
  /** All channels. {@link channels} */
  channels(parameters?: ChannelsParameters): Promise<ChannelsReturnType>;
  /** One channel. {@link channel} */
  channel(parameters: ChannelParameters): Promise<ChannelReturnType>;
  /** Payments, newest first. {@link payments} */
  payments(parameters?: PaymentsParameters): Promise<PaymentsReturnType>;
  /** Asks to be paid. {@link createRequest} */
  createRequest(parameters: CreateRequestParameters): Promise<CreateRequestReturnType>;
  /** Checks a request and tells what it asks. {@link readRequest} */
  readRequest(parameters: ReadRequestParameters): Promise<ReadRequestReturnType>;
  /** Pays a request, once. {@link payRequest} */
  payRequest(parameters: PayRequestParameters): PayRequestReturnType;
  /** How far a request is. {@link requestStatus} */
  requestStatus(parameters: RequestStatusParameters): Promise<RequestStatusReturnType>;
  /** The requests that were made or paid here, newest first. {@link requests} */
  requests(parameters?: RequestsParameters): Promise<RequestsReturnType>;
  /** What the account holds in the wallet. {@link balance} */
  balance(parameters: BalanceParameters): Promise<BalanceReturnType>;
  /** Every wallet and channel, and what they announce. {@link network} */
  network(parameters?: NetworkParameters): Promise<NetworkReturnType>;
  /** How the client is doing. {@link status} */
  status(parameters?: StatusParameters): Promise<StatusReturnType>;
  /** Everything that happens from now on. {@link events} */
  events(parameters?: EventsParameters): EventsReturnType;
  /** Calls a listener for every event of one type; returns a function that removes it. {@link on} */
  on<T extends ChitEventType>(type: T, listener: (event: ChitEventOf<T>) => void, parameters?: OnParameters): () => void;
  /** Stops the client; channels stay as they are. {@link close} */
  close(): Promise<void>;
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
  /** Ways to misbehave, for demos and tests. Not covered by semantic versioning. */
  readonly testing: {
    /** Cuts this client off from the relay, or lets it return. {@link setOffline} */
    setOffline(parameters: SetOfflineParameters): Promise<void>;
    /** Refuses every payment that is to be passed on, or no more. {@link refuse} */
    refuse(on: boolean): Promise<void>;
    /** Registers the secrets of what the partner has locked to us. {@link revealOnChain} */
    revealOnChain(parameters: RevealOnChainParameters): Operation<ChannelView>;
    /** Closes with an old proof, as a cheat would. It can only lose. {@link closeWithOldProof} */
    closeWithOldProof(parameters: CloseWithOldProofParameters): Operation<ChannelView>;
  };
}

/** Makes the `createChannelClient` of one entry point. */
export function createFactory(
  loader: Loader,
): (parameters: CreateChannelClientParameters) => Promise<ChannelClient> {
  return async function createChannelClient(parameters) {
    const { config, provider, wasm, signal } = checkConfig(parameters);
    const context = new Context((error) => {
      loader.poison(error);
    });
    await start(context, loader, config, provider, wasm, signal);
    // The next task, so that listeners attached right after `await` see what happened during the start.
    setTimeout(() => {
      context.hub.release();
    }, 0);
    return bind(context, config);
  };
}

function checkConfig(parameters: CreateChannelClientParameters): {
  config: CoreConfig;
  provider: Eip1193Provider;
  wasm: WasmSource | undefined;
  signal: AbortSignal | undefined;
} {
  checkParameters(parameters);
  const { fromBlock, confirmations = 5, pollingInterval = 4_000 } = parameters;
  if (typeof fromBlock !== 'bigint' || fromBlock < 0n || fromBlock > 0xffff_ffff_ffff_ffffn) {
    throw invalid('fromBlock', 'a block number as a bigint', fromBlock);
  }
  const storageName = checkStorageName(parameters.storageName);
  const config: CoreConfig = {
    chainId: checkInteger(parameters.chainId, 'chainId', 1, Number.MAX_SAFE_INTEGER),
    judge: checkAddress(parameters.judge, 'judge'),
    fromBlock: `0x${fromBlock.toString(16)}`,
    confirmations: checkInteger(confirmations, 'confirmations', 1, 10_000),
    pollingInterval: checkInteger(pollingInterval, 'pollingInterval', 50, 3_600_000),
    relayUrl: checkRelayUrl(parameters.relayUrl),
    wallet: checkAddress(parameters.wallet, 'wallet'),
    ...(storageName === undefined ? {} : { storageName }),
    ...checkMediation(parameters.mediate),
  };
  const provider = checkProvider(parameters.provider);
  const wasm = checkWasmSource(parameters.wasm);
  return { config, provider, wasm, signal: checkLiveSignal(parameters.signal) };
}

async function start(
  context: Context,
  loader: Loader,
  config: CoreConfig,
  provider: Eip1193Provider,
  wasm: WasmSource | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const starting = (async () => {
    const ChitCore = await loader.load(wasm);
    if (signal?.aborted) throw aborted(signal);
    return ChitCore.open(config, provider, context.receive);
  })();
  let core: Core;
  try {
    core = await unlessAborted(starting, signal);
  } catch (thrown) {
    // The core may still come up after the caller has left; then it must not keep the account's lock.
    starting.then((late) => late.close()).catch(() => undefined);
    const error = toChitError(thrown);
    if (error.code === 'FATAL') loader.poison(error);
    throw error;
  }
  context.attach(core);
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => {
      reject(aborted(signal));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });
}

function bind(context: Context, config: CoreConfig): ChannelClient {
  const client: Omit<ChannelClient, typeof Symbol.asyncDispose> = {
    wallet: config.wallet as Address,
    chainId: config.chainId,
    judge: config.judge as Address,
    get closed() {
      return context.ended;
    },
    authorize: (parameters) => authorize(context, parameters),
    openChannel: (parameters) => openChannel(context, parameters),
    deposit: (parameters) => deposit(context, parameters),
    pay: (parameters) => pay(context, parameters),
    quote: (parameters) => quote(context, parameters),
    estimateCapacity: (parameters) => estimateCapacity(context, parameters),
    withdraw: (parameters) => withdraw(context, parameters),
    closeChannel: (parameters) => closeChannel(context, parameters),
    respond: (parameters) => respond(context, parameters),
    settle: (parameters) => settle(context, parameters),
    channels: (parameters) => channels(context, parameters),
    channel: (parameters) => channel(context, parameters),
    payments: (parameters) => payments(context, parameters),
    createRequest: (parameters) => createRequest(context, parameters),
    readRequest: (parameters) => readRequest(context, parameters),
    payRequest: (parameters) => payRequest(context, parameters),
    requestStatus: (parameters) => requestStatus(context, parameters),
    requests: (parameters) => requests(context, parameters),
    balance: (parameters) => balance(context, parameters),
    network: (parameters) => network(context, parameters),
    status: (parameters) => status(context, parameters),
    events: (parameters) => events(context, parameters),
    on: (type, listener, parameters) => on(context, type, listener, parameters),
    close: () => close(context),
    testing: Object.freeze({
      setOffline: (parameters: SetOfflineParameters) => setOffline(context, parameters),
      refuse: (on: boolean) => refuse(context, on),
      revealOnChain: (parameters: RevealOnChainParameters) => revealOnChain(context, parameters),
      closeWithOldProof: (parameters: CloseWithOldProofParameters) => closeWithOldProof(context, parameters),
    }),
  };
  // Older browsers have no Symbol.asyncDispose; the key that polyfills and compilers agree on does no harm there.
  const dispose = (Symbol.asyncDispose as symbol | undefined) ?? Symbol.for('Symbol.asyncDispose');
  Object.defineProperty(client, dispose, { value: () => close(context) });
  return Object.freeze(client) as ChannelClient;
}
