/** A text that can be copied, by its button or by hand. */

import { announce } from '../lib/announce.js';
import { h, setText } from '../lib/dom.js';

/** The text in a field, with a button beside it. `name` says what it is. */
export function copyable(text: string, name: string, id: string, copyId = `${id}-copy`): HTMLElement {
  const field = h('input', {
    class: 'mono',
    readonly: true,
    value: text,
    'aria-label': name,
    'data-testid': id,
    onfocus: () => {
      field.select();
    },
  });
  const button = h(
    'button',
    {
      type: 'button',
      class: 'button small',
      'aria-label': `Copy: ${name}`,
      'data-testid': copyId,
      onclick: () => {
        field.select();
        navigator.clipboard.writeText(text).then(
          () => {
            setText(button, 'Copied');
            announce(`${name}: copied.`);
            setTimeout(() => {
              setText(button, 'Copy');
            }, 1500);
          },
          // Without the permission the text stays selected, ready for the keyboard.
          () => announce('Press Ctrl C to copy.'),
        );
      },
    },
    'Copy',
  );
  return h('div', { class: 'copyable' }, field, button);
}
