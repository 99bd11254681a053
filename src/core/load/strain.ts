/**
 * How hard it is for clients right now, as one number from 0 (nobody notices anything) to 1.
 *
 *     in flight   0 ────────── 256      or as many as the node takes, if that is fewer
 *     latency     twice ─ eight times   the node's own best of late, from 5 ms on
 *     lateness    10 ──────── 50 ms     that the event loop came late to a deadline; fades in 1 s
 *                 0            1
 *
 * The worst of the three counts. All are what the node sees of itself, by the time that it is told:
 * the same inputs make the same strain.
 */
import type { Instant } from "../effects.ts";

/** What the coordinator knows of the requests it serves. */
export interface Foreground {
  readonly inFlight: number;
  /** When the last request came. */
  readonly requestedAt: Instant;
  readonly inFlightLimit: number;
  /** Of the answers of late, and the best of some seconds; Infinity when nobody knows. */
  readonly latencyMs: number;
  readonly bestLatencyMs: number;
}

const IN_FLIGHT_FULL = 256;
const LATENCY_MS_MIN = 5;
const LATENCY_TIMES = { from: 2, to: 8 };
const LATE_MS = { from: 10, to: 50 };
const FADES_IN_MS = 1_000;
const SERVES_MS = 1_000;

export class Strain {
  readonly #foreground: Foreground;
  #late = 0;
  #lateAt: Instant = 0;

  constructor(foreground: Foreground) {
    this.#foreground = foreground;
  }

  /** The event loop came to a deadline so late. */
  onLate(now: Instant, lateMs: number): void {
    if (lateMs <= LATE_MS.from) return;
    const late = between(lateMs, LATE_MS.from, LATE_MS.to);
    if (late <= this.#lateness(now)) return;
    this.#late = late;
    this.#lateAt = now;
  }

  /** Whether clients wait, or asked for something of late, hard or not. */
  isServing(now: Instant): boolean {
    const { inFlight, requestedAt } = this.#foreground;
    return inFlight > 0 || now - requestedAt < SERVES_MS;
  }

  value(now: Instant): number {
    return Math.max(this.#queue, this.#latency, this.#lateness(now));
  }

  get #queue(): number {
    const { inFlight, inFlightLimit } = this.#foreground;
    return Math.min(1, inFlight / Math.min(IN_FLIGHT_FULL, inFlightLimit));
  }

  /** Old answers say nothing of now: with nothing in flight nobody waits. */
  get #latency(): number {
    const { inFlight, latencyMs, bestLatencyMs } = this.#foreground;
    if (inFlight === 0 || latencyMs < LATENCY_MS_MIN) return 0;
    return between(latencyMs / bestLatencyMs, LATENCY_TIMES.from, LATENCY_TIMES.to);
  }

  #lateness(now: Instant): number {
    return this.#late * (1 - between(now - this.#lateAt, 0, FADES_IN_MS));
  }
}

/** 0 up to `from`, 1 from `to` on, and even in between. */
export function between(value: number, from: number, to: number): number {
  return Math.min(1, Math.max(0, (value - from) / (to - from)));
}
