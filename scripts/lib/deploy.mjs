// Puts Chit's contracts and a test token on a development chain.
import { readFileSync } from "node:fs";
import { createPublicClient, createWalletClient, defineChain, http, parseUnits } from "viem";
import { inRoot } from "./paths.mjs";
import { UserError } from "./run.mjs";

/** Tokens that each development account starts with. */
const supply = "10000";

/** ABI and bytecode of a contract, as committed. */
export function artifact(name) {
  return JSON.parse(readFileSync(inRoot("contracts", "artifacts", `${name}.json`), "utf8"));
}

/** viem clients for a development chain whose accounts are unlocked. */
export function connect(rpcUrl, chainId) {
  const chain = defineChain({
    id: chainId,
    name: "Development chain",
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  });
  const transport = http(rpcUrl);
  return {
    reader: createPublicClient({ chain, transport, pollingInterval: 50, cacheTime: 0 }),
    writer: createWalletClient({ chain, transport }),
  };
}

/**
 * Deploys everything from the first account and mints test tokens to `holders` accounts.
 *
 * @param {{rpcUrl: string, chainId: number, challenge: number, holders: number}} options `challenge` in seconds
 */
export async function deploy({ rpcUrl, chainId, challenge, holders }) {
  const { reader, writer } = connect(rpcUrl, chainId);
  const accounts = await writer.getAddresses();
  const account = accounts[0];
  const fromBlock = await reader.getBlockNumber();

  // One after the other: anvil gives two transactions that arrive together from one account the same nonce.
  const mined = async (what, send) => {
    try {
      const receipt = await reader.waitForTransactionReceipt({ hash: await send() });
      if (receipt.status === "success") return receipt;
    } catch (cause) {
      // The whole error would print the bytecode.
      throw new UserError(`${what} failed: ${cause.shortMessage ?? cause.message}`);
    }
    throw new UserError(`${what} was reverted`);
  };
  const create = async (name, args = []) => {
    const { abi, bytecode } = artifact(name);
    const deployed = await mined(`deploying ${name}`, () => writer.deployContract({ account, abi, bytecode, args }));
    return { address: deployed.contractAddress, abi };
  };

  const secretRegistry = await create("SecretRegistry");
  const judge = await create("Judge", [secretRegistry.address, challenge]);
  const endpointRegistry = await create("EndpointRegistry");
  const token = await create("TestToken");
  const read = (functionName) => reader.readContract({ ...token, functionName });
  const [symbol, decimals] = await Promise.all([read("symbol"), read("decimals")]);
  const amount = parseUnits(supply, decimals);
  const owners = accounts.slice(0, holders);
  for (const to of owners) {
    await mined("minting", () => writer.writeContract({ account, ...token, functionName: "mint", args: [to, amount] }));
  }

  return {
    chainId,
    rpcUrl,
    judge: judge.address,
    secretRegistry: secretRegistry.address,
    endpointRegistry: endpointRegistry.address,
    token: { address: token.address, symbol, decimals },
    challenge,
    fromBlock: Number(fromBlock),
    accounts: owners,
  };
}
