// `npm start`: everything from a fresh clone to a working demo page, then one URL. Ctrl-C ends all of it.
// `--once-check` stops again as soon as the page has been fetched, for CI.
import { setup, forBuilding } from "./setup.mjs";
import { bold, say } from "./lib/log.mjs";
import { main, UserError } from "./lib/run.mjs";

// Short, so that closing alone and settling can be tried while somebody watches.
const challenge = 60;
const once = process.argv.includes("--once-check");
const ports = { rpc: 8545, relay: 8600, page: 5173 };

/** Resolves when somebody asks for the end; a second time ends this process on the spot (the reaper ends the rest). */
function asked() {
  return new Promise((resolve) => {
    let before = false;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
      process.on(signal, () => {
        if (before) process.exit(1);
        before = true;
        resolve();
      });
    }
    // npm starts us through a shell, which does not pass a SIGTERM on: when it is gone, so is whoever wanted the demo.
    const parent = process.ppid;
    if (process.env.npm_lifecycle_event) setInterval(() => process.ppid !== parent && resolve(), 500).unref();
  });
}

async function check({ url }) {
  for (const path of ["", "deployment.json"]) {
    const response = await fetch(url + path);
    if (!response.ok) throw new UserError(`${url}${path} answers ${response.status}`);
    if (path === "" && !response.headers.has("content-security-policy")) throw new UserError("the page comes without a content security policy");
  }
  say("the page answers");
}

await main(async () => {
  await setup(forBuilding);
  // These need the npm packages, which the line above may just have installed.
  const { buildAll } = await import("./build.mjs");
  const { startStack } = await import("./lib/stack.mjs");
  const { servePage } = await import("./lib/serve.mjs");

  await buildAll();
  say("starting a local chain and the relay");
  const end = asked();
  // The check takes the build of the relay that the tests have anyway.
  const relayProfile = once ? "dev" : "release";
  const stack = await startStack({ challenge, ports, relayProfile });
  let page;
  try {
    page = await servePage(stack.deployment, { port: ports.page });
    if (once) return await check(page);
    console.log(`\n  Chit is running. Open ${bold(page.url)} in two windows, one for each person.\n  Ctrl-C ends it.\n`);
    const failure = await Promise.race([end, stack.failed]);
    if (failure) throw new UserError(`${failure}; its log is in .chit/logs`);
    console.log();
    say("stopping");
  } finally {
    await page?.close();
    await stack.stop();
  }
});
process.exit();
