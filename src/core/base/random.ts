/**
 * A seeded generator: the only source of chance in the core and in the simulator.
 *
 * The same seed gives the same draws in every JavaScript engine, so only integer arithmetic and
 * exact floating point (add, multiply, compare) is used: Math.log and its kind may differ in the
 * last bit between engines.
 *
 * The engine is sfc32 ("small fast counter"): three words that chase each other and a counter that
 * guarantees a period of at least 2^32. It is not for secrets.
 */
import { assert } from "./assert.ts";
import { hash32OfString } from "./hash.ts";
import { toBinary } from "./utf8.ts";

const U32 = 0x1_0000_0000;
const U53 = 0x20_0000_0000_0000;
const NUMBER_SEED = 1;
const TEXT_SEED = 2;
/** As many rounds as make two neighbouring seeds forget each other. */
const WARM_UP_ROUNDS = 15;

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;
  /** What the seed was, kept for `fork`. */
  readonly #seedLo: number;
  readonly #seedHi: number;

  constructor(seed: number | string) {
    if (typeof seed === "number") {
      assert(Number.isSafeInteger(seed), "a numeric seed is an integer below 2^53");
      this.#seedLo = seed >>> 0;
      this.#seedHi = Math.floor(seed / U32) >>> 0;
      this.#c = NUMBER_SEED;
    } else {
      const binary = toBinary(seed);
      this.#seedLo = hash32OfString(binary, 0x243f6a88);
      this.#seedHi = hash32OfString(binary, 0x85a308d3);
      this.#c = TEXT_SEED;
    }
    this.#a = this.#seedLo | 0;
    this.#b = this.#seedHi | 0;
    for (let round = 0; round < WARM_UP_ROUNDS; round++) this.next();
  }

  /**
   * A generator of its own for one part of the program.
   *
   * It depends on the seed and the label, not on what was drawn so far: one part that draws more
   * often leaves the others as they were. So the same label gives the same draws again; number the
   * labels of equal parts.
   */
  fork(label: string): Random {
    return new Random(`${this.#seedHi}.${this.#seedLo}/${label}`);
  }

  /** An unsigned 32-bit integer. */
  next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** An integer in [0, max), each as likely as any other; max is at most 2^53 - 1. */
  integer(max: number): number {
    assert(
      Number.isSafeInteger(max) && max > 0,
      "a random integer needs a bound from 1 to 2^53 - 1",
    );
    // Draws fall into blocks of max. The last block is incomplete and would favour small answers:
    // draw again.
    if (max < U32) {
      const bound = max >>> 0;
      for (;;) {
        const draw = this.next();
        const answer = draw % bound;
        if (draw - answer <= U32 - bound) return answer;
      }
    }
    for (;;) {
      const draw = this.#next53();
      const answer = draw % max;
      if (draw - answer <= U53 - max) return answer;
    }
  }

  /** An integer from min to max, both included. */
  between(min: number, max: number): number {
    assert(min <= max, "a random integer needs min <= max");
    return min + this.integer(max - min + 1);
  }

  /** A number in [0, 1), a multiple of 2^-53. */
  fraction(): number {
    return this.#next53() / U53;
  }

  /** True with the given probability. Draws as much for 0 and 1 as for anything between. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(items: readonly T[]): T {
    assert(items.length > 0, "nothing to pick from");
    return items[this.integer(items.length)]!;
  }

  /** In place; every order is equally likely. */
  shuffle(items: unknown[]): void {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.integer(last + 1);
      const moved = items[last];
      items[last] = items[other];
      items[other] = moved;
    }
  }

  /**
   * An exponentially distributed waiting time.
   *
   * Von Neumann's method, which only compares: draw u1, then go on while each draw is smaller than
   * the one before. Given u1 = x the run has length n or more with probability x^(n-1)/(n-1)!, so
   * its length is odd with probability 1 - x + x^2/2! - ... = e^-x: then x is the fractional part
   * of the answer. An even run, which happens with probability 1/e, adds one to the whole part and
   * starts again.
   */
  exponential(mean: number): number {
    for (let whole = 0; ; whole++) {
      const first = this.next();
      let previous = first;
      let odd = true;
      for (let draw = this.next(); draw < previous; draw = this.next()) {
        previous = draw;
        odd = !odd;
      }
      if (odd) return (whole + first / U32) * mean;
    }
  }

  #next53(): number {
    const high = this.next() >>> 5;
    return high * 0x4000000 + (this.next() >>> 6);
  }
}
