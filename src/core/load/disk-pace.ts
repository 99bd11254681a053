/**
 * How long the own disk takes to make a write durable, of late.
 *
 *     given ──────── 3 ms ──────▶ durable      one write at a time is watched: that is enough, and
 *     given ──────────────── 40 ms and still waiting: it counts already           costs nothing
 *
 * An eighth of each sample, so that the last dozen decide. What was not written to for ten seconds
 * is not known to be slow.
 */
import type { Instant } from "../effects.ts";

const SAMPLE_WEIGHT = 0.125;
const FORGOTTEN_AFTER_MS = 10_000;
const NO_TOKEN = 0;

export class DiskPace {
  #latencyMs = 0;
  #sampledAt: Instant = Number.NEGATIVE_INFINITY;
  /** Of the write that is watched. */
  #token = NO_TOKEN;
  #givenAt: Instant = 0;

  onGiven(now: Instant, token: number): void {
    if (this.#token !== NO_TOKEN) return;
    this.#token = token;
    this.#givenAt = now;
  }

  onDurable(now: Instant, token: number): void {
    if (token !== this.#token || token === NO_TOKEN) return;
    this.#token = NO_TOKEN;
    if (now - this.#sampledAt > FORGOTTEN_AFTER_MS) this.#latencyMs = 0;
    this.#latencyMs += (now - this.#givenAt - this.#latencyMs) * SAMPLE_WEIGHT;
    this.#sampledAt = now;
  }

  latencyMs(now: Instant): number {
    const usualMs = now - this.#sampledAt > FORGOTTEN_AFTER_MS ? 0 : this.#latencyMs;
    const waitsMs = this.#token === NO_TOKEN ? 0 : now - this.#givenAt;
    return Math.max(usualMs, waitsMs * SAMPLE_WEIGHT);
  }
}
