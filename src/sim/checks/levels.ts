/**
 * What a level means in numbers, worked out apart from the core: a checker that asked the product
 * what it promised would believe whatever it was told.
 */
import type { Level } from "../../core/requests.ts";
import type { RunView } from "../checker.ts";
import type { HistoryEntry } from "../history.ts";

/** How many owners had to answer this read. */
export function readersOf(run: RunView, entry: HistoryEntry): number {
  return ownersMeant(entry.r, run.config.r, run.owners(entry.key).length);
}

/** How many owners had to hold this write before it was acknowledged. */
export function holdersOf(run: RunView, entry: HistoryEntry): number {
  return ownersMeant(entry.w, run.config.w, run.owners(entry.key).length);
}

export function ownersMeant(level: Level, byDefault: Level, owners: number): number {
  const meant = level === "default" ? byDefault : level;
  if (meant === "one" || meant === "default") return 1;
  if (meant === "quorum") return Math.floor(owners / 2) + 1;
  return meant === "all" ? owners : meant;
}

/**
 * How many owners a receipt names as holding the write durably, or exactly what a read returned.
 */
export function heldBy(entry: HistoryEntry): number {
  let count = 0;
  for (let mask = entry.receipt?.held ?? 0; mask !== 0; mask >>>= 1) count += mask & 1;
  return count;
}
