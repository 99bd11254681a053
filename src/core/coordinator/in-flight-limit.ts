/**
 * How many requests a node has in flight at most: as many as it can answer in time, found out by
 * trying, and never more than it was configured with.
 *
 *     limit  4096 ┐                                       ┌── …  an eighth more in each window,
 *                 └ 900 ┐            ┌ 570 ── 641 ── 721 ─┘      while they are asked for
 *                       └ 675 ─ 506 ─┘
 *                    late   late   late   in time              a quarter less when it is late
 *
 * A window is a tenth of a second. Its answers are late when they took more than half of their time
 * limits, on average, and more than four times the best window of the last 10 to 20 s. The first
 * keeps a quick cluster out of this: 20 ms at a thousand in flight is what the clients asked for.
 * The second is for latency with another cause than the number in flight: where few are as slow as
 * many, as with a slow disk, few become the best there is, and the limit rises again.
 *
 * It begins at its most (decision 13): a burst at a cluster that is well is no overload.
 */
import type { Instant } from "../effects.ts";

const WINDOW_MS = 100;
const BEST_PERIOD_MS = 10_000;
/** Fewer answers than this say nothing of what is usual. */
const ANSWERS_MIN = 8;
const LATE_TIMES = 4;
const LATE_SHARE = 1 / 2;
const LESS = 0.75;
const MORE_SHARE = 1 / 8;
const FLOOR = 32;
const RETRY_MS_MIN = 5;
const RETRY_MS_MAX = 1_000;
/** What a client is told before anything was answered. */
const LATENCY_MS_FIRST = 20;

export class InFlightLimit {
  /** Whole requests. */
  value: number;
  readonly #max: number;
  readonly #floor: number;
  #windowEndsAt: Instant = 0;
  #answers = 0;
  #sumMs = 0;
  /** Of the time that each had, what it took. */
  #sumShares = 0;
  #peak = 0;
  #refused = 0;
  #meanMs = LATENCY_MS_FIRST;
  #bestMs = Infinity;
  #bestMsBefore = Infinity;
  #periodEndsAt: Instant = 0;

  constructor(max: number) {
    this.#max = max;
    this.#floor = Math.min(FLOOR, max);
    this.value = max;
  }

  /** A request was admitted, and so many are in flight with it. */
  onAdmitted(inFlight: number): void {
    if (inFlight > this.#peak) this.#peak = inFlight;
  }

  /** After so long, of so long that the request had. */
  onAnswered(now: Instant, elapsedMs: number, limitMs: number): void {
    if (now >= this.#windowEndsAt) this.#turn(now);
    this.#answers++;
    this.#sumMs += elapsedMs;
    this.#sumShares += elapsedMs / limitMs;
  }

  onRefused(): void {
    this.#refused++;
  }

  /**
   * When there may be room: those in flight are gone after the time that an answer takes, and who
   * was refused before in this window comes first.
   */
  get retryAfterMs(): number {
    const ms = Math.ceil(this.#meanMs * (1 + this.#refused / this.value));
    return Math.min(Math.max(ms, RETRY_MS_MIN), RETRY_MS_MAX);
  }

  /** Of the last window with answers. */
  get latencyMs(): number {
    return this.#meanMs;
  }

  /** What a window with this load has at best; Infinity before the first. */
  get bestMs(): number {
    return Math.min(this.#bestMs, this.#bestMsBefore);
  }

  #turn(now: Instant): void {
    const answers = this.#answers;
    if (answers > 0) this.#judge(this.#sumMs / answers, this.#sumShares / answers);
    this.#windowEndsAt = now + WINDOW_MS;
    this.#answers = 0;
    this.#sumMs = 0;
    this.#sumShares = 0;
    this.#peak = 0;
    this.#refused = 0;
    if (now < this.#periodEndsAt) return;
    const isLong = now >= this.#periodEndsAt + BEST_PERIOD_MS;
    this.#bestMsBefore = isLong ? Infinity : this.#bestMs;
    this.#bestMs = Infinity;
    this.#periodEndsAt = now + BEST_PERIOD_MS;
  }

  #judge(meanMs: number, meanShare: number): void {
    this.#meanMs = meanMs;
    const isLate = meanShare > LATE_SHARE && meanMs > LATE_TIMES * this.bestMs;
    if (this.#answers >= ANSWERS_MIN) this.#bestMs = Math.min(this.#bestMs, meanMs);
    if (isLate) {
      const used = Math.min(this.value, Math.max(this.#peak, this.#floor));
      this.value = Math.max(this.#floor, Math.floor(used * LESS));
    } else if (this.#peak * 2 > this.value) {
      this.value = Math.min(this.#max, this.value + Math.ceil(this.value * MORE_SHARE));
    }
  }
}
