/**
 * The keys whose current records lie in a part of a segment that cannot be read: the index knows
 * what the disk has forgotten. It goes through all keys, in slices, because this is rare.
 *
 * Between two slices a key may be written again, and is not lost then: who would call it damaged
 * would undo the write. So what is answered is looked at once more, at the end.
 */
import type { Key } from "../../ring/key.ts";
import { NO_NUMBER } from "../key-table.ts";
import type { LogIndex } from "./log-index.ts";

export interface LostKey {
  readonly partition: number;
  readonly key: Key;
  readonly offset: number;
}

const SLICE_KEYS = 4096;
/** What a key counts for in the budget of bytes. */
const BYTES_PER_KEY = 16;

export function* keysWithin(
  index: LogIndex,
  segment: number,
  from: number,
  to: number,
): Generator<number, readonly LostKey[], unknown> {
  const { keys } = index;
  const lost: LostKey[] = [];
  let left = SLICE_KEYS;
  for (let partition = 0; partition < keys.partitions; partition++) {
    for (let n = keys.firstOf(partition); n !== NO_NUMBER; n = keys.after(n)) {
      const offset = index.offsetOf(n);
      if (index.segmentOf(n) === segment && offset >= from && offset < to) {
        lost.push({ partition, key: keys.keyOf(n), offset });
      }
      if (--left > 0) continue;
      left = SLICE_KEYS;
      yield SLICE_KEYS * BYTES_PER_KEY;
    }
  }
  return lost.filter(({ partition, key, offset }) => {
    return index.isAt(keys.find(partition, key), segment, offset);
  });
}
