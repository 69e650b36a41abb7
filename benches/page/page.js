// The page in which the benchmarks run: engines and keys in wasm, raw IndexedDB, and the start of a client.
import init, { Pair, seedChannels } from "/bench/bench.js";
import { measure } from "./measure.js";
import { rawCommits } from "./raw-commits.js";

const ready = init({ module_or_path: "/bench/bench_bg.wasm" });

/** Reads the chain; everything that the start of a client asks. */
function provider(rpcUrl) {
  let id = 0;
  return {
    async request({ method, params = [] }) {
      const body = JSON.stringify({ jsonrpc: "2.0", id: (id += 1), method, params });
      const answer = await fetch(rpcUrl, { method: "POST", headers: { "content-type": "application/json" }, body });
      const { result, error } = await answer.json();
      if (error) throw Object.assign(new Error(error.message), { code: error.code });
      return result;
    },
  };
}

window.bench = {
  rawCommits,

  /** Signatures and verifications of Chit and of the libraries that it is compared with. */
  async signatures(options) {
    const { candidates } = await import("/bench/peers/signatures.js");
    return measure(await candidates(), options);
  },

  /** Engines in one thread against the bare signature and verification of each payment. */
  async engine(atOnce, options) {
    await ready;
    const { Key } = await import("/bench/bench.js");
    const bare = new Key(new Uint8Array(32).fill(7));
    const [one, many] = [new Pair(), new Pair()];
    const figures = await measure(
      {
        signAndVerify: { run: () => bare.signAndVerify(10), units: 10 },
        oneAtATime: { run: () => one.payOneAtATime(10), units: 10 },
        atOnce: { run: () => many.payAtOnce(atOnce), units: atOnce },
      },
      options,
    );
    const before = many.signatures;
    many.payAtOnce(atOnce);
    return { figures, signatures: many.signatures - before };
  },

  /** Payments over one mediator, against direct ones. */
  async routed() {
    await ready;
    const { Line } = await import("/bench/bench.js");
    const [pair, one, many] = [new Pair(), new Line(), new Line()];
    return measure({
      direct: { run: () => pair.payOneAtATime(10), units: 10 },
      oneAtATime: { run: () => one.pay(5, 1), units: 5 },
      atOnce: { run: () => many.pay(100, 100), units: 100 },
    });
  },

  /** A lock among so many. */
  async locks(sizes) {
    await ready;
    const { Locks } = await import("/bench/bench.js");
    const candidate = (size) => {
      const locks = new Locks(size);
      return [`of ${size}`, { run: () => locks.addAndDrop(10), units: 10 }];
    };
    return measure(Object.fromEntries(sizes.map(candidate)));
  },

  /** The five cheapest ways to new targets and to a known one, in milliseconds. */
  async paths(wallets, channels) {
    await ready;
    const { Paths } = await import("/bench/bench.js");
    const network = new Paths(wallets, channels);
    const timed = (run) => {
      const begun = performance.now();
      run();
      return performance.now() - begun;
    };
    const figures = { cold: [], warm: [] };
    network.warm();
    for (let repeat = 0; repeat < 21; repeat += 1) {
      figures.cold.push(timed(() => network.cold()));
      network.warm();
      figures.warm.push(timed(() => network.warm()));
    }
    return figures;
  },

  /** Fills the database of an account that never ran. */
  async seed({ storageName, wallet, partners, channels }) {
    await ready;
    const { chainId, judge } = await (await fetch("/deployment.json")).json();
    await seedChannels(storageName, chainId, judge, wallet, partners, channels);
  },

  /** Starts a client in this fresh page: milliseconds until it exists, and until its channels are listed. */
  async start({ storageName, wallet }) {
    const deployment = await (await fetch("/deployment.json")).json();
    const { createChannelClient } = await import("/pkg/index.js");
    const begun = performance.now();
    const client = await createChannelClient({
      chainId: deployment.chainId,
      judge: deployment.judge,
      fromBlock: BigInt(deployment.fromBlock),
      relayUrl: deployment.relayUrl,
      provider: provider(deployment.rpcUrl),
      wallet,
      storageName,
    });
    const created = performance.now() - begun;
    const channels = await client.channels();
    const listed = performance.now() - begun;
    await client.close();
    const usable = channels.filter(({ status }) => status === "open").length;
    return { created, listed, channels: channels.length, usable };
  },
};
window.ready = true;
