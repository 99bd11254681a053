/**
 * Reads a segment from its front, a window at a time, record by record.
 *
 *     next() → "record"   `head` and `offset` tell which; `isIntact` whether its row can be read
 *            → "bad"      at `offset` is no record: `resync()` looks for the next one behind it
 *            → "end"      nothing is left
 *
 * A part that the disk cannot read counts as zeros, which are no record; `unreadableEnd` tells.
 */
import { binaryOf } from "../../base/bytes.ts";
import type { Key } from "../../ring/key.ts";
import type { Disk } from "../disk.ts";
import { UNREADABLE } from "../disk.ts";
import { isRowIntact, readHead, RECORD_HEAD_BYTES, RecordHead } from "./log-record.ts";
import type { Segment } from "./segment.ts";
import { SEGMENT_HEAD_BYTES } from "./segment.ts";

const WINDOW_BYTES = 256 * 1024;
/**
 * What an unreadable window is read again in: more than this is not given up for one bad sector.
 */
const PIECE_BYTES = 4096;
/** So many places are tried in one slice. */
const RESYNC_BYTES = 64 * 1024;
const NO_BYTES = new Uint8Array(0);

export class SegmentReader {
  readonly head: RecordHead = new RecordHead();
  /** Where the current record begins, or where there is none. */
  offset: number;
  isIntact = false;
  /** Where the last part ends that the disk could not read; 0 when it could read all so far. */
  unreadableEnd = 0;
  /** Bytes read so far, to pace who reads. */
  bytesRead = 0;
  readonly #disk: Disk;
  readonly #segment: Segment;
  readonly #end: number;
  #next: number;
  #window: Uint8Array = NO_BYTES;
  #windowStart = 0;

  /** Up to `end`, which is where the file ends or where it once ended. */
  constructor(disk: Disk, segment: Segment, end: number, from: number = SEGMENT_HEAD_BYTES) {
    this.offset = from;
    this.#next = from;
    this.#disk = disk;
    this.#segment = segment;
    this.#end = end;
  }

  next(): "record" | "bad" | "end" {
    this.offset = this.#next;
    if (this.offset >= this.#end) return "end";
    return this.#readAt(this.offset) ? "record" : "bad";
  }

  /** From a bad place to the next record behind it, which becomes the current one. */
  resync(): boolean {
    while (this.#isAnyLeft()) if (this.#tryUpTo(RESYNC_BYTES)) return true;
    this.#next = this.#end;
    return false;
  }

  /** The same in slices, for who must not hold up others: yields what each has cost. */
  *resyncing(): Generator<number, boolean, unknown> {
    while (this.#isAnyLeft()) {
      if (this.#tryUpTo(RESYNC_BYTES)) return true;
      yield RESYNC_BYTES;
    }
    this.#next = this.#end;
    return false;
  }

  /** The key of the current record. */
  key(): Key {
    const at = this.offset - this.#windowStart + RECORD_HEAD_BYTES;
    return binaryOf(this.#window, at, at + this.head.keyLength) as Key;
  }

  /** The row of the current record, when it is intact. */
  row(): Uint8Array {
    const end = this.offset - this.#windowStart + this.head.length;
    return this.#window.subarray(end - this.head.rowLength, end);
  }

  #isAnyLeft(): boolean {
    return this.offset + 1 + RECORD_HEAD_BYTES < this.#end;
  }

  /** Whether there is a record at one of the next so many places. */
  #tryUpTo(count: number): boolean {
    for (let left = count; left > 0 && this.#isAnyLeft(); left--) {
      this.offset++;
      if (this.#readAt(this.offset)) return true;
    }
    return false;
  }

  #readAt(offset: number): boolean {
    const { head } = this;
    if (!this.#holds(offset, RECORD_HEAD_BYTES)) this.#load(offset, WINDOW_BYTES);
    if (!this.#readHead(offset)) {
      // Its key may go on behind the window.
      if (this.#holds(offset, WINDOW_BYTES / 2)) return false;
      this.#load(offset, WINDOW_BYTES);
      if (!this.#readHead(offset)) return false;
    }
    if (!this.#holds(offset, head.length)) this.#load(offset, Math.max(WINDOW_BYTES, head.length));
    const at = offset - this.#windowStart;
    this.isIntact = isRowIntact(head, this.#window, at, this.#window.length);
    this.#next = Math.min(offset + head.length, this.#end);
    return true;
  }

  #readHead(offset: number): boolean {
    const bytes = this.#window;
    const at = offset - this.#windowStart;
    return readHead(this.head, bytes, at, bytes.length, this.#segment.number, offset);
  }

  #holds(offset: number, length: number): boolean {
    const end = Math.min(offset + length, this.#end);
    return offset >= this.#windowStart && end <= this.#windowStart + this.#window.length;
  }

  #load(offset: number, length: number): void {
    if (offset === this.#windowStart && length <= this.#window.length) return;
    const wanted = Math.min(length, this.#end - offset);
    this.#windowStart = offset;
    this.#window = this.#read(offset, wanted);
    this.bytesRead += wanted;
  }

  /** Always as long as wanted: what is not there, or cannot be read, is zeros. */
  #read(offset: number, wanted: number): Uint8Array {
    const { file } = this.#segment;
    const whole = this.#disk.read(file, offset, wanted);
    if (whole !== UNREADABLE && whole.length === wanted) return whole;
    const bytes = new Uint8Array(wanted);
    let at = 0;
    while (at < wanted) {
      // To the next border in the file, where the disk has one too.
      const length = Math.min(PIECE_BYTES - ((offset + at) % PIECE_BYTES), wanted - at);
      const piece = this.#disk.read(file, offset + at, length);
      if (piece !== UNREADABLE) bytes.set(piece, at);
      else this.unreadableEnd = Math.max(this.unreadableEnd, offset + at + length);
      at += length;
    }
    return bytes;
  }
}
