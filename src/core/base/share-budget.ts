/**
 * Extra work as a share of the ordinary: for every hundred requests so many more, and a few saved
 * up for a bad moment.
 *
 *     share 0.05, burst 10      starts with 10; each request adds 1/20, up to 10; an extra takes 1
 *
 * Whatever goes wrong, extras are at most the share of the requests, and the burst once: what is
 * meant to help cannot become the load (law 7). It counts in whole thousandths, so that twenty
 * times a twentieth is one.
 */
import { assert } from "./assert.ts";

const WHOLE = 1_000;

export class ShareBudget {
  readonly #earned: number;
  readonly #max: number;
  #left: number;

  constructor(share: number, burst: number) {
    assert(share >= 0 && share <= 1, `a share of ${share}`);
    this.#earned = Math.round(share * WHOLE);
    // Without a share there is nothing to save.
    this.#max = this.#earned === 0 ? 0 : burst * WHOLE;
    this.#left = this.#max;
  }

  /** Nothing will ever be to spend. */
  get isOff(): boolean {
    return this.#earned === 0;
  }

  /** An ordinary request. */
  earn(): void {
    this.#left = Math.min(this.#max, this.#left + this.#earned);
  }

  /** True when there is enough for one extra, which is spent then. */
  take(): boolean {
    if (this.#left < WHOLE) return false;
    this.#left -= WHOLE;
    return true;
  }
}
