// Serves the built demo page as a careful host would: with a strict content security policy.
import { existsSync } from "node:fs";
import { preview } from "vite";
import { inRoot } from "./paths.mjs";
import { freePort } from "./ports.mjs";
import { UserError } from "./run.mjs";

/**
 * The policy the page must live with: own files only, WebAssembly but no `eval`, connections to the chain and the relay alone.
 * Wallet icons announced over EIP-6963 are data: URIs.
 */
export function contentSecurityPolicy({ rpcUrl, relayUrl }) {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    `connect-src 'self' ${rpcUrl} ${relayUrl}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** Answers /deployment.json from memory, so that several stacks can serve one build. */
const deploymentPlugin = (deployment) => ({
  name: "chit-deployment",
  configurePreviewServer(server) {
    server.middlewares.use("/deployment.json", (_request, response) => {
      response.setHeader("Content-Type", "application/json");
      response.setHeader("Cache-Control", "no-store");
      response.end(JSON.stringify(deployment));
    });
  },
});

/**
 * Serves www/dist.
 *
 * @param {object} deployment what `startStack` returns under that name
 * @param {{port?: number, root?: string}} [options] `root` is a folder with a built page in its `dist`
 * @returns {Promise<{url: string, close: () => Promise<void>}>}
 */
export async function servePage(deployment, { port = 0, root = inRoot("www") } = {}) {
  if (!existsSync(`${root}/dist/index.html`)) throw new UserError("the demo page is not built: run npm run build");
  const had = await freePort(port, "the page");
  const server = await preview({
    root,
    configFile: false,
    logLevel: "warn",
    plugins: [deploymentPlugin(deployment)],
    preview: {
      host: "127.0.0.1",
      port: had,
      strictPort: true,
      headers: {
        "Content-Security-Policy": contentSecurityPolicy(deployment),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
      },
    },
  });
  return { url: `http://127.0.0.1:${had}/`, close: () => server.close() };
}
