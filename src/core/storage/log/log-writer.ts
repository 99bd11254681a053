/**
 * The one who appends: gathers records into a batch, and sends one batch at a time to the disk.
 *
 *     open batch ──flush──▶ under way: append ─▶ sync ─▶ its tokens are completed
 *       gathers on                     the next batch starts when this one is durable
 *
 * So all who write while a batch is under way share the next sync. A batch lies in one segment.
 * When that is full, the next batch begins another one, which happens before its first record:
 *
 *     (sync the old one) ─▶ append the head ─▶ sync ─▶ save the manifest ─▶ the batch
 *
 * After a failed append or sync nothing is known about the disk: nothing is written any more, and
 * no token comes back.
 */
import type { Key } from "../../ring/key.ts";
import type { AppendAnswer, Disk, DiskProblem } from "../disk.ts";
import type { EngineEvents } from "../engine.ts";
import type { DiskTask, Wait } from "./disk-task.ts";
import { runTask } from "./disk-task.ts";
import type { LogOptions } from "./log-options.ts";
import { recordLength, writeRecord } from "./log-record.ts";
import type { ManifestFile } from "./manifest-file.ts";
import type { Chunk, RecentBytes } from "./recent-bytes.ts";
import type { Reserve } from "./reserve.ts";
import { encodeSegmentHead, Segment, SEGMENT_HEAD_BYTES } from "./segment.ts";
import type { Segments } from "./segments.ts";

interface Piece {
  readonly chunk: Chunk;
  readonly from: number;
  to: number;
}

/** Records on their way: neighbours in one segment. */
interface Batch {
  readonly segment: Segment;
  end: number;
  readonly pieces: Piece[];
  readonly tokens: number[];
  /** Who waits until it is durable, whatever the policy. */
  readonly barriers: ((answer: AppendAnswer) => void)[];
}

export interface WriterSetup {
  readonly disk: Disk;
  readonly options: LogOptions;
  readonly store: Uint8Array;
  readonly segments: Segments;
  readonly recent: RecentBytes;
  readonly manifest: ManifestFile;
  readonly reserve: Reserve;
  readonly events: EngineEvents;
  /** The sequence number of the last record there is. */
  readonly sequence: number;
  /** A segment to go on with, durable up to its end. */
  readonly active: Segment | undefined;
}

export class LogWriter {
  readonly #setup: WriterSetup;
  #sequence: number;
  #open: Batch;
  #underWay: Batch | undefined = undefined;
  #failure: DiskProblem | undefined = undefined;
  /** The open batch is the last one of its segment. */
  #isLeaving = false;
  /** The segment that has a file, and how much of it the system has. */
  #appendedIn: Segment | undefined;
  #appendedEnd: number;

  constructor(setup: WriterSetup) {
    this.#setup = setup;
    this.#sequence = setup.sequence;
    this.#appendedIn = setup.active;
    this.#appendedEnd = setup.active?.end ?? 0;
    this.#open = this.#batchIn(setup.active ?? this.#nextSegment());
  }

  /** That of the last record there is. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Where the next record would lie. */
  get segment(): Segment {
    return this.#open.segment;
  }

  /** Puts a record behind the last one, and answers its offset in `segment`. */
  append(kind: number, hasMore: boolean, partition: number, key: Key, row: Uint8Array): number {
    const batch = this.#open;
    const { segment } = batch;
    const offset = batch.end;
    const length = recordLength(key, row.length);
    const chunk = this.#setup.recent.room(segment.number, offset, length);
    const at = chunk.used;
    PLACE.segment = segment.number;
    PLACE.offset = offset;
    PLACE.sequence = ++this.#sequence;
    PLACE.durable = segment.durable;
    writeRecord(chunk.bytes, at, PLACE, kind, hasMore, partition, key, row);
    chunk.used += length;
    const piece = batch.pieces.at(-1);
    if (piece?.chunk === chunk) piece.to = chunk.used;
    else batch.pieces.push({ chunk, from: at, to: chunk.used });
    batch.end += length;
    segment.end = batch.end;
    return offset;
  }

  /**
   * What is in this segment cannot all be read, be it that its file is gone: what comes next lies
   * in another one.
   */
  leave(segment: number): void {
    if (segment === this.#open.segment.number) this.#isLeaving = true;
  }

  /** The token of what was appended last comes back when all before it is durable. */
  complete(token: number): void {
    this.#open.tokens.push(token);
  }

  /**
   * Answered when everything is durable that was appended before, also where writes are completed
   * without.
   */
  barrier(passed: (answer: AppendAnswer) => void): void {
    if (this.#failure !== undefined) return passed(this.#failure);
    this.#open.barriers.push(passed);
    this.flush();
  }

  flush(): void {
    const { pieces, tokens, barriers } = this.#open;
    if (this.#underWay !== undefined || this.#failure !== undefined) return;
    if (pieces.length + tokens.length + barriers.length === 0) return;
    const batch = this.#open;
    this.#open = this.#batchAfter(batch);
    this.#underWay = batch;
    runTask(this.#send(batch), (answer) => this.#onSent(batch, answer));
  }

  isDurable(segment: Segment, end: number): boolean {
    return segment.isSealed || end <= segment.durable;
  }

  *#send({ segment, end, pieces, barriers }: Batch): DiskTask<AppendAnswer> {
    const { disk, options, recent, reserve } = this.#setup;
    const isSyncWanted = options.sync === "always" || barriers.length > 0;
    if (pieces.length > 0) {
      const begun = segment.isBegun ? "done" : yield* this.#begin(segment);
      if (begun !== "done") return begun;
      const views = pieces.map(({ chunk, from, to }) => chunk.bytes.subarray(from, to));
      const write = isSyncWanted
        ? appendAndSync(disk, segment.file, views)
        : append(disk, segment.file, views);
      const wasKept = reserve.isKept;
      const written = yield* reserve.spend(write);
      if (written !== "done") return written;
      if (wasKept && !reserve.isKept) {
        // What was taken on before anybody knew that the disk is full comes out of the reserve.
        reserve.promise(lengthOf(pieces) + lengthOf(this.#open.pieces));
      }
      this.#appendedEnd = end;
      if (isSyncWanted) segment.durable = end;
      recent.trim(segment.number, end);
    }
    return isSyncWanted ? yield* this.#sync() : "done";
  }

  #onSent({ tokens, barriers }: Batch, answer: AppendAnswer): void {
    this.#underWay = undefined;
    if (answer === "done") {
      for (const token of tokens) this.#setup.events.completed(token, "durable");
      for (const passed of barriers) passed("done");
      return this.flush();
    }
    const problem = answer === "full" ? DISK_FULL : answer;
    this.#failure = problem;
    this.#setup.events.failed(problem.problem);
    for (const passed of [...barriers, ...this.#open.barriers]) passed(problem);
  }

  *#begin(segment: Segment): DiskTask<AppendAnswer> {
    const { disk, store, manifest, reserve } = this.#setup;
    const before = this.#appendedIn;
    if (before !== undefined) {
      const synced = yield* this.#sync();
      if (synced !== "done") return synced;
      // The disk may have taken room ahead.
      const cut = yield (done) => disk.remove(before.file, before.end, done);
      if (cut !== "done") return cut;
      before.isSealed = true;
    }
    const head = encodeSegmentHead({ number: segment.number, first: segment.first, store });
    const appended = yield* reserve.spend((done) => disk.append(segment.file, [head], done));
    if (appended !== "done") return appended;
    const synced = yield (done) => disk.sync(segment.file, done);
    if (synced !== "done") return synced;
    segment.isBegun = true;
    this.#appendedIn = segment;
    this.#appendedEnd = SEGMENT_HEAD_BYTES;
    segment.durable = SEGMENT_HEAD_BYTES;
    return yield* reserve.spend((done) => manifest.save(done));
  }

  *#sync(): DiskTask<AppendAnswer> {
    const segment = this.#appendedIn;
    if (segment === undefined || segment.durable === this.#appendedEnd) return "done";
    const synced = yield (done) => this.#setup.disk.sync(segment.file, done);
    if (synced === "done") segment.durable = this.#appendedEnd;
    return synced;
  }

  #batchAfter({ segment, end }: Batch): Batch {
    const isLast = this.#isLeaving || end >= this.#setup.options.segmentBytes;
    this.#isLeaving = false;
    return this.#batchIn(isLast ? this.#nextSegment() : segment);
  }

  #batchIn(segment: Segment): Batch {
    return { segment, end: segment.end, pieces: [], tokens: [], barriers: [] };
  }

  #nextSegment(): Segment {
    const { segments } = this.#setup;
    const segment = new Segment((segments.last?.number ?? 0) + 1, this.#sequence + 1);
    segments.add(segment);
    return segment;
  }
}

function lengthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((length, { from, to }) => length + to - from, 0);
}

function append(disk: Disk, file: string, pieces: readonly Uint8Array[]): Wait {
  return (done) => disk.append(file, pieces, done);
}

/** Asked for in one breath: a disk can do both in one go. */
function appendAndSync(disk: Disk, file: string, pieces: readonly Uint8Array[]): Wait {
  return (done) => {
    let appended: AppendAnswer = "done";
    disk.append(file, pieces, (answer) => {
      appended = answer;
    });
    disk.sync(file, (answer) => done(appended === "done" ? answer : appended));
  };
}

const DISK_FULL: DiskProblem = {
  problem:
    "the disk is full and the room that was kept for this is used up: make room, then start again",
};

/** Of the record that is being made: none is made inside another. */
const PLACE = { segment: 0, offset: 0, sequence: 0, durable: 0 };
