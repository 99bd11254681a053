/**
 * A record in pieces whose join it is, for one that is too long to be sent at once.
 *
 *     seen {a 1-9, b 1}, live a7, b1
 *         what was replaced     seen {a 1-6, 8-9}, live nothing
 *         each live dot         seen {a7}, live a7      seen {b1}, live b1
 *
 * What was replaced goes first. An owner that has some of the pieces holds a record like any other:
 * it has not seen the rest yet.
 */
import type { Context, Entry } from "../core/causality/context.ts";
import { EMPTY_CONTEXT, entryOf } from "../core/causality/context.ts";
import { compareActors } from "../core/causality/actor.ts";
import { decodeRecord, encodeRecord } from "../core/causality/record-codec.ts";
import type { Dot } from "../core/causality/record.ts";
import { putDelta, Record } from "../core/causality/record.ts";

/** A node takes a frame at least twice as long. */
export const PIECE_BYTES_MAX: number = 8 * 1024 * 1024;

/** The record itself, when it is short enough or has nothing to be divided. */
export function piecesOf(record: Uint8Array, bytesMax: number): readonly Uint8Array[] {
  if (record.length <= bytesMax) return [record];
  const decoded = decodeRecord(record);
  if (decoded === undefined || decoded.dots.length < 2) return [record];
  const replaced = new Record(without(decoded.context, decoded.dots), []);
  const live = decoded.dots.map((dot) => putDelta(EMPTY_CONTEXT, dot));
  const pieces = replaced.context.length === 0 ? live : [replaced, ...live];
  return pieces.map(encodeRecord);
}

/** What the context has seen but for these dots, which are sorted. */
function without(context: Context, dots: readonly Dot[]): Context {
  return context.flatMap((entry) => {
    const numbers = dots.filter((dot) => compareActors(dot, entry) === 0).map(({ n }) => n);
    return entryWithout(entry, numbers);
  });
}

function entryWithout(entry: Entry, numbers: readonly number[]): readonly Entry[] {
  const ranges = entry.n === 0 ? [] : [1, entry.n];
  ranges.push(...entry.ahead);
  const kept: number[] = [];
  for (let i = 0; i < ranges.length; i += 2) {
    let from = ranges[i]!;
    const to = ranges[i + 1]!;
    for (const n of numbers) {
      if (n < from || n > to) continue;
      if (n > from) kept.push(from, n - 1);
      from = n + 1;
    }
    if (from <= to) kept.push(from, to);
  }
  if (kept.length === 0) return [];
  return kept[0] === 1 ? [entryOf(entry, kept[1]!, kept.slice(2))] : [entryOf(entry, 0, kept)];
}
