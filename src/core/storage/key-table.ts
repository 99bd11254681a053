/**
 * Gives every key of a store a number: 0, 1, 2, …, for as long as the table lives.
 *
 * A store may know a hundred million keys. As strings in a Map the garbage collector would visit
 * every one of them again and again, so keys and tables are bytes in typed arrays:
 *
 *     table of a partition   [hash | number + 1] …    open addressing, at most three quarters full
 *     starts                 number → where its key lies
 *     nexts                  number → the next key of the partition, + 1
 *     arena                  [length u16 | key] …     in pieces of one MiB
 *
 * A table for each partition keeps each of them small, so none takes long to grow. Whoever writes
 * keys chooses them, so the hash is a keyed one (HalfSipHash-1-3): nobody can choose keys that all
 * collide.
 */
import { assert } from "../base/assert.ts";
import { binaryOf } from "../base/bytes.ts";
import { Column } from "../base/column.ts";
import type { HashSecret } from "../base/half-siphash.ts";
import { halfSipHash } from "../base/half-siphash.ts";
import type { Key } from "../ring/key.ts";

export const NO_NUMBER = -1;

const PIECE_LOG2 = 20;
const PIECE_BYTES = 1 << PIECE_LOG2;
const PIECES_MAX = 4096;
const LENGTH_BYTES = 2;
const FIRST_SLOTS = 8;

class PartitionTable {
  /** Pairs of a hash and a number + 1; a zero number is an empty place. */
  slots: Int32Array = new Int32Array(2 * FIRST_SLOTS);
  mask: number = FIRST_SLOTS - 1;
  count = 0;
  first = NO_NUMBER;
  last = NO_NUMBER;

  add(hash: number, number: number): void {
    if (++this.count * 4 > (this.mask + 1) * 3) this.#grow();
    this.#place(hash, number + 1);
  }

  #grow(): void {
    const { slots } = this;
    this.mask = this.mask * 2 + 1;
    this.slots = new Int32Array(2 * (this.mask + 1));
    for (let at = 0; at < slots.length; at += 2) {
      if (slots[at + 1] !== 0) this.#place(slots[at]!, slots[at + 1]!);
    }
  }

  #place(hash: number, entry: number): void {
    let slot = hash & this.mask;
    while (this.slots[2 * slot + 1] !== 0) slot = (slot + 1) & this.mask;
    this.slots[2 * slot] = hash;
    this.slots[2 * slot + 1] = entry;
  }
}

export class KeyTable {
  readonly #secret: HashSecret;
  readonly #partitions: (PartitionTable | undefined)[] = [];
  readonly #starts: Column = new Column();
  readonly #nexts: Column = new Column();
  readonly #pieces: Uint8Array[] = [];
  #pieceUsed = PIECE_BYTES;
  #count = 0;

  constructor(secret: HashSecret) {
    this.#secret = secret;
  }

  get count(): number {
    return this.#count;
  }

  /** All partitions that have keys are below this number. */
  get partitions(): number {
    return this.#partitions.length;
  }

  find(partition: number, key: Key): number {
    const table = this.#partitions[partition];
    if (table === undefined) return NO_NUMBER;
    const { slots, mask } = table;
    const hash = halfSipHash(this.#secret, key);
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const number = slots[2 * slot + 1]! - 1;
      if (number === NO_NUMBER) return NO_NUMBER;
      if (slots[2 * slot] === hash && this.#isAt(this.#starts.get(number), key)) return number;
    }
  }

  /** A key that is not there yet. */
  add(partition: number, key: Key): number {
    const table = (this.#partitions[partition] ??= new PartitionTable());
    const number = this.#count++;
    this.#starts.set(number, this.#keep(key));
    this.#nexts.set(number, 0);
    if (table.last === NO_NUMBER) table.first = number;
    else this.#nexts.set(table.last, number + 1);
    table.last = number;
    table.add(halfSipHash(this.#secret, key), number);
    return number;
  }

  keyOf(number: number): Key {
    const start = this.#starts.get(number);
    const piece = this.#pieces[start >>> PIECE_LOG2]!;
    const at = start & (PIECE_BYTES - 1);
    const length = (piece[at]! << 8) | piece[at + 1]!;
    return binaryOf(piece, at + LENGTH_BYTES, at + LENGTH_BYTES + length) as Key;
  }

  /** The keys of a partition hang together in the order in which they came. */
  firstOf(partition: number): number {
    return this.#partitions[partition]?.first ?? NO_NUMBER;
  }

  after(number: number): number {
    return this.#nexts.get(number) - 1;
  }

  #keep(key: Key): number {
    const size = LENGTH_BYTES + key.length;
    if (this.#pieceUsed + size > PIECE_BYTES) {
      assert(this.#pieces.length < PIECES_MAX, `more than ${PIECES_MAX} MiB of keys in one store`);
      this.#pieces.push(new Uint8Array(PIECE_BYTES));
      this.#pieceUsed = 0;
    }
    const last = this.#pieces.length - 1;
    const piece = this.#pieces[last]!;
    const at = this.#pieceUsed;
    this.#pieceUsed += size;
    piece[at] = key.length >>> 8;
    piece[at + 1] = key.length;
    for (let i = 0; i < key.length; i++) piece[at + LENGTH_BYTES + i] = key.charCodeAt(i);
    return last * PIECE_BYTES + at;
  }

  #isAt(start: number, key: Key): boolean {
    const piece = this.#pieces[start >>> PIECE_LOG2]!;
    const at = start & (PIECE_BYTES - 1);
    if (((piece[at]! << 8) | piece[at + 1]!) !== key.length) return false;
    const keyAt = at + LENGTH_BYTES;
    for (let i = 0; i < key.length; i++) {
      if (piece[keyAt + i] !== key.charCodeAt(i)) return false;
    }
    return true;
  }
}
