/**
 * Which keys were written in the last few seconds. Their records are probably still on their way to
 * the other owners, so a difference there is not one to repair.
 *
 * Two bitmaps over a hash of the key: one is filled, the other is what was filled before, and every
 * `windowMs` they change places. A key counts as recent for one to two windows. Now and then one
 * counts that was not written; it is looked at another time. 128 KiB each, whatever the load.
 */
import type { SipHash } from "../base/siphash.ts";
import type { Instant } from "../effects.ts";

const BITS_LOG2 = 20;
const WORDS: number = 1 << (BITS_LOG2 - 5);

export class RecentWrites {
  readonly #windowMs: number;
  #filling: Uint32Array = new Uint32Array(WORDS);
  #before: Uint32Array = new Uint32Array(WORDS);
  #startedAt = Number.NEGATIVE_INFINITY;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  onWrite(now: Instant, key: SipHash): void {
    this.#turn(now);
    const bit = bitOf(key);
    this.#filling[bit >>> 5]! |= 1 << (bit & 31);
  }

  has(now: Instant, key: SipHash): boolean {
    this.#turn(now);
    const bit = bitOf(key);
    return (((this.#filling[bit >>> 5]! | this.#before[bit >>> 5]!) >>> (bit & 31)) & 1) === 1;
  }

  #turn(now: Instant): void {
    const elapsedMs = now - this.#startedAt;
    if (elapsedMs < this.#windowMs) return;
    const filled = this.#filling;
    this.#filling = this.#before.fill(0);
    this.#before = elapsedMs < this.#windowMs * 2 ? filled : filled.fill(0);
    this.#startedAt = now;
  }
}

/** The low half: the leaf is made of the high one. */
function bitOf({ lo }: SipHash): number {
  return lo & ((1 << BITS_LOG2) - 1);
}
