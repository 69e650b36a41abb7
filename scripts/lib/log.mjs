// What a person reads while they wait: one line per thing done, headings between steps.
const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);

export const bold = (text) => paint(1, text);
export const dim = (text) => paint(2, text);

/** A line about something that takes a while or has just been done. */
export const say = (text) => console.log(`${paint(36, "·")} ${text}`);

/** A line about something that went differently than asked, without being wrong. */
export const note = (text) => console.log(`${paint(33, "!")} ${text}`);

/** A heading between the steps of a long run. */
export const heading = (text) => console.log(`\n${bold(`== ${text}`)}`);

/** 83_000 ms as "1m 23s". */
export function duration(ms) {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole}s` : `${Math.floor(whole / 60)}m ${String(whole % 60).padStart(2, "0")}s`;
}
