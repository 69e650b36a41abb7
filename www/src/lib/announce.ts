/** Speaks to screen readers, politely, and not a thousand times for a thousand payments. */

let last = '';
let timer: ReturnType<typeof setTimeout> | undefined;

/** Says a sentence. Of several within half a second only the last is spoken. */
export function announce(sentence: string): void {
  last = sentence;
  timer ??= setTimeout(() => {
    timer = undefined;
    const region = document.getElementById('announcer');
    if (region) region.textContent = last;
  }, 500);
}
