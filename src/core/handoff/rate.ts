/**
 * How many in about the last second: all of this one, and of the one before what is not a second
 * ago, as if they had come evenly.
 *
 *     ├─ 40 in the second before ─┼─ 10 so far ─┤
 *                      └──── a second ──────────┘      half of 40, and 10: 30 a second
 */
import type { Instant } from "../effects.ts";

const SECOND_MS = 1_000;

export class Rate {
  #second = 0;
  #count = 0;
  #countBefore = 0;

  add(now: Instant): void {
    this.#moveOn(now);
    this.#count++;
  }

  perSecond(now: Instant): number {
    this.#moveOn(now);
    const passed = now / SECOND_MS - this.#second;
    return Math.round(this.#countBefore * (1 - passed) + this.#count);
  }

  #moveOn(now: Instant): void {
    const second = Math.floor(now / SECOND_MS);
    if (second === this.#second) return;
    this.#countBefore = second === this.#second + 1 ? this.#count : 0;
    this.#count = 0;
    this.#second = second;
  }
}
