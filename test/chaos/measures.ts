/**
 * What a history says of speed: how many operations a stretch of time had, how long they took, how
 * long there were none, and how soon it was as before.
 */
import type { HistoryEntry } from "#src/sim/history.ts";

export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Speed {
  readonly perSecond: number;
  readonly failed: number;
  readonly readP50Ms: number;
  readonly readP99Ms: number;
  readonly writeP50Ms: number;
  readonly writeP99Ms: number;
}

const WINDOW_MS = 500;
const STEP_MS = 50;
const ENOUGH_SHARE = 0.8;

/** Of the operations that ended in it. */
export function speedIn(history: readonly HistoryEntry[], stretch: Stretch): Speed {
  const ended = endedIn(history, stretch);
  const done = ended.filter(({ status }) => status === "ok");
  const reads = durations(done.filter(({ operation }) => operation === "get"));
  const writes = durations(done.filter(({ operation }) => operation !== "get"));
  return {
    perSecond: (done.length * 1_000) / (stretch.toMs - stretch.fromMs),
    failed: ended.filter(isFailure).length,
    readP50Ms: quantile(reads, 0.5),
    readP99Ms: quantile(reads, 0.99),
    writeP50Ms: quantile(writes, 0.5),
    writeP99Ms: quantile(writes, 0.99),
  };
}

/** That there were too many siblings is no failure of the cluster. */
export function isFailure({ status, code }: HistoryEntry): boolean {
  return status !== "ok" && code !== "TOO_MANY_SIBLINGS";
}

/** The operations that failed though they could be tried once more, by code. */
export function failuresIn(
  history: readonly HistoryEntry[],
  stretch: Stretch,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const entry of endedIn(history, stretch)) {
    if (!isFailure(entry)) continue;
    const tries = entry.tries.length > 1 ? "tried twice" : "tried once";
    const name = `${entry.operation} ${entry.code ?? ""} ${tries}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** From the start of the stretch until half a second was good enough; undefined when none was. */
export function recoveredAfterMs(
  history: readonly HistoryEntry[],
  stretch: Stretch,
  perSecondBefore: number,
): number | undefined {
  const ends = okEnds(history);
  const enough = (perSecondBefore * ENOUGH_SHARE * WINDOW_MS) / 1_000;
  for (let from = stretch.fromMs; from + WINDOW_MS <= stretch.toMs; from += STEP_MS) {
    const count = ends.filter((end) => end >= from && end < from + WINDOW_MS).length;
    if (count >= enough) return from - stretch.fromMs;
  }
  return undefined;
}

/** The longest time within the stretch in which no operation of anybody succeeded. */
export function longestSilenceMs(history: readonly HistoryEntry[], stretch: Stretch): number {
  let longest = 0;
  let last = stretch.fromMs;
  for (const end of okEnds(history)) {
    if (end < stretch.fromMs || end > stretch.toMs) continue;
    longest = Math.max(longest, end - last);
    last = end;
  }
  return Math.max(longest, stretch.toMs - last);
}

function endedIn(history: readonly HistoryEntry[], { fromMs, toMs }: Stretch): HistoryEntry[] {
  return history.filter(({ completedAt }) => completedAt! >= fromMs && completedAt! < toMs);
}

function okEnds(history: readonly HistoryEntry[]): readonly number[] {
  const ends = history.filter(({ status }) => status === "ok").map((entry) => entry.completedAt!);
  return ends.toSorted((left, right) => left - right);
}

function durations(entries: readonly HistoryEntry[]): readonly number[] {
  return entries
    .map(({ invokedAt, completedAt }) => completedAt! - invokedAt)
    .toSorted((left, right) => left - right);
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
