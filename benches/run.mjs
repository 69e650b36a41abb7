// Every benchmark in one run and one table. `--only signatures,tabs` runs these alone.
//
// Figures of one machine say little; wherever two things are compared, both were measured in this run.
import { cpus, loadavg } from "node:os";
import { buildProgram } from "../scripts/lib/cargo.mjs";
import { duration, heading, say } from "../scripts/lib/log.mjs";
import { inRoot } from "../scripts/lib/paths.mjs";
import { main, UserError } from "../scripts/lib/run.mjs";
import { startStack } from "../scripts/lib/stack.mjs";
import { engine } from "./cases/engine.mjs";
import { gas } from "./cases/gas.mjs";
import { paths, pending, routed } from "./cases/locks.mjs";
import { raiden } from "./cases/raiden.mjs";
import { signatures } from "./cases/signatures.mjs";
import { size } from "./cases/size.mjs";
import { start } from "./cases/start.mjs";
import { tabs } from "./cases/tabs.mjs";
import { buildPages } from "./lib/build.mjs";
import { openPages } from "./lib/pages.mjs";
import { Report } from "./lib/report.mjs";

const cases = { engine, routed, pending, paths, signatures, raiden, tabs, start, size, gas };

function chosen(args) {
  const at = args.indexOf("--only");
  if (at < 0) return Object.keys(cases);
  const names = (args[at + 1] ?? "").split(",");
  const unknown = names.find((name) => !(name in cases));
  if (unknown !== undefined) throw new UserError(`there is no benchmark ${unknown}; there are ${Object.keys(cases).join(", ")}`);
  return names;
}

await main(async () => {
  const names = chosen(process.argv.slice(2));
  const begun = Date.now();
  await buildPages();
  const native = buildProgram("chit-bench");
  const load = loadavg()[0].toFixed(1);
  const stack = await startStack({ challenge: 3_600, relayProfile: "release" });
  const report = new Report();
  let pages;
  try {
    pages = await openPages(() => stack.deployment);
    for (const name of names) {
      heading(name);
      await cases[name](report, { pages, stack, native });
    }
  } finally {
    await pages?.close();
    await stack.stop();
  }
  const facts = {
    date: new Date().toISOString(),
    machine: `${cpus().length} × ${cpus()[0].model.trim()}, load ${load} before`,
    browser: `Chromium ${pages.version}`,
    node: process.versions.node,
  };
  heading(Object.entries(facts).map(([name, fact]) => `${name}: ${fact}`).join(" · "));
  console.log(report.text());
  const files = report.write(inRoot("benches", "results"), facts);
  say(`written to ${files.map((file) => file.slice(inRoot().length + 1)).join(" and ")} in ${duration(Date.now() - begun)}`);
});
