// The real thing on one machine: a chain with the contracts deployed, and a relay. `npm start`, the browser tests and the
// benchmarks all use this one.
import { join } from "node:path";
import { startChain } from "./chain.mjs";
import { connect, deploy } from "./deploy.mjs";
import { stateDir } from "./paths.mjs";
import { freePort } from "./ports.mjs";
import { buildRelay, startRelay } from "./relay.mjs";

export { artifact, connect } from "./deploy.mjs";

/**
 * Starts a stack on free ports.
 *
 * @param {object} [options]
 * @param {number} [options.challenge] the Judge's challenge period in seconds
 * @param {number} [options.blockTime] seconds between blocks; 0 mines at once for every transaction
 * @param {number} [options.chainId]
 * @param {number} [options.accounts] unlocked accounts, each with ether and test tokens
 * @param {{rpc?: number, relay?: number}} [options.ports] preferred ports; another is taken when one is busy
 * @param {"release" | "dev"} [options.relayProfile] how the relay is built
 * @param {Record<string, string>} [options.relayEnv] environment for the relay
 * @param {string} [options.logs] folder for the programs' logs
 * @returns the deployment's fields (chainId, rpcUrl, relayUrl, judge, ...), viem clients `reader` and `writer`, and:
 *   `deployment`, the same fields as plain JSON, for the page;
 *   `failed` resolves to a description when a program ends without being asked to;
 *   `stopRelay()`, `startRelay()`, `restartRelay()` act on the relay, which keeps its port;
 *   `stop()` ends everything
 */
export async function startStack(options = {}) {
  const { challenge = 60, blockTime = 1, chainId = 31337, accounts = 10, ports = {} } = options;
  const { relayProfile = "release", relayEnv = {}, logs = join(stateDir, "logs") } = options;
  const program = buildRelay(relayProfile);
  let announceFailure;
  const failed = new Promise((resolve) => (announceFailure = resolve));
  let stopping = false;

  const watch = (child) => {
    void child.exited.then((how) => {
      if (!stopping && !child.expected) announceFailure(how);
    });
    return child;
  };
  const end = async (child) => {
    if (!child) return;
    child.expected = true;
    await child.stop();
  };

  const started = [];
  try {
    const rpcPort = await freePort(ports.rpc, "the chain");
    const chain = watch(await startChain({ port: rpcPort, chainId, accounts, log: join(logs, `chain-${rpcPort}.log`) }));
    started.push(chain);
    const contracts = await deploy({ rpcUrl: chain.rpcUrl, chainId, challenge, holders: accounts });
    const clients = connect(chain.rpcUrl, chainId);
    // Only now, so that the deployment need not wait for blocks. Blocks then come by the clock, with transactions or without:
    // confirmations count up and challenge periods end as they do on a real chain.
    if (blockTime > 0) await clients.reader.request({ method: "evm_setIntervalMining", params: [blockTime] });

    const relayPort = await freePort(ports.relay, "the relay");
    const launch = async () => watch(await startRelay({ program, port: relayPort, log: join(logs, `relay-${relayPort}.log`), env: relayEnv }));
    let relay = await launch();
    started.push(relay);

    const deployment = { ...contracts, relayUrl: relay.url };
    const stack = {
      ...deployment,
      deployment,
      failed,
      ...clients,
      async stopRelay() {
        await end(relay);
        relay = undefined;
      },
      async startRelay() {
        relay ??= await launch();
      },
      async restartRelay() {
        await stack.stopRelay();
        await stack.startRelay();
      },
      async stop() {
        stopping = true;
        await Promise.all([end(relay), end(chain)]);
      },
    };
    return stack;
  } catch (error) {
    stopping = true;
    await Promise.all(started.map(end));
    throw error;
  }
}
