import type { Context } from '../context.js';
import { toChannel } from '../convert.js';
import type { Operation } from '../operation.js';
import type { Address, ChannelView } from '../types.js';
import { checkAddress, checkAmount, checkSalt, checkToken } from '../validate.js';

/** Parameters of {@link openChannel}. */
export interface OpenChannelParameters {
  /** The account to open the channel with. */
  readonly partner: Address;
  /** The token, or `NATIVE_TOKEN`. */
  readonly token: Address;
  /** What to put in, in base units. */
  readonly deposit: bigint;
  /** Tells this channel from other ones with the same partner, 0 to 2^64 − 1. Random when left out. */
  readonly salt?: bigint | undefined;
  /** Ends the wait; a transaction that was sent stays sent. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link openChannel} returns. */
export type OpenChannelReturnType = Operation<ChannelView>;

/**
 * Opens a channel and deposits into it, with one confirmation in the wallet where the wallet and the token allow it.
 * Resolves when the
 * transaction has enough confirmations; `ready` says whether the partner has been heard of, so that payments go out at once.
 *
 * Errors: `INVALID_ARGUMENT`, `USER_REJECTED`, `WRONG_CHAIN`, `INSUFFICIENT_FUNDS`, `REVERTED`, `PROVIDER_ERROR`,
 * `APPROVAL_FAILED`, `UNCONFIRMED`, `ABORTED`.
 *
 * @example
 * const channel = await client.openChannel({ partner, token, deposit: 100_000000n });
 */
export function openChannel(context: Context, parameters: OpenChannelParameters): OpenChannelReturnType {
  return context.operate(
    'openChannel',
    parameters,
    ({ partner, token, deposit, salt }) => ({
      partner: checkAddress(partner, 'partner'),
      token: checkToken(token, 'token'),
      deposit: checkAmount(deposit, 'deposit'),
      ...(salt === undefined ? {} : { salt: checkSalt(salt) }),
    }),
    toChannel,
  );
}
