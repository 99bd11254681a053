/**
 * What a level means in numbers, worked out apart from the core: a checker that asked the product
 * what it promised would believe whatever it was told.
 */
import type { Level } from "../../core/requests.ts";
import type { RunView } from "../checker.ts";
import type { HistoryEntry } from "../history.ts";

/** How many owners had to answer this read. */
export function readersOf(run: RunView, entry: HistoryEntry): number {
  return neededBy(entry, run.owners(entry.key).length, entry.r, run.config.r);
}

/** How many nodes had to hold this write before it was acknowledged. */
export function writersOf(run: RunView, entry: HistoryEntry): number {
  return neededBy(entry, run.owners(entry.key).length, entry.w, run.config.w);
}

/**
 * How many owners held this write when it was acknowledged: those for which another node stood in
 * did not. `ack-honesty.ts` sees to it that somebody did.
 */
export function holdersOf(run: RunView, entry: HistoryEntry): number {
  const proper = Math.min(properOf(run, entry), writersOf(run, entry));
  return Math.max(proper, writersOf(run, entry) - hintedBy(entry));
}

/** How many of the owners had to hold this write, or to answer this read, by themselves. */
export function properOf(run: RunView, entry: HistoryEntry): number {
  const isRead = entry.operation === "get";
  if (entry.session) return isRead ? readersOf(run, entry) : writersOf(run, entry);
  const owners = run.owners(entry.key).length;
  return ownersMeant("default", isRead ? run.config.pr : run.config.pw, owners);
}

/** Others answered for owners that could not be reached: of such a read nothing is promised. */
export function hintedBy(entry: HistoryEntry): number {
  return bitsOf(entry.receipt?.hinted ?? 0);
}

export function ownersMeant(level: Level, byDefault: Level, owners: number): number {
  const meant = level === "default" ? byDefault : level;
  if (meant === "one" || meant === "default") return 1;
  if (meant === "quorum") return Math.floor(owners / 2) + 1;
  return meant === "all" ? owners : meant;
}

/** A session asks a majority, whatever less its level says. */
function neededBy(entry: HistoryEntry, owners: number, level: Level, byDefault: Level): number {
  const meant = ownersMeant(level, byDefault, owners);
  return entry.session ? Math.max(meant, Math.floor(owners / 2) + 1) : meant;
}

/**
 * How many owners a receipt names as holding the write durably, or exactly what a read returned.
 */
export function heldBy(entry: HistoryEntry): number {
  return bitsOf(entry.receipt?.held ?? 0);
}

function bitsOf(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest >>>= 1) count += rest & 1;
  return count;
}
