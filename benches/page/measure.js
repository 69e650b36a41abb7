// Takes times: candidates in turn, so that a machine's noise falls on all of them. Runs in Node and in a page.

const now = () => performance.now();

/** Calls `run` until `target` milliseconds are over; microseconds per unit of work. */
async function perUnit({ run, units = 1 }, target) {
  const begun = now();
  let calls = 0;
  let elapsed = 0;
  while (elapsed < target) {
    const running = run();
    if (running instanceof Promise) await running;
    calls += 1;
    elapsed = now() - begun;
  }
  return (elapsed * 1000) / (calls * units);
}

/**
 * Measures every candidate `repeats` times, after one longer repetition that warms up and does not count. Many short repetitions
 * rather than a few long ones: on a busy machine a short one is more often undisturbed, and so is the one beside it.
 *
 * @param {Record<string, {run: () => unknown, units?: number}>} candidates `run` does `units` units of work
 * @returns {Promise<Record<string, number[]>>} microseconds per unit, one figure for each repetition
 */
export async function measure(candidates, { repeats = 150, target = 6, warmUp = 200 } = {}) {
  const figures = Object.fromEntries(Object.keys(candidates).map((name) => [name, []]));
  for (let repeat = 0; repeat <= repeats; repeat += 1) {
    for (const [name, candidate] of Object.entries(candidates)) {
      const figure = await perUnit(candidate, repeat === 0 ? warmUp : target);
      if (repeat > 0) figures[name].push(figure);
    }
  }
  return figures;
}
