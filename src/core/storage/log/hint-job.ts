/**
 * Writes the hint file of a sealed segment: every key whose current record lies in it, and every
 * key that it removes and that is absent.
 *
 *     collect from segment and index ─▶ wait until what was appended is durable ─▶ write the file
 *
 * What is not current any more is left out, so it must have been replaced by something durable: it
 * would be missed after a crash that takes the replacement. Writes go on while the segment is read,
 * and that is why the waiting comes behind it.
 */
import type { Key } from "../../ring/key.ts";
import type { AppendAnswer, Disk } from "../disk.ts";
import { UNREADABLE } from "../disk.ts";
import type { Job } from "./background.ts";
import { passBadPlace } from "./bad-place.ts";
import type { DiskTask } from "./disk-task.ts";
import { HintWriter } from "./hint-file.ts";
import { NO_NUMBER } from "../key-table.ts";
import type { LogIndex } from "./log-index.ts";
import { DAMAGED_LENGTH, REMOVED_LENGTH } from "./log-index.ts";
import { KIND_REMOVED, KIND_ROW, recordLength } from "./log-record.ts";
import type { LogWriter } from "./log-writer.ts";
import { lookAgain } from "./second-look.ts";
import type { Segment } from "./segment.ts";
import { SegmentReader } from "./segment-reader.ts";
import type { Segments } from "./segments.ts";

const SLICE_BYTES = 64 * 1024;

export interface HintSetup {
  readonly disk: Disk;
  readonly segments: Segments;
  readonly index: LogIndex;
  readonly writer: LogWriter;
}

export interface CollectedHints {
  readonly bytes: Uint8Array;
  /** Of what could not be read only the rows are in it. */
  readonly hasBadPlace: boolean;
  /** It calls a row damaged that the disk may read another time. */
  readonly isUnreadable: boolean;
}

export function* hintJob(segment: Segment, { disk, segments, index, writer }: HintSetup): Job {
  const { bytes, hasBadPlace, isUnreadable } = yield* collectHints(disk, segment, index);
  segment.isUnreadable = isUnreadable;
  if (isUnreadable) return "done";
  if (hasBadPlace && segments.hideRemovals(segment)) return "done";
  const passed = yield (done) => writer.barrier(done);
  return passed === "done" ? yield* storeHints(disk, segment, bytes) : passed;
}

/** The hint file, in slices. */
export function* collectHints(
  disk: Disk,
  segment: Segment,
  index: LogIndex,
): Generator<number, CollectedHints, unknown> {
  const reader = new SegmentReader(disk, segment, segment.end);
  const hints = new HintWriter(segment.number, segment.end);
  const { head } = reader;
  let lastSequence = segment.first - 1;
  let hasBadPlace = false;
  let isUnreadable = false;
  const addUnread = (partition: number, key: Key, offset: number): void => {
    const row = lookAgain(disk, segment, offset, key.length);
    if (row === UNREADABLE) isUnreadable = true;
    const isRow = row !== UNREADABLE && row !== undefined;
    hints.add(partition, key, offset, isRow ? recordLength(key, row.length) : DAMAGED_LENGTH);
  };
  let sliceEnd = SLICE_BYTES;
  let found = reader.next();
  while (found !== "end") {
    if (found === "bad") {
      hasBadPlace = true;
      const { next, lost } = yield* passBadPlace(reader, segment, index);
      for (const { partition, key, offset } of lost) addUnread(partition, key, offset);
      found = next;
      continue;
    }
    lastSequence = head.sequence;
    const key = reader.key();
    const number = index.keys.find(head.partition, key);
    if (head.kind === KIND_REMOVED) {
      // Of a key that has a row by now, that one hides what is older.
      if (number === NO_NUMBER) hints.add(head.partition, key, reader.offset, REMOVED_LENGTH);
    } else if (index.isAt(number, segment.number, reader.offset)) {
      const isIntact = head.kind === KIND_ROW && reader.isIntact;
      if (isIntact) hints.add(head.partition, key, reader.offset, head.length);
      else addUnread(head.partition, key, reader.offset);
    }
    if (reader.offset >= sliceEnd) {
      sliceEnd = reader.offset + SLICE_BYTES;
      yield SLICE_BYTES;
    }
    found = reader.next();
  }
  return { bytes: hints.finish(lastSequence), hasBadPlace, isUnreadable };
}

/** Everything was made durable that was appended before the end of the collecting. */
export function* storeHints(
  disk: Disk,
  segment: Segment,
  bytes: Uint8Array,
): DiskTask<AppendAnswer> {
  const removed = yield (done) => disk.remove(segment.hintFile, 0, done);
  if (removed !== "done") return removed;
  const appended = yield (done) => disk.append(segment.hintFile, [bytes], done);
  if (appended !== "done") return appended;
  const synced = yield (done) => disk.sync(segment.hintFile, done);
  if (synced === "done") segment.hasHint = true;
  return synced;
}
