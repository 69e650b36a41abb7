// Figures from repetitions, and how people read them.

/** The middle one. */
export function median(figures) {
  const sorted = [...figures].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * How one thing compares with another that was measured in turn with it: the median of the ratios of each repetition, because what
 * else the machine did fell on both.
 */
export const ratio = (figures, others) => median(figures.map((figure, repeat) => figure / others[repeat]));

/** The same for figures that were not measured in turn. */
export const ratioOfMedians = (figures, others) => median(figures) / median(others);

/** The rates per second that durations in microseconds amount to. */
export const rates = (microseconds) => microseconds.map((figure) => 1e6 / figure);

const digits = (figure) => (figure >= 100 ? 0 : figure >= 10 ? 1 : 2);

/** A figure with three digits that count and separated thousands. */
export const readable = (figure) =>
  figure.toLocaleString("en", { minimumFractionDigits: digits(figure), maximumFractionDigits: digits(figure) });
