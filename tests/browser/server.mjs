// A small static server: the built package, the built demo and a bare page, under the demo's strict Content-Security-Policy.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".png": "image/png",
};

export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self' ws: http:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/**
 * Serves folders.
 *
 * @param {Array<[string, string]>} mounts URL prefixes with folders relative to the repository, longest prefix first
 * @param {() => object} deployment what `/deployment.json` answers
 */
export async function serve(mounts, deployment) {
  let onStop;
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    // Never answered: the tab that asks stands still until it is ended.
    if (pathname === "/stopped") return onStop?.(searchParams.get("step"));
    if (pathname === "/deployment.json") {
      response.setHeader("content-type", types[".json"]);
      return response.end(JSON.stringify(deployment()));
    }
    const mount = mounts.find(([prefix]) => pathname.startsWith(prefix));
    try {
      if (!mount) throw new Error("nothing is served here");
      const rest = normalize(decodeURIComponent(pathname.slice(mount[0].length))) || "index.html";
      const file = join(root, mount[1], rest === "." || rest === "/" ? "index.html" : rest);
      const body = await readFile(file);
      response.setHeader("content-type", types[extname(file)] ?? "application/octet-stream");
      response.setHeader("content-security-policy", contentSecurityPolicy);
      response.end(body);
    } catch {
      response.statusCode = 404;
      response.end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** The step at which the next tab stops. */
    stopped: () => new Promise((resolve) => (onStop = resolve)),
    close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      return closed;
    },
  };
}
