/**
 * Reads a segment to its last byte and verifies every record in it. What the index holds for
 * current and nobody can read becomes damaged there, so that readers and repair hear of it before
 * they ask.
 *
 *     head ✓ row ✓     nothing to say
 *     head ✓ row ✗     the key of the record is damaged, if this is its current one
 *     head ✗           the keys that the index places there are damaged
 *
 * A bad sector takes more than itself from who reads in windows: what seems damaged is read once
 * more by itself, as a reader of that key would.
 *
 * It goes in slices: it yields what each has cost, and writes may happen in between.
 */
import type { Disk } from "../disk.ts";
import { UNREADABLE } from "../disk.ts";
import { passBadPlace } from "./bad-place.ts";
import type { LogIndex } from "./log-index.ts";
import { DAMAGED_LENGTH } from "./log-index.ts";
import { isRecordOf, KIND_ROW } from "./log-record.ts";
import type { Segment } from "./segment.ts";
import { SegmentReader } from "./segment-reader.ts";

export interface SegmentCheck {
  /** Records with a good head. */
  records: number;
  bytes: number;
  /** Current rows that cannot be read, and were not known to be damaged. */
  damagedRows: number;
  /** Places where no record begins. */
  badPlaces: number;
}

const SLICE_BYTES = 64 * 1024;

export function* checkSegment(
  disk: Disk,
  segment: Segment,
  index: LogIndex,
): Generator<number, SegmentCheck, unknown> {
  const check: SegmentCheck = { records: 0, bytes: 0, damagedRows: 0, badPlaces: 0 };
  const reader = new SegmentReader(disk, segment, segment.end);
  const { head } = reader;
  let sliceStart = reader.offset;
  let found = reader.next();
  while (found !== "end") {
    if (found === "bad") {
      check.badPlaces++;
      const { next, lost } = yield* passBadPlace(reader, segment, index);
      for (const { partition, key } of lost) {
        verify(disk, segment, index, partition, index.keys.find(partition, key), check);
      }
      found = next;
      sliceStart = reader.offset;
      continue;
    }
    check.records++;
    if (head.kind === KIND_ROW && !reader.isIntact) {
      const number = index.keys.find(head.partition, reader.key());
      if (index.isAt(number, segment.number, reader.offset)) {
        verify(disk, segment, index, head.partition, number, check);
      }
    }
    const cost = reader.offset + head.length - sliceStart;
    if (cost >= SLICE_BYTES) {
      sliceStart += cost;
      yield cost;
    }
    found = reader.next();
  }
  check.bytes = reader.bytesRead;
  return check;
}

/** A key whose current record seems to be damaged. */
function verify(
  disk: Disk,
  { file, number: segment }: Segment,
  index: LogIndex,
  partition: number,
  number: number,
  check: SegmentCheck,
): void {
  const length = index.lengthOf(number);
  if (length === DAMAGED_LENGTH) return;
  const offset = index.offsetOf(number);
  const bytes = disk.read(file, offset, length);
  if (bytes !== UNREADABLE && isRecordOf(bytes, segment, offset, partition, length)) return;
  index.damage(number);
  check.damagedRows++;
}
