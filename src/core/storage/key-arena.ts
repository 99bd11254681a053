/**
 * The bytes of many keys, outside the heap of the garbage collector.
 *
 *     piece   [length u16 | key] [length u16 | key] …        one MiB each
 *     free    [start of the next free one u32 | …            a list for each length
 *
 * The room of a key that is gone is for the next one of just its length: keys of one kind are
 * alike, so that fits nearly always, and nothing is ever moved.
 */
import { assert } from "../base/assert.ts";
import { binaryOf } from "../base/bytes.ts";
import type { Key } from "../ring/key.ts";

const PIECE_LOG2 = 20;
const PIECE_BYTES = 1 << PIECE_LOG2;
const PIECES_MAX = 4096;
const LENGTH_BYTES = 2;
/** No key starts so near to the end of the last piece. */
const NOWHERE = 0xffff_ffff;

export class KeyArena {
  readonly #pieces: Uint8Array[] = [];
  /** By length: where the first free room of that length starts. */
  readonly #free: Map<number, number> = new Map();
  #used = PIECE_BYTES;

  /** Answers where it starts. */
  add(key: Key): number {
    const start = this.#roomFor(key.length);
    const piece = this.#pieces[start >>> PIECE_LOG2]!;
    const at = start & (PIECE_BYTES - 1);
    piece[at] = key.length >>> 8;
    piece[at + 1] = key.length;
    for (let i = 0; i < key.length; i++) piece[at + LENGTH_BYTES + i] = key.charCodeAt(i);
    return start;
  }

  remove(start: number): void {
    const piece = this.#pieces[start >>> PIECE_LOG2]!;
    const at = start & (PIECE_BYTES - 1);
    const length = (piece[at]! << 8) | piece[at + 1]!;
    // A key has a bucket, a slash and a name, so the number of a place fits over it.
    const next = this.#free.get(length) ?? NOWHERE;
    for (let i = 0; i < 4; i++) piece[at + i] = next >>> (24 - 8 * i);
    this.#free.set(length, start);
  }

  keyAt(start: number): Key {
    const piece = this.#pieces[start >>> PIECE_LOG2]!;
    const at = start & (PIECE_BYTES - 1);
    const length = (piece[at]! << 8) | piece[at + 1]!;
    return binaryOf(piece, at + LENGTH_BYTES, at + LENGTH_BYTES + length) as Key;
  }

  isAt(start: number, key: Key): boolean {
    const piece = this.#pieces[start >>> PIECE_LOG2]!;
    const at = start & (PIECE_BYTES - 1);
    if (((piece[at]! << 8) | piece[at + 1]!) !== key.length) return false;
    const keyAt = at + LENGTH_BYTES;
    for (let i = 0; i < key.length; i++) {
      if (piece[keyAt + i] !== key.charCodeAt(i)) return false;
    }
    return true;
  }

  #roomFor(length: number): number {
    const free = this.#free.size === 0 ? undefined : this.#free.get(length);
    if (free !== undefined) return this.#takeFree(length, free);
    const size = LENGTH_BYTES + length;
    if (this.#used + size > PIECE_BYTES) {
      assert(this.#pieces.length < PIECES_MAX, `more than ${PIECES_MAX} MiB of keys in one store`);
      this.#pieces.push(new Uint8Array(PIECE_BYTES));
      this.#used = 0;
    }
    const start = (this.#pieces.length - 1) * PIECE_BYTES + this.#used;
    this.#used += size;
    return start;
  }

  #takeFree(length: number, start: number): number {
    const piece = this.#pieces[start >>> PIECE_LOG2]!;
    const at = start & (PIECE_BYTES - 1);
    let next = 0;
    for (let i = 0; i < 4; i++) next = next * 0x100 + piece[at + i]!;
    if (next === NOWHERE) this.#free.delete(length);
    else this.#free.set(length, next);
    return start;
  }
}
