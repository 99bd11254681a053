/**
 * What may be done that no client waits for: one budget for all of it, which yields to the clients
 * and never stops anything for good.
 *
 *     strain          0 ──── 0.2 ──── 0.4 ──── 0.6 ──── 0.8 ──── 1
 *     anti-entropy    ██████████▇▇▆▅▅▄▃▃▂▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁   down to 1/16
 *     storage         ███████████████████▇▇▆▆▅▅▄▄▃▃▃▂▂▂▂▂▂▂▂▂▂▂▂▂▂   down to 1/4: compaction, scrub
 *     read repair     ███████████████████████████▇▇▆▅▅▄▄▃▂▂▂▂▂▂▂▂▂   down to 1/4
 *     hints           ███████████████████▇▇▆▅▅▄▄▃▂▂▂▂▂▂▂▂▂▂▂▂▂▂   down to 1/4, and no more than
 *                                                                 that while clients are served
 *
 * A share is how much of its usual pace a kind of work has. Who works in slices rests longer
 * between them; who has a rate has so much of it; who may be left out is left out so often.
 *
 *     slice of 5 ms, share 1     ▇▁▇▁▇▁▇▁▇▁      the usual pause
 *     share 1/4                  ▇▁▁▁▁▇▁▁▁▁      four of them
 *
 * What is least missed gives way first: what anti-entropy finds, a read may mend before. Hints are
 * many at once, and each is a durable write at the target and another where it was kept: clients
 * notice that long before anything here is strained, so beside them hints go at one pace. That even
 * the last keeps a floor is what lets a cluster that is always busy converge (law 7 bounds the
 * work, it does not end it).
 */
import type { Instant } from "../effects.ts";
import type { Strain } from "./strain.ts";
import { between } from "./strain.ts";

export const BACKGROUND_KINDS = ["anti-entropy", "hints", "storage", "read-repair"] as const;
export type BackgroundKind = (typeof BACKGROUND_KINDS)[number];

interface Slope {
  /** Up to this strain it has all, from that on the floor. */
  readonly from: number;
  readonly to: number;
  readonly floor: number;
}

const SLOPES: Readonly<Record<BackgroundKind, Slope>> = {
  "anti-entropy": { from: 0.2, to: 0.5, floor: 1 / 16 },
  hints: { from: 0.4, to: 0.7, floor: 1 / 4 },
  storage: { from: 0.4, to: 0.8, floor: 1 / 4 },
  "read-repair": { from: 0.6, to: 0.9, floor: 1 / 4 },
};

export interface BackgroundShare {
  readonly kind: BackgroundKind;
  /** Of its usual pace: above 0, at most 1. */
  readonly share: number;
}

export interface BackgroundReport {
  readonly strain: number;
  readonly shares: readonly BackgroundShare[];
  /** Read repairs that were left out, to be found by another read or by anti-entropy. */
  readonly repairsLeftOut: number;
}

export class BackgroundBudget {
  readonly #strain: Strain;
  /** Anti-entropy does nothing before. */
  #restsUntil: Instant = Number.NEGATIVE_INFINITY;
  /** Of the next read repair, what has been saved up for it. */
  #repairSaved = 1;
  #repairsLeftOut = 0;

  constructor(strain: Strain) {
    this.#strain = strain;
  }

  /** The event loop came to a deadline so late. */
  onLate(now: Instant, lateMs: number): void {
    this.#strain.onLate(now, lateMs);
  }

  share(now: Instant, kind: BackgroundKind): number {
    const { from, to, floor } = SLOPES[kind];
    if (kind === "hints" && this.#strain.isServing(now)) return floor;
    return Math.max(floor, 1 - between(this.#strain.value(now), from, to));
  }

  /** Whether the rest after the last slice of anti-entropy is over. */
  mayCompare(now: Instant): boolean {
    return now >= this.#restsUntil;
  }

  /** A slice of it was done, which with its usual pause takes so long. */
  onCompared(now: Instant, usualMs: number): void {
    const share = this.share(now, "anti-entropy");
    this.#restsUntil = now + usualMs * (1 / share - 1);
  }

  /** Whether this read repair is sent; of those that are not there is another chance. */
  mayRepair(now: Instant): boolean {
    this.#repairSaved = Math.min(1, this.#repairSaved + this.share(now, "read-repair"));
    if (this.#repairSaved < 1) {
      this.#repairsLeftOut++;
      return false;
    }
    this.#repairSaved = 0;
    return true;
  }

  report(now: Instant): BackgroundReport {
    return {
      strain: this.#strain.value(now),
      shares: BACKGROUND_KINDS.map((kind) => ({ kind, share: this.share(now, kind) })),
      repairsLeftOut: this.#repairsLeftOut,
    };
  }
}
