/**
 * The keys whose current records lie in a part of a segment that cannot be read: the index knows
 * what the disk has forgotten. It goes through all keys, in slices, because this is rare.
 *
 * Between two slices a key may be written again or removed, and is not lost then: who would call it
 * damaged would undo that. So what is answered is looked at once more, at the end.
 */
import type { Key } from "../../ring/key.ts";
import { FIRST_POSITION, NO_POSITION } from "../key-table.ts";
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
    let position = FIRST_POSITION;
    while (position !== NO_POSITION) {
      const numbers: number[] = [];
      position = keys.walk(partition, position, left, numbers);
      for (const number of numbers) {
        const offset = index.offsetOf(number);
        if (index.segmentOf(number) !== segment || offset < from || offset >= to) continue;
        lost.push({ partition, key: keys.keyOf(number), offset });
      }
      left -= numbers.length;
      if (left > 0) continue;
      left = SLICE_KEYS;
      yield SLICE_KEYS * BYTES_PER_KEY;
    }
  }
  return lost.filter(({ partition, key, offset }) => {
    return index.isAt(keys.find(partition, key), segment, offset);
  });
}
