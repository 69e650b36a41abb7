/** JSON-RPC over HTTP to the development chain. */

/** An error as EIP-1193 wants it: with a numeric code. */
export class RpcError extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.name = 'ProviderRpcError';
    this.code = code;
    this.data = data;
  }
}

let ids = 0;

/** Sends one request. */
export async function rpc(url: string, method: string, params: unknown): Promise<unknown> {
  ids += 1;
  let answer: { result?: unknown; error?: { code: number; message: string; data?: unknown } };
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: ids, method, params: params ?? [] }),
    });
    answer = (await response.json()) as typeof answer;
  } catch (cause) {
    throw Object.assign(new RpcError(4900, 'The local chain does not answer.'), { cause });
  }
  if (answer.error) throw new RpcError(answer.error.code, answer.error.message, answer.error.data);
  return answer.result;
}
