/**
 * Hybrid logical time: wall milliseconds that never stand still and never run backwards.
 *
 * It decides which of two concurrent values is shown first (and, in `lww` buckets, which is shown
 * at all). It never decides whether a write happened after another: that is what dots and contexts
 * are for. A write's time is above that of everything its coordinator saw for the key, so however
 * wrong a wall clock is, it cannot make a value that nobody can overwrite.
 */
export interface HybridTime {
  /** Milliseconds, 48 bits. */
  readonly ms: number;
  /** Orders events inside one millisecond, 16 bits. */
  readonly tick: number;
}

export const TIME_ZERO: HybridTime = { ms: 0, tick: 0 };
const MS_MAX = 2 ** 48 - 1;
const TICK_MAX = 0xffff;

export function compareTimes(left: HybridTime, right: HybridTime): number {
  return left.ms !== right.ms ? left.ms - right.ms : left.tick - right.tick;
}

/** The first time that is not before the wall clock and after everything in `seen`. */
export function timeAfter(wallMs: number, seen: HybridTime): HybridTime {
  const wall = Math.min(Math.max(0, Math.floor(wallMs)), MS_MAX);
  if (wall > seen.ms) return { ms: wall, tick: 0 };
  if (seen.tick < TICK_MAX) return { ms: seen.ms, tick: seen.tick + 1 };
  return { ms: Math.min(seen.ms + 1, MS_MAX), tick: 0 };
}
