/**
 * Makes room: what is still current in a segment is appended behind everything else, and when that
 * is durable the segment goes.
 *
 *     move what is current ─▶ wait until it is durable ─▶ manifest without the segment ─▶ remove it
 *
 * In this order a crash at any moment leaves every current record in one place at least. Moving a
 * record is a write like any other, made at a moment when the index says that it is current: so the
 * order of the log stays the truth, and nothing old can come back.
 *
 * A current row that the disk cannot read may be read another time: then the segment stays, and
 * what was moved out of it is moved. Only bytes that are there and wrong are a damaged row.
 *
 * A removal moves like a row while the key is absent and any segment lies before its own: there may
 * be a row that must not come back. In the first segment it is dropped. So what removals take is
 * given back in the end by compacting from the front, also segments of which everything is current.
 */
import { EMPTY_BYTES } from "../../base/bytes.ts";
import type { Key } from "../../ring/key.ts";
import type { AppendAnswer, Disk } from "../disk.ts";
import { UNREADABLE } from "../disk.ts";
import type { Job } from "./background.ts";
import { passBadPlace } from "./bad-place.ts";
import { NO_NUMBER } from "../key-table.ts";
import type { LogIndex } from "./log-index.ts";
import { DAMAGED_LENGTH } from "./log-index.ts";
import { KIND_DAMAGED, KIND_REMOVED, KIND_ROW, recordLength } from "./log-record.ts";
import type { LogWriter } from "./log-writer.ts";
import type { ManifestFile } from "./manifest-file.ts";
import type { Reserve } from "./reserve.ts";
import { lookAgain } from "./second-look.ts";
import type { Segment } from "./segment.ts";
import type { Segments } from "./segments.ts";
import { SegmentReader } from "./segment-reader.ts";

const SLICE_BYTES = 64 * 1024;
/** More than this share of all sealed bytes must be dead, or the disk be full, to be worth it. */
const DEAD_SHARE = 1 / 3;
const DEAD_SHARE_WHEN_FULL = 1 / 20;

export interface CompactionSetup {
  readonly disk: Disk;
  readonly segments: Segments;
  readonly index: LogIndex;
  readonly writer: LogWriter;
  readonly manifest: ManifestFile;
  readonly reserve: Reserve;
}

/**
 * The segment worth compacting now: the one with the least to move, or the first one when all are
 * full of rows and of removals that only the first one can drop. On a full disk there is room for
 * `roomBytes` of it; undefined when there is enough for all.
 */
export function worthCompacting(
  segments: Segments,
  roomBytes: number | undefined,
): Segment | undefined {
  const share = roomBytes === undefined ? DEAD_SHARE : DEAD_SHARE_WHEN_FULL;
  const { first, lastBegun } = segments;
  let bytes = 0;
  let dead = 0;
  let best: Segment | undefined = undefined;
  let bestMoved = 0;
  for (const segment of segments) {
    if (segment === lastBegun || !segments.isReplaceable(segment)) continue;
    const moved = movedBytes(segment, segments);
    bytes += segment.end;
    // Where something was lost, the first segment stays, and removals with it.
    dead += segment.end - (segments.loss === undefined ? segment.live : moved);
    if (best !== undefined && moved * best.end >= bestMoved * segment.end) continue;
    best = segment;
    bestMoved = moved;
  }
  if (best === undefined || first === undefined || dead <= bytes * share) return undefined;
  const isBestEmpty = best.end - bestMoved > best.end * share;
  if (!isBestEmpty && (first === lastBegun || !segments.isReplaceable(first))) return undefined;
  const victim = isBestEmpty ? best : first;
  return movedBytes(victim, segments) <= (roomBytes ?? Infinity) ? victim : undefined;
}

/** What compaction appends of a segment, at most. */
export function movedBytes(segment: Segment, segments: Segments): number {
  return segments.isFirst(segment) ? segment.live : segment.live + segment.removalBytes;
}

export function* compactionJob(segment: Segment, setup: CompactionSetup): Job {
  const { disk, segments, writer, manifest, reserve } = setup;
  const { hasBadPlace, isUnreadable } = yield* moveCurrent(segment, setup);
  segment.isUnreadable = isUnreadable;
  if (isUnreadable) return "done";
  // What keeps a key removed may be what could not be read: the segment stays.
  if (hasBadPlace && segments.hideRemovals(segment)) return "done";
  // Also if nothing was moved: what has replaced the records of this segment must be durable.
  const passed = yield (done) => writer.barrier(done);
  if (passed !== "done") return passed;
  segment.isMoved = true;
  const saved = yield* reserve.spend((done) => manifest.save(done));
  if (saved !== "done") {
    segment.isMoved = false;
    return saved;
  }
  segments.delete(segment);
  const removed = yield (done) => disk.remove(segment.file, 0, done);
  if (removed !== "done") return removed;
  return yield (done) => disk.remove(segment.hintFile, 0, done);
}

interface Moved {
  readonly hasBadPlace: boolean;
  /** Something current was left where it is. */
  readonly isUnreadable: boolean;
}

function* moveCurrent(
  segment: Segment,
  { disk, segments, index, writer }: CompactionSetup,
): Generator<number, Moved, AppendAnswer> {
  const reader = new SegmentReader(disk, segment, segment.end);
  const { head } = reader;
  const move = (kind: number, partition: number, key: Key, row: Uint8Array): void => {
    const offset = writer.append(kind, false, partition, key, row);
    const length = kind === KIND_ROW ? recordLength(key, row.length) : DAMAGED_LENGTH;
    index.place(partition, key, writer.segment.number, offset, length);
  };
  let isUnreadable = false;
  /** What this reader could not read. */
  const save = (partition: number, key: Key, offset: number): void => {
    const row = lookAgain(disk, segment, offset, key.length);
    if (row === UNREADABLE) isUnreadable = true;
    else if (row === undefined) move(KIND_DAMAGED, partition, key, EMPTY_BYTES);
    else move(KIND_ROW, partition, key, row);
  };
  const moveRemoval = (partition: number, key: Key): void => {
    const offset = writer.append(KIND_REMOVED, false, partition, key, EMPTY_BYTES);
    index.remove(partition, key, writer.segment.number, offset);
  };
  const isFirst = segments.isFirst(segment);
  let hasBadPlace = false;
  let sliceEnd = SLICE_BYTES;
  let found = reader.next();
  while (found !== "end") {
    if (found === "bad") {
      hasBadPlace = true;
      const { next, lost } = yield* passBadPlace(reader, segment, index);
      for (const { partition, key, offset } of lost) save(partition, key, offset);
      found = next;
      continue;
    }
    const { partition } = head;
    const key = reader.key();
    const number = index.keys.find(partition, key);
    if (head.kind === KIND_REMOVED) {
      if (number === NO_NUMBER && !isFirst) moveRemoval(partition, key);
    } else if (index.isAt(number, segment.number, reader.offset)) {
      const isIntact = head.kind === KIND_ROW && reader.isIntact;
      if (isIntact) move(KIND_ROW, partition, key, reader.row());
      else save(partition, key, reader.offset);
    }
    if (reader.offset >= sliceEnd) {
      sliceEnd = reader.offset + SLICE_BYTES;
      writer.flush();
      yield SLICE_BYTES;
    }
    found = reader.next();
  }
  writer.flush();
  return { hasBadPlace, isUnreadable };
}
