// `npm run bench`: builds what ships and measures it. Never part of `npm test`: figures from a busy machine say nothing.
import { existsSync } from "node:fs";
import { forTesting, setup } from "./setup.mjs";
import { inRoot } from "./lib/paths.mjs";
import { main, run, UserError } from "./lib/run.mjs";

await main(async () => {
  if (!existsSync(inRoot("benches", "package.json"))) throw new UserError("benches/ is missing");
  await setup(forTesting);
  const { buildAll } = await import("./build.mjs");
  await buildAll();
  await run("npm", ["run", "bench", "--workspace", "benches", "--loglevel=error", "--", ...process.argv.slice(2)]);
});
