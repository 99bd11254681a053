/**
 * The wall clock of one simulated machine: off, drifting, and sometimes set to another time.
 *
 * Nodes read it only to stamp requests. However wrong it is, no acknowledged write may be lost:
 * order comes from dots.
 */
import type { Instant } from "../core/effects.ts";

/** The wall time at which every run begins: a round number, the same in all runs. */
export const EPOCH_WALL_MS = 1_700_000_000_000;

export interface WallClockOptions {
  readonly offsetMs: number;
  /** Millionths by which it runs fast (or slow, when negative). */
  readonly driftPpm: number;
}

export const TRUE_WALL_CLOCK: WallClockOptions = { offsetMs: 0, driftPpm: 0 };

export class WallClock {
  #offsetMs: number;
  readonly #driftPpm: number;

  constructor(options: WallClockOptions = TRUE_WALL_CLOCK) {
    this.#offsetMs = options.offsetMs;
    this.#driftPpm = options.driftPpm;
  }

  /** Whole milliseconds, as a host would read them. */
  read(now: Instant): number {
    const drifted = now + (now * this.#driftPpm) / 1_000_000;
    return EPOCH_WALL_MS + Math.floor(drifted) + this.#offsetMs;
  }

  /** Somebody sets the clock, forwards or backwards. */
  jump(ms: number): void {
    this.#offsetMs += ms;
  }
}
