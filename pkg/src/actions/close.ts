import type { Context } from '../context.js';

/**
 * Stops the client: ends its waits with `CLIENT_CLOSED` and its event loops, leaves the relay and lets another tab take
 * the account. All channels stay as they are. Closing twice is fine.
 */
export async function close(context: Context): Promise<void> {
  return context.close();
}
