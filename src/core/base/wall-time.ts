/**
 * Wall time as far as a node goes by it: it never goes back. What has expired would be alive again
 * else, whenever a clock is set right.
 */
export class WallTime {
  #ms = 0;

  /** What a clock says. */
  see(ms: number): void {
    if (ms > this.#ms) this.#ms = ms;
  }

  get ms(): number {
    return this.#ms;
  }
}
