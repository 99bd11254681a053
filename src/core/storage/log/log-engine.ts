/**
 * The engine for everything whose keys fit in memory: one append-only log in segments, and an index
 * in memory that tells where the current record of each key lies.
 *
 *     write  ─▶ LogWriter: record ─▶ batch ─▶ append ─▶ sync ─▶ completed
 *            └▶ LogIndex: key ─▶ where the record will lie        (visible at once)
 *     get    ─▶ LogIndex ─▶ RecentBytes, or the disk with both checksums verified
 *     work   ─▶ Background: hint files, compaction, the reserve; then Scrub
 *     start  ─▶ LogRecovery
 *
 * What is on the disk is drawn in `docs/log-format.md`.
 */
import { assert } from "../../base/assert.ts";
import { EMPTY_BYTES } from "../../base/bytes.ts";
import type { Key } from "../../ring/key.ts";
import type { AppendAnswer, Disk } from "../disk.ts";
import { UNREADABLE } from "../disk.ts";
import type {
  Engine,
  EngineEvents,
  EngineStats,
  RowEntry,
  RowRead,
  RowWrite,
  ScanPosition,
  ScanSlice,
} from "../engine.ts";
import { DAMAGED } from "../engine.ts";
import type { StoreMark } from "../store-mark.ts";
import { FIRST_POSITION, NO_NUMBER, NO_POSITION } from "../key-table.ts";
import type { Job } from "./background.ts";
import { Background } from "./background.ts";
import { compactionJob, movedBytes, worthCompacting } from "./compaction.ts";
import { hintJob } from "./hint-job.ts";
import type { LogIndex } from "./log-index.ts";
import { DAMAGED_LENGTH } from "./log-index.ts";
import type { LogOptions } from "./log-options.ts";
import {
  isRecordOf,
  KIND_REMOVED,
  KIND_ROW,
  RECORD_HEAD_BYTES,
  recordLength,
} from "./log-record.ts";
import type { LogFindings, RecoveredLog } from "./log-recovery.ts";
import { LogWriter } from "./log-writer.ts";
import type { ManifestFile } from "./manifest-file.ts";
import { RecentBytes } from "./recent-bytes.ts";
import type { Reserve } from "./reserve.ts";
import type { ScrubResult } from "./scrub.ts";
import { Scrub } from "./scrub.ts";
import type { Segment } from "./segment.ts";
import type { Segments } from "./segments.ts";

/**
 * For want of room nothing is tried again for so many calls of `work`, and for twice as many each
 * time that it was in vain: to try means to write as much as the disk takes.
 */
const PAUSE_ROUNDS_MIN = 8;
const PAUSE_ROUNDS_MAX = 256;

export class LogEngine implements Engine {
  readonly findings: LogFindings;
  readonly #disk: Disk;
  readonly #events: EngineEvents;
  readonly #store: Uint8Array;
  readonly #segments: Segments;
  readonly #index: LogIndex;
  readonly #recent: RecentBytes;
  readonly #manifest: ManifestFile;
  readonly #reserve: Reserve;
  readonly #writer: LogWriter;
  readonly #background: Background;
  #scrub: Scrub | undefined = undefined;
  /** Tokens of writes there was no room for. */
  #refused: number[] = [];
  #pause = 0;
  #nextPause = PAUSE_ROUNDS_MIN;
  #isRefillDue = true;
  /** Hint files and compaction take turns: writers that never rest always leave more of both. */
  #isTurnOfCompaction = false;
  #isClosed = false;

  constructor(disk: Disk, options: LogOptions, log: RecoveredLog, events: EngineEvents) {
    this.findings = log.findings;
    this.#disk = disk;
    this.#events = events;
    this.#store = log.store;
    this.#segments = log.segments;
    this.#index = log.index;
    this.#manifest = log.manifest;
    this.#recent = new RecentBytes(options.chunkBytes, options.recentBytes);
    this.#reserve = log.reserve;
    this.#writer = new LogWriter({
      disk,
      options,
      store: log.store,
      segments: log.segments,
      recent: this.#recent,
      manifest: log.manifest,
      reserve: this.#reserve,
      events,
      sequence: log.sequence,
      active: log.active,
    });
    this.#background = new Background(
      () => this.#nextJob(),
      (answer) => this.#onJobEnd(answer),
    );
  }

  /** How far the log has come: up to the last record that was written. */
  get mark(): StoreMark {
    return { store: this.#store, writes: this.#writer.sequence };
  }

  /** The disk has been full: what needs more room than before is refused. */
  get isFull(): boolean {
    return !this.#reserve.isKept;
  }

  get(partition: number, key: Key): RowRead {
    const number = this.#index.keys.find(partition, key);
    if (number !== NO_NUMBER) return this.#rowOf(number, partition, key);
    return this.#index.isAbsent(partition, key) ? undefined : DAMAGED;
  }

  write(writes: readonly RowWrite[], token: number): void {
    if (this.#isClosed) return;
    if (this.isFull && !this.#fitsIntoReserve(writes)) {
      this.#refused.push(token);
      return;
    }
    for (const [index, { partition, key, row }] of writes.entries()) {
      const hasMore = index < writes.length - 1;
      if (row === undefined) {
        // In a write of several it cannot be left out: the record before it says that more follows.
        if (hasMore || index > 0 || !this.#isAbsent(partition, key)) {
          this.#remove(partition, key, hasMore);
        }
        continue;
      }
      const offset = this.#writer.append(KIND_ROW, hasMore, partition, key, row);
      const length = recordLength(key, row.length);
      this.#index.place(partition, key, this.#writer.segment.number, offset, length);
    }
    this.#writer.complete(token);
  }

  flush(): void {
    this.#writer.flush();
    if (this.#refused.length === 0) return;
    const refused = this.#refused;
    this.#refused = [];
    for (const token of refused) this.#events.completed(token, "full");
  }

  /** What was acknowledged without a sync is durable some time after this call. */
  sync(): void {
    this.#writer.barrier(() => {});
  }

  /**
   * Does what can wait, for about so many bytes; answers whether there is more. A scrub does not
   * count as more: it gets a slice when there is nothing else, at the pace of who has time to ask.
   */
  work(budgetBytes: number): boolean {
    if (this.#isClosed) return false;
    if (this.#background.run(budgetBytes)) return true;
    this.#scrubOn();
    return false;
  }

  /**
   * Verifies everything that rests on the disk, in the course of many calls of `work`. It is told
   * once, and never when the engine is closed before.
   */
  scrub(done: (result: ScrubResult) => void): void {
    this.#scrub ??= new Scrub({
      disk: this.#disk,
      segments: this.#segments,
      index: this.#index,
    });
    this.#scrub.tell(done);
  }

  scan(partition: number, from: ScanPosition | undefined, limit: number): ScanSlice {
    assert(limit > 0, `scan limit ${limit}`);
    const { keys } = this.#index;
    const entries: RowEntry[] = [];
    const damaged: Key[] = [];
    const numbers: number[] = [];
    const end = keys.walk(partition, Number(from ?? FIRST_POSITION), limit, numbers);
    for (const number of numbers) {
      const key = keys.keyOf(number);
      const row = this.#rowOf(number, partition, key);
      if (row === DAMAGED) damaged.push(key);
      else entries.push({ key, row });
    }
    const next = end === NO_POSITION ? undefined : end;
    return damaged.length === 0 ? { entries, next } : { entries, next, damaged };
  }

  stats(): EngineStats {
    return { keys: this.#index.keys.count, bytes: this.#index.bytes };
  }

  /** The manifest that is saved last says how much was durable: a clean stop leaves no doubt. */
  close(closed: () => void): void {
    this.#isClosed = true;
    this.#background.stop();
    this.#writer.barrier((answer) => {
      if (answer !== "done") return closed();
      this.#manifest.save((saved) => {
        if (saved !== "done" && saved !== "full") this.#events.failed(saved.problem);
        closed();
      });
    });
  }

  #scrubOn(): void {
    const scrub = this.#scrub;
    if (scrub === undefined || scrub.step()) return;
    // Whoever is told may ask again.
    this.#scrub = undefined;
    scrub.end();
  }

  #remove(partition: number, key: Key, hasMore: boolean): void {
    const offset = this.#writer.append(KIND_REMOVED, hasMore, partition, key, EMPTY_BYTES);
    this.#index.remove(partition, key, this.#writer.segment.number, offset);
  }

  #isAbsent(partition: number, key: Key): boolean {
    return (
      this.#index.keys.find(partition, key) === NO_NUMBER && this.#index.isAbsent(partition, key)
    );
  }

  #rowOf(number: number, partition: number, key: Key): Uint8Array | typeof DAMAGED {
    const length = this.#index.lengthOf(number);
    const segment = this.#index.segmentOf(number);
    const offset = this.#index.offsetOf(number);
    if (length === DAMAGED_LENGTH || this.#segments.isDoubtful(segment, offset)) return DAMAGED;
    const chunk = this.#recent.find(segment, offset);
    if (chunk !== undefined) {
      const at = offset - chunk.start;
      return chunk.bytes.subarray(at + RECORD_HEAD_BYTES + key.length, at + length);
    }
    const { file } = this.#segments.get(segment);
    const bytes = this.#disk.read(file, offset, length);
    if (bytes !== UNREADABLE && isRecordOf(bytes, segment, offset, partition, length)) {
      return bytes.subarray(RECORD_HEAD_BYTES + key.length);
    }
    this.#index.damage(number);
    if (!this.isFull) this.#writer.leave(segment);
    return DAMAGED;
  }

  /**
   * On a full disk what takes no more room than before goes on, deletes and removals above all, as
   * long as most of the reserve is left for compaction.
   */
  #fitsIntoReserve(writes: readonly RowWrite[]): boolean {
    let bytes = 0;
    for (const { partition, key, row } of writes) {
      const length = recordLength(key, row?.length ?? 0);
      bytes += length;
      if (row === undefined) continue;
      const number = this.#index.keys.find(partition, key);
      const before = number === NO_NUMBER ? 0 : this.#index.lengthOf(number);
      if (length > before) return false;
    }
    return this.#reserve.give(bytes);
  }

  #nextJob(): Job | undefined {
    if (this.#pause > 0) {
      this.#pause--;
      return undefined;
    }
    if (this.isFull) return this.#nextWhenFull();
    this.#nextPause = PAUSE_ROUNDS_MIN;
    const unhinted = this.#nextUnhinted();
    const isTurn = this.#isTurnOfCompaction || unhinted === undefined;
    const victim = isTurn ? worthCompacting(this.#segments, undefined) : undefined;
    this.#isTurnOfCompaction = victim === undefined;
    if (victim !== undefined) return this.#compact(victim);
    return unhinted === undefined ? undefined : this.#hint(unhinted);
  }

  #nextUnhinted(): Segment | undefined {
    for (const segment of this.#segments) {
      if (!segment.hasHint && this.#segments.isReplaceable(segment)) return segment;
    }
    return undefined;
  }

  /** The reserve is tried after every compaction, and now and then: others may make room too. */
  #nextWhenFull(): Job | undefined {
    if (this.#isRefillDue) return this.#refill();
    this.#isRefillDue = true;
    const victim = worthCompacting(this.#segments, this.#reserve.roomToMove);
    if (victim !== undefined) return this.#compactWhenFull(victim);
    this.#rest();
    return undefined;
  }

  *#refill(): Job {
    this.#isRefillDue = false;
    const answer = yield* this.#reserve.fill();
    return answer === "full" ? "done" : answer;
  }

  #hint(segment: Segment): Job {
    return hintJob(segment, {
      disk: this.#disk,
      segments: this.#segments,
      index: this.#index,
      writer: this.#writer,
    });
  }

  *#compactWhenFull(segment: Segment): Job {
    this.#reserve.beginMove(movedBytes(segment, this.#segments));
    const answer = yield* this.#compact(segment);
    const isGone = answer === "done" && !this.#segments.has(segment.number);
    this.#reserve.endMove(isGone ? segment.end : 0);
    if (isGone) this.#nextPause = PAUSE_ROUNDS_MIN;
    return answer;
  }

  #rest(): void {
    this.#pause = this.#nextPause;
    this.#nextPause = Math.min(this.#nextPause * 2, PAUSE_ROUNDS_MAX);
  }

  #compact(segment: Segment): Job {
    return compactionJob(segment, {
      disk: this.#disk,
      segments: this.#segments,
      index: this.#index,
      writer: this.#writer,
      manifest: this.#manifest,
      reserve: this.#reserve,
    });
  }

  /** A job that finds no room leaves everything as it was. */
  #onJobEnd(answer: AppendAnswer): void {
    if (answer === "full") this.#rest();
    if (answer === "done" || answer === "full") return;
    this.#background.stop();
    this.#events.failed(answer.problem);
  }
}
