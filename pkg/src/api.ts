/** What every entry point exports beside its `createChannelClient`. */

export type { AuthorizeParameters, AuthorizeReturnType } from './actions/authorize.js';
export type { BalanceParameters, BalanceReturnType } from './actions/balance.js';
export type { ChannelParameters, ChannelReturnType } from './actions/channel.js';
export type { ChannelsParameters, ChannelsReturnType } from './actions/channels.js';
export type { CloseChannelParameters, CloseChannelReturnType, CloseMode } from './actions/closeChannel.js';
export type { DepositParameters, DepositReturnType } from './actions/deposit.js';
export type { EventsParameters, EventsReturnType, OnParameters } from './actions/events.js';
export type { NetworkParameters, NetworkReturnType } from './actions/network.js';
export type { OpenChannelParameters, OpenChannelReturnType } from './actions/openChannel.js';
export type { PayParameters, PayReturnType, Payment, PaymentOptions, PayTarget } from './actions/pay.js';
export type { PaymentsParameters, PaymentsReturnType } from './actions/payments.js';
export type {
  EstimateCapacityParameters,
  EstimateCapacityReturnType,
  QuoteParameters,
  QuoteReturnType,
} from './actions/quote.js';
export type { CreateRequestParameters, CreateRequestReturnType } from './actions/createRequest.js';
export type { PayRequestParameters, PayRequestReturnType } from './actions/payRequest.js';
export type { ReadRequestParameters, ReadRequestReturnType } from './actions/readRequest.js';
export type { RequestsParameters, RequestsReturnType } from './actions/requests.js';
export type { RequestStatusParameters, RequestStatusReturnType, RequestTarget } from './actions/requestStatus.js';
export type { RespondParameters, RespondReturnType } from './actions/respond.js';
export type { SettleParameters, SettleReturnType } from './actions/settle.js';
export type { StatusParameters, StatusReturnType } from './actions/status.js';
export type { CloseWithOldProofParameters, RevealOnChainParameters, SetOfflineParameters } from './actions/testing.js';
export type { WithdrawParameters, WithdrawReturnType } from './actions/withdraw.js';
export type { ChannelClient, CreateChannelClientParameters, MediationFee } from './client.js';
export { ChitError, ErrorCode, isChitError, type ChitErrorOptions } from './errors.js';
export { receiptTypedData, requestLink, type ReceiptTypedData } from './requestText.js';
export type { WasmSource } from './loader.js';
export type { Operation } from './operation.js';
export type { PaymentLimits } from './validate.js';
export { MAX_AMOUNT, MAX_MEMO_BYTES, NATIVE_TOKEN } from './types.js';
export type {
  ActionRequiredEvent,
  Address,
  Authorization,
  ChainEvent,
  ChannelEvent,
  ChannelSide,
  ChannelStatus,
  ChannelView,
  ChitEvent,
  ChitEventOf,
  ChitEventType,
  ClientStatus,
  ConnectionEvent,
  Eip1193Provider,
  FatalEvent,
  Hex,
  HintedChannel,
  Hop,
  LaggedEvent,
  NetworkChannel,
  NetworkEvent,
  NetworkNode,
  NetworkView,
  PaymentEvent,
  PaymentStatus,
  PaymentStep,
  PaymentView,
  Progress,
  ProgressEvent,
  Quote,
  Receipt,
  RecoveredEvent,
  RequestEvent,
  RequestStatus,
  RequestView,
  RequiredAction,
  TransferEvent,
  WarningEvent,
} from './types.js';
export {
  discoverWallets,
  type DiscoverWalletsParameters,
  type DiscoverWalletsReturnType,
  type WalletDetail,
  type WalletInfo,
} from './wallets.js';
