// Compiled, never run: what users write must compile under strict settings, without skipLibCheck.

import {
  type ChannelClient,
  type ChitEvent,
  type PaymentStep,
  type PaymentView,
  type Progress,
  ErrorCode,
  createChannelClient,
  discoverWallets,
  isChitError,
} from '@chit/client';
import { handle, serveHttp } from '@chit/client/http';
import { createChannelClient as createInline } from '@chit/client/inline';
import { createChannelClient as createSlim } from '@chit/client/slim';
import type { EIP1193Provider } from 'viem';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const yes = <T extends true>(): T | undefined => undefined;

export async function main(viemProvider: EIP1193Provider, id: `0x${string}`): Promise<void> {
  const [wallet] = await discoverWallets({ signal: AbortSignal.timeout(1000) });
  if (!wallet) return;
  const base = { chainId: 1, judge: id, fromBlock: 1n, relayUrl: 'wss://relay.example', wallet: id } as const;
  await using client = await createChannelClient({ ...base, provider: wallet.provider });
  const other: ChannelClient = await createSlim({ ...base, provider: viemProvider, wasm: new Uint8Array() });
  await createInline({ ...base, provider: viemProvider, confirmations: undefined });

  const operation = other.openChannel({ partner: id, token: id, deposit: 1n });
  const off: () => void = operation.on('progress', (step: Progress) => void step.stage);
  off();
  for await (const step of operation) yes<Equal<typeof step, Progress>>();
  const channel = await operation;
  yes<Equal<typeof channel.ours.balance, bigint>>();
  yes<Equal<typeof channel.challengeEnd, number | undefined>>();

  const paying = client.pay({ to: id, token: id, amount: 1n });
  for await (const taken of paying) yes<Equal<typeof taken, PaymentStep>>();
  const payment = await paying;
  yes<Equal<typeof payment, PaymentView>>();
  // @ts-expect-error a channel id excludes `to`
  await client.pay({ channel: id, to: id, token: id, amount: 1n });
  // @ts-expect-error amounts are bigint
  await client.pay({ channel: id, amount: 1 });
  // @ts-expect-error a token must be named
  await client.pay({ to: id, amount: 1n });
  // @ts-expect-error not a mode
  await client.closeChannel({ channel: id, mode: 'later' });
  // @ts-expect-error snapshots do not change
  channel.capacity = 1n;

  client.on('payment', ({ payment: received }) => yes<Equal<typeof received, PaymentView>>());
  for await (const event of client.events()) narrow(event);
  try {
    await client.close();
  } catch (error) {
    if (isChitError(error) && error.code === ErrorCode.TIMEOUT) return;
    throw error;
  }
}

export async function serve(client: ChannelClient, request: Request): Promise<Response> {
  const stop: () => void = await serveHttp(client, { allow: ({ method }) => method === 'GET' });
  stop();
  return handle(client, request, { base: '/money' });
}

function narrow(event: ChitEvent): bigint | undefined {
  switch (event.type) {
    case 'payment':
      return event.payment.amount;
    case 'channel':
      return event.channel.capacity;
    case 'lagged':
      return BigInt(event.dropped);
    default:
      return undefined;
  }
}
