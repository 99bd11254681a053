/**
 * Finds out what a directory holds: the index and the segments of a log as the last run left them,
 * and what is not as it should be.
 *
 * Segments are read in their order, from hint files where there are any. What a bad place means is
 * told in `docs/log-format.md`: the end of a write that was under way is cut off before anything is
 * appended; everything else is rot, stays where it is, and is never taken for an absent row.
 */
import { bytesEqual } from "../../base/bytes.ts";
import type { Key } from "../../ring/key.ts";
import type { AppendAnswer, Disk } from "../disk.ts";
import { UNREADABLE } from "../disk.ts";
import type { DiskTask } from "./disk-task.ts";
import { runTask } from "./disk-task.ts";
import { readHints } from "./hint-file.ts";
import { DAMAGED_LENGTH, LogIndex, REMOVED_LENGTH } from "./log-index.ts";
import type { LogOptions } from "./log-options.ts";
import type { RecordHead } from "./log-record.ts";
import { KIND_REMOVED, KIND_ROW, RECORD_HEAD_BYTES } from "./log-record.ts";
import type { Manifest, ManifestSegment } from "./manifest.ts";
import { decodeManifest, encodeManifest } from "./manifest.ts";
import { MANIFEST_FILES, ManifestFile } from "./manifest-file.ts";
import { Reserve } from "./reserve.ts";
import type { SegmentHead } from "./segment.ts";
import {
  decodeSegmentHead,
  LOG_VERSION,
  Segment,
  SEGMENT_HEAD_BYTES,
  segmentFile,
  segmentNumberOf,
} from "./segment.ts";
import { SegmentReader } from "./segment-reader.ts";
import { Segments } from "./segments.ts";

/** What a start found that was not as a clean stop leaves it. */
export interface LogFindings {
  /** Of a write that was under way. */
  tornBytes: number;
  /** Rows that cannot be read, their keys known. */
  damagedRows: number;
  /** Places where records of unknown keys were lost: see `Segments.loss`. */
  lostPlaces: number;
}

export interface RecoveredLog {
  readonly store: Uint8Array;
  readonly segments: Segments;
  readonly index: LogIndex;
  /** To go on with; without one a new segment begins. */
  readonly active: Segment | undefined;
  readonly sequence: number;
  readonly manifest: ManifestFile;
  readonly reserve: Reserve;
  readonly findings: LogFindings;
}

/** An entry of the index that waits for the rest of its write. */
interface Entry {
  readonly partition: number;
  readonly key: Key;
  readonly offset: number;
  readonly length: number;
}

export function recoverLog(
  disk: Disk,
  options: LogOptions,
  recovered: (log: RecoveredLog | { readonly problem: string }) => void,
): void {
  runTask(new LogRecovery(disk, options).run(), recovered);
}

type Problem = string | undefined;

const WINDOW_BYTES = 64 * 1024;
/** Behind everything in its segment. */
const OFFSET_MAX = 0xffff_ffff;

class LogRecovery {
  readonly #disk: Disk;
  readonly #files: ReadonlyMap<string, number>;
  readonly #segments = new Segments();
  readonly #index: LogIndex;
  readonly #findings: LogFindings = { tornBytes: 0, damagedRows: 0, lostPlaces: 0 };
  readonly #manifest: Manifest | undefined;
  /** Of a manifest that a later program has written. */
  readonly #laterVersion: number | undefined;
  readonly #listed: ReadonlyMap<number, ManifestSegment>;
  readonly #reserve: Reserve;
  readonly #newStore: Uint8Array;
  #store: Uint8Array | undefined;
  #sequence = 0;
  /** Rot of one of the manifests changes nothing. */
  readonly #isPaired: boolean;
  /** There is a segment with records that the manifest does not name. */
  #isUnlisted = false;

  constructor(disk: Disk, options: LogOptions) {
    this.#disk = disk;
    this.#files = new Map(disk.list().map(({ name, bytes }) => [name, bytes]));
    this.#index = new LogIndex(options.hashSecret, this.#segments);
    this.#reserve = new Reserve(disk, options.reserveBytes);
    const { manifest, laterVersion, isPaired } = readManifests(disk, this.#files);
    this.#manifest = manifest;
    this.#laterVersion = laterVersion;
    this.#isPaired = isPaired;
    this.#listed = new Map(this.#manifest?.segments.map((listed) => [listed.number, listed]));
    this.#newStore = options.newStore;
    this.#store = this.#manifest?.store;
    if (this.#manifest?.loss !== undefined) this.#segments.lose(this.#manifest.loss);
  }

  *run(): DiskTask<RecoveredLog | { readonly problem: string }> {
    if (this.#laterVersion !== undefined) {
      return { problem: laterProblem("the manifest", this.#laterVersion) };
    }
    const numbers = this.#numbers();
    for (const number of numbers) {
      const isLast = number === numbers.at(-1);
      const problem = yield* this.#load(number, isLast);
      if (problem !== undefined) return { problem };
    }
    this.#doubt(numbers.at(-1) ?? 0);
    const store = this.#store ?? this.#newStore;
    const manifest = new ManifestFile(
      this.#disk,
      store,
      this.#manifest?.generation ?? 0,
      this.#segments,
    );
    const problem = yield* this.#settle(manifest);
    if (problem !== undefined) return { problem };
    const { last } = this.#segments;
    return {
      store,
      segments: this.#segments,
      index: this.#index,
      manifest,
      active: last?.isSealed === false ? last : undefined,
      sequence: this.#sequence,
      reserve: this.#reserve,
      findings: this.#findings,
    };
  }

  /** Those of the manifest, and of the files those behind it; without a manifest, all files. */
  #numbers(): readonly number[] {
    const numbers = new Set(this.#listed.keys());
    const lastListed = Math.max(0, ...numbers);
    const found = [...this.#files.keys()]
      .filter((file) => file.endsWith(".log"))
      .map((file) => segmentNumberOf(file) ?? 0);
    for (const number of found) if (number > lastListed) numbers.add(number);
    return [...numbers].sort((left, right) => left - right);
  }

  /**
   * The first manifest follows the first segment at once: where there were more of them it is lost,
   * and nobody knows what is missing. Behind a loss nothing is appended: a new segment begins. Its
   * sequence numbers begin behind all that the last one has room for: what cannot be read now may
   * be read at the next start, and no number means two records.
   */
  #doubt(lastNumber: number): void {
    const { last } = this.#segments;
    if (last === undefined) return;
    if (this.#manifest === undefined && lastNumber > 1) this.#lose(last.number, OFFSET_MAX);
    if (!this.#segments.isDoubtful(last.number, 0)) return;
    last.isSealed = true;
    const bytes = Math.max(last.end, this.#listed.get(last.number)?.bytes ?? 0);
    this.#sequence += Math.ceil(bytes / (RECORD_HEAD_BYTES + 1));
  }

  *#load(number: number, isLast: boolean): DiskTask<Problem> {
    const listed = this.#listed.get(number);
    const file = segmentFile(number);
    const fileBytes = this.#files.get(file) ?? 0;
    const head = this.#headOf(file);
    if (head !== undefined && "version" in head) return laterProblem(file, head.version);
    if (head !== undefined && !this.#isOfThisStore(head)) {
      return `${file} belongs to another store: it was copied here, move it away`;
    }
    // A segment is in the manifest before its first record: with no more than a head it is left
    // over.
    if (listed === undefined && fileBytes <= SEGMENT_HEAD_BYTES) return undefined;
    const next = this.#sequence + 1;
    const segment = new Segment(number, listed?.first ?? Math.max(next, head?.first ?? 0));
    const isReadable = head?.number === number && head.first === segment.first;
    if (listed === undefined) {
      this.#isUnlisted = true;
      // Without a manifest nobody knows what compaction has removed between two segments.
      if (this.#manifest !== undefined && segment.first > next) this.#lose(number, 1);
    }
    segment.isBegun = true;
    segment.isSealed = listed?.isSealed === true || !isLast;
    segment.end =
      listed?.isSealed === true ? listed.bytes : Math.max(fileBytes, SEGMENT_HEAD_BYTES);
    this.#segments.add(segment);
    if (segment.isSealed && this.#loadHints(segment, isReadable)) return undefined;
    if (isReadable) return yield* this.#scan(segment, listed?.bytes ?? 0);
    segment.isSealed = true;
    this.#lose(number, OFFSET_MAX);
    return undefined;
  }

  #headOf(file: string): ReturnType<typeof decodeSegmentHead> {
    const bytes = this.#disk.read(file, 0, SEGMENT_HEAD_BYTES);
    return bytes === UNREADABLE ? undefined : decodeSegmentHead(bytes);
  }

  #isOfThisStore({ store }: SegmentHead): boolean {
    // Without a manifest the first head that can be read says it.
    this.#store ??= store;
    return bytesEqual(store, this.#store);
  }

  #loadHints(segment: Segment, isReadable: boolean): boolean {
    const bytes = this.#disk.read(segment.hintFile, 0, this.#files.get(segment.hintFile) ?? 0);
    if (bytes === UNREADABLE) return false;
    const { number, end } = segment;
    const lastSequence = readHints(bytes, number, end, (partition, key, offset, hinted) => {
      // What was removed need not be read.
      const length = isReadable || hinted === REMOVED_LENGTH ? hinted : DAMAGED_LENGTH;
      this.#place(segment, { partition, key, offset, length });
      if (length === DAMAGED_LENGTH) this.#findings.damagedRows++;
    });
    if (lastSequence === undefined) return false;
    segment.hasHint = true;
    this.#sequence = Math.max(this.#sequence, lastSequence);
    return true;
  }

  /** `durable`: so much of an active segment was durable for certain. */
  *#scan(segment: Segment, durable: number): DiskTask<Problem> {
    const reader = new SegmentReader(this.#disk, segment, segment.end);
    const { head } = reader;
    /** Records of a write whose end has not been met. */
    let open: Entry[] = [];
    let certain = -1;
    let found = reader.next();
    while (found !== "end") {
      const isBad = found === "bad" || head.sequence <= this.#sequence;
      if (!segment.isSealed && (isBad || !reader.isIntact)) {
        // What lies behind the first such place decides about all: a record says no more than
        // what is before it.
        const start = open[0]?.offset ?? reader.offset;
        if (certain < 0) certain = Math.max(durable, this.#durableBehind(segment, start));
        if (reader.offset >= certain) return yield* this.#cut(segment, start);
      }
      if (isBad) {
        // Their write was durable: what is torn behind it does not take them along.
        this.#placeAll(segment, open);
        open = [];
        found = reader.resync() ? "record" : "end";
        this.#lose(segment.number, found === "record" ? reader.offset : OFFSET_MAX);
        continue;
      }
      this.#sequence = head.sequence;
      const length = lengthOf(head, reader.isIntact);
      if (length === DAMAGED_LENGTH) this.#findings.damagedRows++;
      open.push({ partition: head.partition, key: reader.key(), offset: reader.offset, length });
      if (!head.hasMore) {
        this.#placeAll(segment, open);
        open = [];
      }
      found = reader.next();
    }
    if (open.length > 0 && !segment.isSealed) return yield* this.#cut(segment, open[0]!.offset);
    this.#placeAll(segment, open);
    if (durable > segment.end) this.#lose(segment.number, OFFSET_MAX);
    return undefined;
  }

  #placeAll(segment: Segment, entries: readonly Entry[]): void {
    for (const entry of entries) this.#place(segment, entry);
  }

  #place({ number }: Segment, { partition, key, offset, length }: Entry): void {
    if (length === REMOVED_LENGTH) this.#index.remove(partition, key, number, offset);
    else this.#index.place(partition, key, number, offset, length);
  }

  /**
   * What the records behind this place say of how much was durable. All of it, where the disk
   * cannot read: that is no end of a write, and those records have no say.
   */
  #durableBehind(segment: Segment, offset: number): number {
    const reader = new SegmentReader(this.#disk, segment, segment.end, offset);
    let durable = 0;
    let found = reader.next();
    while (found !== "end") {
      if (found === "record") durable = Math.max(durable, reader.head.durable);
      found = found === "record" ? reader.next() : reader.resync() ? "record" : "end";
    }
    return reader.unreadableEnd > offset ? OFFSET_MAX : durable;
  }

  *#cut(segment: Segment, from: number): DiskTask<Problem> {
    this.#findings.tornBytes += this.#writtenEnd(segment, from) - from;
    segment.end = from;
    const cut = yield (done) => this.#disk.remove(segment.file, from, done);
    return problemOf(cut);
  }

  /** Without the zeros at the end, which a disk that takes room ahead leaves behind. */
  #writtenEnd({ file, end }: Segment, from: number): number {
    for (let stop = end; stop > from; stop -= WINDOW_BYTES) {
      const start = Math.max(from, stop - WINDOW_BYTES);
      const bytes = this.#disk.read(file, start, stop - start);
      if (bytes === UNREADABLE) return stop;
      const last = bytes.findLastIndex((byte) => byte !== 0);
      if (last >= 0) return start + last + 1;
    }
    return from;
  }

  /** What is left over goes, what goes on is durable, and what is lost is not forgotten. */
  *#settle(manifest: ManifestFile): DiskTask<Problem> {
    const removed = yield* this.#removeLeftOver();
    if (removed !== undefined) return removed;
    const { last, loss } = this.#segments;
    if (last !== undefined && this.#listed.get(last.number)?.isSealed !== true) {
      // What a killed process left may be known to the system and not to the disk.
      const problem = problemOf(yield (done) => this.#disk.sync(last.file, done));
      if (problem !== undefined) return problem;
      last.durable = last.end;
    }
    const filled = problemOf(yield* this.#reserve.fill());
    if (filled !== undefined) return filled;
    const known = this.#manifest?.loss;
    const isKnown = loss?.segment === known?.segment && loss?.offset === known?.offset;
    return isKnown && !this.#isUnlisted && this.#isPaired
      ? undefined
      : problemOf(yield (done) => manifest.save(done));
  }

  /**
   * The manifest that says so is durable first: a killed process may have left one that only the
   * system has, and after a crash the one before it would miss what was removed.
   */
  *#removeLeftOver(): DiskTask<Problem> {
    const files = [...this.#files.keys()].filter((file) => {
      const number = segmentNumberOf(file);
      return number !== undefined && !this.#segments.has(number);
    });
    const manifests = MANIFEST_FILES.filter((file) => this.#files.has(file));
    for (const manifest of files.length > 0 ? manifests : []) {
      const problem = problemOf(yield (done) => this.#disk.sync(manifest, done));
      if (problem !== undefined) return problem;
    }
    for (const file of files) {
      const problem = problemOf(yield (done) => this.#disk.remove(file, 0, done));
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  #lose(segment: number, offset: number): void {
    this.#findings.lostPlaces++;
    this.#segments.lose({ segment, offset });
    // What was lost may have come after them.
    this.#index.doubtRemovals();
  }
}

/** What the index is told instead of the length of the record, where it is not a good row. */
function lengthOf({ kind, length }: RecordHead, isIntact: boolean): number {
  if (kind === KIND_REMOVED) return REMOVED_LENGTH;
  return kind === KIND_ROW && isIntact ? length : DAMAGED_LENGTH;
}

/** A full disk is no problem for a start: what it could not write is found again. */
function problemOf(answer: AppendAnswer): Problem {
  return answer === "done" || answer === "full" ? undefined : answer.problem;
}

interface FoundManifests {
  /** The one that counts. */
  readonly manifest: Manifest | undefined;
  /** Of one that this program does not know. */
  readonly laterVersion: number | undefined;
  /** The other one says the same, or there is none at all. */
  readonly isPaired: boolean;
}

function readManifests(disk: Disk, files: ReadonlyMap<string, number>): FoundManifests {
  const found: Manifest[] = [];
  for (const file of MANIFEST_FILES) {
    const bytes = disk.read(file, 0, files.get(file) ?? 0);
    const manifest = bytes === UNREADABLE ? undefined : decodeManifest(bytes);
    if (manifest === undefined) continue;
    if ("version" in manifest) {
      return { manifest: undefined, laterVersion: manifest.version, isPaired: false };
    }
    found.push(manifest);
  }
  const [newest, other] = found.sort((left, right) => right.generation - left.generation);
  const isPaired = newest === undefined || (other !== undefined && isPair(newest, other));
  return { manifest: newest, laterVersion: undefined, isPaired };
}

/** As one save leaves them: a crash in it, or another one, leaves a copy that knows too little. */
function isPair(newest: Manifest, other: Manifest): boolean {
  const before = { ...newest, generation: other.generation };
  const isNext = newest.generation === other.generation + 1;
  return isNext && bytesEqual(encodeManifest(before), encodeManifest(other));
}

function laterProblem(what: string, version: number): string {
  const found = `${what} has format ${version}`;
  return `${found}, and this program reads ${LOG_VERSION}: use a newer program`;
}
