// A local chain: anvil, in memory.
import { anvilPath } from "./anvil.mjs";
import { startProcess } from "./processes.mjs";

/** Starts anvil, which mines a block for every transaction at once until it is told otherwise, and waits until it answers. */
export async function startChain({ port, chainId, accounts, log }) {
  const args = ["--host", "127.0.0.1", "--port", String(port), "--chain-id", String(chainId), "--accounts", String(accounts)];
  const child = await startProcess("the chain", anvilPath(), args, { ready: /Listening on (\S+)/, log });
  return { ...child, rpcUrl: `http://127.0.0.1:${port}` };
}
