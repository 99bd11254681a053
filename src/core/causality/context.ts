/**
 * A causal context: the set of all dots that somebody has seen, said shortly.
 *
 * Dots of one actor are numbered 1, 2, 3 … and mostly seen in order, so an entry says "all up to
 * n". What was seen beyond a gap stands in `ahead`, as closed ranges:
 *
 *     n = 4, ahead = [6, 7, 9, 9]      seen   1 2 3 4 · 6 7 · 9
 *     + dot 5                          n = 7, ahead = [9, 9]
 *
 * Ranges instead of single dots keep this bounded by the number of gaps, not by the number of
 * writes after a gap. To round a gap up ("seen up to 9") would claim a value that was never seen,
 * and the next write would delete it unread.
 *
 * Contexts are values: sorted by actor, normalised (no empty entry, no range that touches another),
 * never changed.
 */
import type { Actor, ActorId } from "./actor.ts";
import { compareActors, sameIdentity } from "./actor.ts";

export interface Entry extends Actor {
  /** All dots from 1 to n are seen. */
  readonly n: number;
  /**
   * Further seen dots, as from, to, from, to …; every `from` is at least two above what stands
   * before it.
   */
  readonly ahead: readonly number[];
}

export type Context = readonly Entry[];

export const EMPTY_CONTEXT: Context = [];
const NOTHING_AHEAD: readonly number[] = [];

export function entryOf(actor: Actor, n: number, ahead: readonly number[] = NOTHING_AHEAD): Entry {
  return { high: actor.high, low: actor.low, epoch: actor.epoch, n, ahead };
}

export function contains(context: Context, actor: Actor, n: number): boolean {
  for (let i = 0; i < context.length; i++) {
    const entry = context[i]!;
    if (entry.low === actor.low && entry.epoch === actor.epoch && entry.high === actor.high) {
      return n <= entry.n || rangesContain(entry.ahead, n);
    }
  }
  return false;
}

/** True when everything in `right` is in `left`. */
export function descends(left: Context, right: Context): boolean {
  let at = 0;
  for (let i = 0; i < right.length; i++) {
    const wanted = right[i]!;
    while (at < left.length && compareActors(left[at]!, wanted) < 0) at++;
    const entry = left[at];
    if (entry === undefined || compareActors(entry, wanted) !== 0) return false;
    if (!entryCovers(entry, wanted)) return false;
  }
  return true;
}

export function sameContext(left: Context, right: Context): boolean {
  return left.length === right.length && descends(left, right) && descends(right, left);
}

/** Everything in either. Answers one of its arguments whenever that says it all. */
export function joinContexts(left: Context, right: Context): Context {
  if (left === right || descends(left, right)) return left;
  if (descends(right, left)) return right;
  const joined: Entry[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length && j < right.length) {
    const order = compareActors(left[i]!, right[j]!);
    if (order < 0) joined.push(left[i++]!);
    else if (order > 0) joined.push(right[j++]!);
    else joined.push(joinEntries(left[i++]!, right[j++]!));
  }
  while (i < left.length) joined.push(left[i++]!);
  while (j < right.length) joined.push(right[j++]!);
  return joined;
}

/** The context with one more dot. */
export function withDot(context: Context, actor: Actor, n: number): Context {
  for (let i = 0; i < context.length; i++) {
    const entry = context[i]!;
    if (compareActors(entry, actor) !== 0) continue;
    if (entry.n !== n - 1 || entry.ahead.length > 0) break;
    // The usual case: the next dot of an actor that was seen without gaps.
    const next = context.slice();
    next[i] = entryOf(actor, n);
    return next;
  }
  return joinContexts(context, [n === 1 ? entryOf(actor, 1) : entryOf(actor, 0, [n, n])]);
}

/**
 * The highest dot of one identity, as the epoch it belongs to and its number; undefined when there
 * is none.
 */
export function highestOwn(
  context: Context,
  identity: ActorId,
): { readonly epoch: number; readonly n: number } | undefined {
  // Sorted by actor: the entries of one identity stand together, the latest epoch last.
  for (let i = context.length - 1; i >= 0; i--) {
    const entry = context[i]!;
    if (!sameIdentity(entry, identity)) continue;
    return { epoch: entry.epoch, n: entry.ahead.at(-1) ?? entry.n };
  }
  return undefined;
}

function rangesContain(ranges: readonly number[], n: number): boolean {
  for (let i = 0; i < ranges.length; i += 2) {
    if (n < ranges[i]!) return false;
    if (n <= ranges[i + 1]!) return true;
  }
  return false;
}

function entryCovers(entry: Entry, wanted: Entry): boolean {
  if (wanted.n > entry.n) return false;
  for (let i = 0; i < wanted.ahead.length; i += 2) {
    if (!coversRange(entry, wanted.ahead[i]!, wanted.ahead[i + 1]!)) return false;
  }
  return true;
}

function coversRange(entry: Entry, from: number, to: number): boolean {
  if (to <= entry.n) return true;
  const start = Math.max(from, entry.n + 1);
  for (let i = 0; i < entry.ahead.length; i += 2) {
    if (start >= entry.ahead[i]! && to <= entry.ahead[i + 1]!) return true;
  }
  return false;
}

function joinEntries(left: Entry, right: Entry): Entry {
  if (left.ahead.length === 0 && right.ahead.length === 0) {
    return left.n >= right.n ? left : right;
  }
  return normalised(left, Math.max(left.n, right.n), mergeRanges(left.ahead, right.ahead));
}

/** Two sorted lists of ranges as one sorted list; ranges may still touch or overlap. */
function mergeRanges(left: readonly number[], right: readonly number[]): number[] {
  const merged: number[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    const takeLeft = j >= right.length || (i < left.length && left[i]! <= right[j]!);
    if (takeLeft) merged.push(left[i++]!, left[i++]!);
    else merged.push(right[j++]!, right[j++]!);
  }
  return merged;
}

/** Ranges that the run reaches are swallowed by it; ranges that touch each other become one. */
function normalised(actor: Actor, run: number, ranges: readonly number[]): Entry {
  let n = run;
  const ahead: number[] = [];
  for (let i = 0; i < ranges.length; i += 2) {
    const from = ranges[i]!;
    const to = ranges[i + 1]!;
    const last = ahead.at(-1);
    if (last !== undefined && from <= last + 1) {
      ahead[ahead.length - 1] = Math.max(last, to);
    } else if (ahead.length === 0 && from <= n + 1) {
      n = Math.max(n, to);
    } else {
      ahead.push(from, to);
    }
  }
  return entryOf(actor, n, ahead.length === 0 ? NOTHING_AHEAD : ahead);
}
