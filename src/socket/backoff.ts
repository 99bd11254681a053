/**
 * How long to wait before the next try: exponential with full jitter.
 *
 * The n-th wait is drawn from all of 0 … min(max, min·2ⁿ). Drawing from the whole range, not around
 * its top, is what keeps the many who lost the same node from coming back to it in step. A floor of
 * a tenth keeps a lucky draw of zero from becoming a busy loop.
 */
const FLOOR = 0.1;

export class Backoff {
  readonly #msMin: number;
  readonly #msMax: number;
  readonly #draw: () => number;
  #failures = 0;

  /** `draw` answers numbers in [0, 1). */
  constructor(range: { readonly msMin: number; readonly msMax: number }, draw: () => number) {
    this.#msMin = range.msMin;
    this.#msMax = range.msMax;
    this.#draw = draw;
  }

  /** The wait after one more failure. */
  next(): number {
    const top = Math.min(this.#msMax, this.#msMin * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return top * (FLOOR + (1 - FLOOR) * this.#draw());
  }

  /** It worked: the next failure starts from the shortest wait again. */
  reset(): void {
    this.#failures = 0;
  }
}
