/**
 * Where a segment cannot be read: the way to the next record behind it, and the keys whose heads
 * are gone there, which the index still knows.
 */
import type { LostKey } from "./keys-within.ts";
import { keysWithin } from "./keys-within.ts";
import type { LogIndex } from "./log-index.ts";
import type { Segment } from "./segment.ts";
import type { SegmentReader } from "./segment-reader.ts";

export interface BadPlace {
  /** What the reader stands at now. */
  readonly next: "record" | "end";
  readonly lost: readonly LostKey[];
}

export function* passBadPlace(
  reader: SegmentReader,
  segment: Segment,
  index: LogIndex,
): Generator<number, BadPlace, unknown> {
  const from = reader.offset;
  const next = (yield* reader.resyncing()) ? "record" : "end";
  const to = next === "end" ? segment.end : reader.offset;
  return { next, lost: yield* keysWithin(index, segment.number, from, to) };
}
