/**
 * Room that is taken while there is some, and given back when the disk is full: deletes and
 * compaction, which make room again, need a little of it first.
 *
 *     kept ──an append finds no room──▶ spent ──there is room again──▶ kept
 */
import type { AppendAnswer, Disk } from "../disk.ts";
import type { DiskTask, Wait } from "./disk-task.ts";

export const RESERVE_FILE = "reserve";
const PIECE_BYTES = 256 * 1024;
/** Of what is left of it, for writes that take no more room than what they replace. */
const WRITERS_SHARE = 1 / 4;
/** Of the reserve, when the disk is full: what nobody plans with. */
const MARGIN = 1 / 8;
/** Less than this part of the reserve, a power of two, is not worth finding. */
const PARTS_LOG2 = 4;

export class Reserve {
  readonly #disk: Disk;
  readonly bytes: number;
  /** So much of it is used up, since it was given back. */
  #spentBytes = 0;
  /** Promised to a compaction that is under way. */
  #movedBytes = 0;
  /** So far writes may go, of which no more is spent: the rest is for compaction. */
  #writersEnd = 0;
  #isKept = false;
  #isFilling = false;

  constructor(disk: Disk, bytes: number) {
    this.#disk = disk;
    this.bytes = bytes;
  }

  /** False when the disk has been full, or there never was enough room. */
  get isKept(): boolean {
    return this.#isKept;
  }

  /** The disk is full, and so much of the reserve is gone already. */
  promise(spentBytes: number): void {
    this.#spentBytes = spentBytes;
    this.#writersEnd = spentBytes + (this.bytes - spentBytes) * WRITERS_SHARE;
  }

  /** Whether a write may have so much of it, which is spent then. */
  give(bytes: number): boolean {
    if (this.#spentBytes + bytes > this.#writersEnd) return false;
    if (this.#movedBytes > 0 && bytes > this.roomToMove - this.#movedBytes) return false;
    this.#spentBytes += bytes;
    return true;
  }

  /** What a compaction may move now. */
  get roomToMove(): number {
    return this.bytes - this.bytes * MARGIN - this.#spentBytes;
  }

  /** A compaction begins. Writers go on meanwhile, as long as there is enough for both. */
  beginMove(bytes: number): void {
    this.#movedBytes = bytes;
  }

  /** It is over, and has freed so much. */
  endMove(freedBytes: number): void {
    this.#spentBytes = Math.max(0, this.#spentBytes + this.#movedBytes - freedBytes);
    this.#movedBytes = 0;
  }

  /** Takes the room, if there is as much. If not, it finds out how much there is. */
  *fill(): DiskTask<AppendAnswer> {
    const found = this.#disk.list().find(({ name }) => name === RESERVE_FILE);
    this.#isKept = found?.bytes === this.bytes;
    if (this.#isKept) return "done";
    this.#isFilling = true;
    let answer = yield* this.#take(this.bytes);
    this.#isKept = answer === "done" && this.#isFilling;
    if (this.#isKept) this.#spentBytes = 0;
    else if (answer === "full") answer = yield* this.#measure();
    this.#isFilling = false;
    return answer;
  }

  /** What could be taken a moment ago is there: only that much is left to promise. */
  *#measure(): DiskTask<AppendAnswer> {
    let room = 0;
    let answer: AppendAnswer = "full";
    for (let part = this.bytes >> 1; part >= this.bytes >> PARTS_LOG2; part >>= 1) {
      answer = yield* this.#take(part);
      if (answer === "full") continue;
      room = part;
      break;
    }
    if (this.#isFilling) this.promise(this.bytes - room);
    if (answer !== "done") return answer;
    const given = yield (done) => this.#disk.remove(RESERVE_FILE, 0, done);
    return given === "done" ? "full" : given;
  }

  /** "full" also when somebody found no room meanwhile: what is there is theirs. */
  *#take(bytes: number): DiskTask<AppendAnswer> {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, bytes));
    const pieces: Uint8Array[] = [];
    for (let left = bytes; left > 0; left -= piece.length) {
      pieces.push(left >= piece.length ? piece : piece.subarray(0, left));
    }
    const removed = yield (done) => this.#disk.remove(RESERVE_FILE, 0, done);
    if (removed !== "done") return removed;
    if (!this.#isFilling) return "full";
    return yield (done) => this.#disk.append(RESERVE_FILE, pieces, done);
  }

  /**
   * What `start` starts, and once more with the reserve given back when the disk is full for it.
   */
  *spend(start: Wait): DiskTask<AppendAnswer> {
    const first = yield start;
    if (first !== "full" || !(this.#isKept || this.#isFilling)) return first;
    this.#isKept = false;
    this.#isFilling = false;
    const removed = yield (done) => this.#disk.remove(RESERVE_FILE, 0, done);
    return removed === "done" ? yield start : removed;
  }
}
