// `npm test`: every check there is, one after the other; stops at the first that fails. The last line sums up the tests that
// the runners reported.
//
//   npm test -- --only rust,wasm   these steps alone
//   npm test -- --from pkg         this step and those after it
//   npm test -- --list             what there is
import { TestCounter } from "./lib/counts.mjs";
import { bold, dim, duration, heading } from "./lib/log.mjs";
import { run, UserError } from "./lib/run.mjs";
import { steps } from "./lib/steps.mjs";

/** The steps that the command line asks for. */
function chosen(args) {
  const known = (name) => {
    if (steps.some((step) => step.name === name)) return name;
    throw new UserError(`there is no step ${name}; the steps are ${steps.map((step) => step.name).join(", ")}`);
  };
  const value = (flag) => {
    const at = args.findIndex((arg) => arg === flag || arg.startsWith(`${flag}=`));
    if (at < 0) return undefined;
    const text = args[at].includes("=") ? args[at].split("=")[1] : args[at + 1];
    if (!text) throw new UserError(`${flag} needs the name of a step`);
    return text;
  };
  const only = value("--only")?.split(",").map(known);
  const from = value("--from");
  if (only) return steps.filter((step) => only.includes(step.name));
  return from ? steps.slice(steps.findIndex((step) => step.name === known(from))) : steps;
}

async function perform(step, total) {
  const counter = new TestCounter();
  const counted = step.counts ? (command, args, options) => run(command, args, { ...options, tee: (text) => counter.feed(text) }) : run;
  try {
    await step.body(counted);
    counter.end();
    if (step.counts && counter.passed + counter.failed === 0) throw new UserError(`the step ${step.name} ran no test`);
    if (counter.failed > 0) throw new UserError(`the step ${step.name} reported failed tests, but ended well`);
  } finally {
    total.passed += counter.passed;
    total.failed += counter.failed;
  }
  return counter;
}

function summary(done, total, begun) {
  heading("summary");
  for (const { step, ms, state, counter } of done) {
    const tests = counter ? `${counter.passed} tests` : "";
    console.log(`${state.padEnd(7)} ${step.name.padEnd(12)} ${duration(ms).padStart(8)}  ${tests.padEnd(12)} ${dim(step.what)}`);
  }
  console.log(`\nwall time ${duration(Date.now() - begun)}`);
  console.log(`tests: ${total}`);
}

async function main(args) {
  if (args.includes("--list")) return steps.forEach((step) => console.log(`${step.name.padEnd(12)} ${step.what}`));
  const wanted = chosen(args);
  const total = new TestCounter();
  const done = [];
  const begun = Date.now();
  for (const step of wanted) {
    heading(`${step.name}: ${step.what}`);
    const since = Date.now();
    try {
      const counter = await perform(step, total);
      done.push({ step, ms: Date.now() - since, state: "ok", counter: step.counts && counter });
    } catch (error) {
      console.error(error instanceof UserError ? `\nerror: ${error.message}` : error);
      done.push({ step, ms: Date.now() - since, state: "FAILED" });
      // A step without tests of its own that fails is one failure.
      total.failed ||= 1;
      process.exitCode = 1;
      break;
    }
  }
  summary(done, total, begun);
  if (process.exitCode) console.log(`${bold("failed")}: go on with npm test -- --from ${done.at(-1).step.name}`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(`error: ${error.message}`);
  process.exitCode = 2;
}
