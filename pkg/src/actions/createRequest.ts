import type { Context } from '../context.js';
import { toRequest } from '../convert.js';
import type { Address, Hex, RequestView } from '../types.js';
import {
  checkAmount,
  checkInteger,
  checkLiveSignal,
  checkParameters,
  checkPaymentId,
  checkRequestMemo,
  checkToken,
} from '../validate.js';

/** Parameters of {@link createRequest}. */
export interface CreateRequestParameters {
  /** The token to be paid in; zero for the native coin. */
  readonly token: Address;
  /** How much, in base units. Without it the payer chooses. */
  readonly amount?: bigint | undefined;
  /** For how many seconds it can be paid, 1 to 31,622,400 (366 days). Default 3,600. */
  readonly expiresIn?: number | undefined;
  /** What it is for; 1 to `MAX_MEMO_BYTES` bytes. */
  readonly memo?: string | undefined;
  /** A number of its own, 16 random bytes. Give one to be able to ask again after a crash and get the same request. */
  readonly id?: Hex | undefined;
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link createRequest} resolves to. */
export type CreateRequestReturnType = RequestView;

/**
 * Asks to be paid: signs a request that whoever reads it can pay once, over the network or as a partner. No wallet prompt, no
 * transaction. Its `text` goes into a link (`requestLink`) or a QR code (`@chit/client/qr`). When it is paid, a `request` event
 * says so, and the payer gets a receipt.
 *
 * Errors: `INVALID_ARGUMENT`, `INVALID_REQUEST`, `NOT_AUTHORIZED`, `STORAGE_FULL`, `STORAGE_LOST`, `ABORTED`.
 *
 * @example
 * const { text } = await client.createRequest({ token, amount: 1_000000n, memo: 'coffee' });
 */
export async function createRequest(context: Context, parameters: CreateRequestParameters): Promise<CreateRequestReturnType> {
  checkParameters(parameters);
  const { token, amount, expiresIn = 3_600, id } = parameters;
  const memo = checkRequestMemo(parameters.memo);
  const params = {
    token: checkToken(token, 'token'),
    ...(amount === undefined ? {} : { amount: checkAmount(amount) }),
    expiresIn: checkInteger(expiresIn, 'expiresIn', 1, 31_622_400),
    ...(memo === undefined ? {} : { memo }),
    ...(id === undefined ? {} : { id: checkPaymentId(id) }),
  };
  return context.invoke('createRequest', params, toRequest, checkLiveSignal(parameters.signal));
}
