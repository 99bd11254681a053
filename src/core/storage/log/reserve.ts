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

export class Reserve {
  readonly #disk: Disk;
  readonly bytes: number;
  /** So much of it is used up or promised, since it was given back. */
  spentBytes = 0;
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

  /** Takes the room, if there is as much. */
  *fill(): DiskTask<AppendAnswer> {
    const found = this.#disk.list().find(({ name }) => name === RESERVE_FILE);
    this.#isKept = found?.bytes === this.bytes;
    if (this.#isKept) return "done";
    const piece = new Uint8Array(Math.min(PIECE_BYTES, this.bytes));
    const pieces: Uint8Array[] = [];
    for (let left = this.bytes; left > 0; left -= piece.length) {
      pieces.push(left >= piece.length ? piece : piece.subarray(0, left));
    }
    const removed = yield (done) => this.#disk.remove(RESERVE_FILE, 0, done);
    if (removed !== "done") return removed;
    this.#isFilling = true;
    const answer = yield (done) => this.#disk.append(RESERVE_FILE, pieces, done);
    // Somebody else may have found no room meanwhile, and has given it back.
    this.#isKept = answer === "done" && this.#isFilling;
    this.#isFilling = false;
    if (this.#isKept) this.spentBytes = 0;
    return answer;
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
