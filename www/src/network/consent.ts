/** One yes for all that building the network asks of four wallets; anything else is asked one by one as ever. */

import type { Deployment } from '../deployment.js';
import { type Wish, confirm, confirmTogether } from '../dev-wallet/dialogs.js';

/** The common answer of the development wallets of one page. */
export class BuildersConsent {
  readonly #deployment: Deployment;
  #isGiven = false;

  constructor(deployment: Deployment) {
    this.#deployment = deployment;
  }

  /** What the wallets call before they sign or send. */
  readonly ask: typeof confirm = (...question) => (this.#isGiven ? Promise.resolve() : confirm(...question));

  /** Asks once, then runs the work with the answer. */
  async during<T>(title: string, wishes: readonly Wish[], work: () => Promise<T>): Promise<T> {
    await confirmTogether(this.#deployment, title, wishes);
    this.#isGiven = true;
    try {
      return await work();
    } finally {
      this.#isGiven = false;
    }
  }
}
