/**
 * How many keys anti-entropy may move: so many a second, and after a rest as many at once as
 * `burst`. Clients come first.
 */
import type { Instant } from "../effects.ts";

export class KeyBudget {
  readonly #perSecond: number;
  readonly #burst: number;
  #keys: number;
  #at: Instant = 0;

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#keys = burst;
  }

  /** Takes up to `wanted` keys; answers how many. */
  take(now: Instant, wanted: number): number {
    this.#refill(now);
    const taken = Math.min(wanted, Math.floor(this.#keys));
    this.#keys -= taken;
    return taken;
  }

  /** For what was taken and not used. */
  giveBack(count: number): void {
    this.#keys = Math.min(this.#burst, this.#keys + count);
  }

  /** When there is a whole key to take. */
  nextAt(now: Instant): Instant {
    this.#refill(now);
    return this.#keys >= 1 ? now : now + Math.ceil(((1 - this.#keys) * 1000) / this.#perSecond);
  }

  #refill(now: Instant): void {
    const elapsedMs = Math.max(0, now - this.#at);
    this.#keys = Math.min(this.#burst, this.#keys + (elapsedMs * this.#perSecond) / 1000);
    this.#at = Math.max(this.#at, now);
  }
}
