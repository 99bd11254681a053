/**
 * How long the operations of a simulated disk take. Every time is a least one, and exponentially
 * more with the given mean; a sync may also stall, as a busy device or a full journal makes it.
 */
import type { Random } from "../../core/base/random.ts";

export interface DiskPace {
  /** Of an append or a removal, which only change memory. */
  readonly appendMs: number;
  readonly appendMsMean: number;
  readonly syncMs: number;
  readonly syncMsMean: number;
  /** Probability that a sync stalls, and for how long at most. */
  readonly stallRate: number;
  readonly stallMsMax: number;
}

export const QUICK_PACE: DiskPace = {
  appendMs: 0.01,
  appendMsMean: 0.02,
  syncMs: 0.1,
  syncMsMean: 0.4,
  stallRate: 0,
  stallMsMax: 0,
};

/** For how long the next sync stalls: mostly 0. */
export function drawStallMs({ stallRate, stallMsMax }: DiskPace, random: Random): number {
  if (stallRate === 0 || !random.chance(stallRate)) return 0;
  return random.fraction() * stallMsMax;
}
