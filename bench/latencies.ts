/**
 * How long things took, counted in steps of 1 %: minutes of them take no more room than seconds.
 *
 *     1 ms = 1,000 µs ─▶ step ⌊ln 1,000 / ln 1.01⌋ = 694, which reaches to 1.01^695 = 1,007 µs
 */
const STEP = Math.log(1.01);

export class Latencies {
  readonly #counts: number[] = [];
  count = 0;

  add(ms: number): void {
    const step = Math.floor(Math.log(Math.max(1, ms * 1_000)) / STEP);
    while (this.#counts.length <= step) this.#counts.push(0);
    this.#counts[step]!++;
    this.count++;
  }

  /** What this share of them, 0 to 1, did not exceed; 0 when there were none. */
  quantileMs(share: number): number {
    let left = Math.max(1, Math.ceil(this.count * share));
    const step = this.#counts.findIndex((count) => (left -= count) <= 0);
    return step === -1 ? 0 : Math.exp((step + 1) * STEP) / 1_000;
  }
}
