// The page under test: the built package, a wallet that speaks to the local chain, and counters on both doors.
import { counters } from "./gates.js";
import * as module from "/pkg/index.js";

/** What the wallet does with the next requests; a test sets these. */
const wallet = { reject: undefined, fail: undefined, delay: 0, chainId: undefined, prompts: [] };

const prompting = new Set(["eth_sendTransaction", "eth_signTypedData_v4", "wallet_sendCalls"]);

function provider(rpcUrl) {
  let id = 0;
  return {
    async request({ method, params = [] }) {
      counters.requests[method] = (counters.requests[method] ?? 0) + 1;
      if (wallet.delay) await new Promise((resolve) => setTimeout(resolve, wallet.delay));
      if (wallet.fail?.includes(method)) throw Object.assign(new Error("the endpoint is down"), { code: -32603 });
      if (method === "eth_chainId" && wallet.chainId) return wallet.chainId;
      if (method.startsWith("wallet_")) throw Object.assign(new Error("not supported"), { code: 4200 });
      if (prompting.has(method)) {
        wallet.prompts.push(method);
        if (wallet.reject?.includes(method)) throw Object.assign(new Error("User rejected"), { code: 4001 });
      }
      const body = JSON.stringify({ jsonrpc: "2.0", id: (id += 1), method, params });
      const answer = await fetch(rpcUrl, { method: "POST", headers: { "content-type": "application/json" }, body });
      const { result, error } = await answer.json();
      if (error) throw Object.assign(new Error(error.message), { code: error.code, data: error.data });
      return result;
    },
  };
}

const events = [];

window.under = {
  module,
  counters,
  wallet,
  events,
  client: undefined,
  async start(options) {
    const deployment = await (await fetch("/deployment.json")).json();
    const client = await module.createChannelClient({
      chainId: deployment.chainId,
      judge: deployment.judge,
      fromBlock: BigInt(deployment.fromBlock),
      relayUrl: deployment.relayUrl,
      provider: provider(deployment.rpcUrl),
      pollingInterval: 100,
      confirmations: 2,
      ...options,
    });
    for (const type of ["channel", "payment", "progress", "connection", "chain", "actionRequired", "warning", "fatal"]) {
      client.on(type, (event) => {
        if (type !== "chain" && type !== "channel") events.push(event);
      });
    }
    this.client = client;
  },
  /** Runs `work`, and turns a ChitError into a value that survives the trip to the test. */
  async attempt(work) {
    try {
      return { ok: await work() };
    } catch (error) {
      const isChit = error instanceof module.ChitError;
      const { code, name, message, details, retryable } = error;
      return { code, name, message, details, isChit, retryable };
    }
  },
};
window.ready = true;
