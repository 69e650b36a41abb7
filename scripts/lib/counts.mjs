// Reads how many tests ran from what the test runners print, so that the last line of `npm test` is their sum and not a claim.

// Colours and cursor movements.
// eslint-disable-next-line no-control-regex
const escapes = /\u001b\[[0-9;?]*[A-Za-z]/g;

// cargo test and wasm-bindgen-test: "test result: ok. 12 passed; 0 failed; 1 ignored; ..."
const cargo = /^test result: \w+\. (\d+) passed; (\d+) failed;/;
// node --test: "# pass 12" (TAP) or "ℹ pass 12" (spec), and the same with "fail".
const node = /^(?:#|ℹ) (pass|fail) (\d+)$/;
// Our own checks: "12 passed, 0 failed", perhaps with a word in front.
const plain = /^(?:\w+: )?(\d+) passed, (\d+) failed\b/;

/** Sums up test results over the output of any number of runners. Feed it text as it comes; lines may be cut anywhere. */
export class TestCounter {
  passed = 0;
  failed = 0;
  #rest = "";

  /** Takes a piece of output. */
  feed(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop();
    lines.forEach((line) => this.#read(line));
  }

  /** Takes what is left of an unfinished last line. */
  end() {
    this.#read(this.#rest);
    this.#rest = "";
  }

  #read(raw) {
    const line = raw.replace(escapes, "").trim();
    const both = cargo.exec(line) ?? plain.exec(line);
    if (both) {
      this.passed += Number(both[1]);
      this.failed += Number(both[2]);
      return;
    }
    const one = node.exec(line);
    if (one?.[1] === "pass") this.passed += Number(one[2]);
    if (one?.[1] === "fail") this.failed += Number(one[2]);
  }

  toString() {
    return `${this.passed} passed, ${this.failed} failed`;
  }
}
