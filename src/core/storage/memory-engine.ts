/**
 * The engine without a disk. For caches and tests; a restart loses everything, so a node on this
 * engine takes a new identity at every boot.
 *
 * Rows are copied into slabs, and a map tells where each one lies. What the garbage collector gets
 * to see of a row is one small integer: an object for each row, kept and replaced with every write,
 * would cost more than everything else that a write does.
 *
 *     slab    [entry][entry][entry] …                     entries start at multiples of 8
 *     entry   row length u32 | partition u16 | key length u16 | key | row
 *     map     key → (number of the slab · 2^15 + offset / 8)
 *
 * A slab fills from the front and is never changed behind it, so a row that was handed out stays as
 * it is. When three quarters of a full slab are overwritten rows, its live ones move to the current
 * slab and the old one is forgotten; so the memory is at most about four times the rows, and moving
 * costs a third of a row for each write.
 */
import { assert } from "../base/assert.ts";
import { binaryOf } from "../base/bytes.ts";
import type { Key } from "../ring/key.ts";
import type { DiskAnswer, Engine, EngineStats, RowEntry, RowRead, RowWrite } from "./engine.ts";

const SLAB_BYTES = 256 * 1024;
const SLAB_UNITS = 2 ** 15;
const UNIT_LOG2 = 3;
const HEAD_BYTES = 8;
/** Entries from this size on get a slab of their own, as large as they need. */
const LARGE_ENTRY_BYTES = 16 * 1024;

interface Slab {
  readonly bytes: Uint8Array;
  /** The words of the heads, over the same bytes. */
  readonly words: Uint32Array;
  readonly halves: Uint16Array;
  used: number;
  live: number;
}

export class MemoryEngine implements Engine {
  readonly #partitions: (Map<Key, number> | undefined)[] = [];
  readonly #slabs: (Slab | undefined)[] = [];
  readonly #freeNumbers: number[] = [];
  readonly #completed: (token: number, answer: DiskAnswer) => void;
  #current = -1;
  #keys = 0;
  #bytes = 0;

  /**
   * The completion is called inside `write`; whoever hands it in must not run the node from there.
   */
  constructor(completed: (token: number, answer: DiskAnswer) => void) {
    this.#completed = completed;
  }

  get(partition: number, key: Key): RowRead {
    const location = this.#partitions[partition]?.get(key);
    return location === undefined ? undefined : this.#rowAt(location);
  }

  write(writes: readonly RowWrite[], token: number): void {
    for (const write of writes) this.#put(write);
    this.#completed(token, "durable");
  }

  scan(partition: number, after: Key | undefined, limit: number): readonly RowEntry[] {
    assert(limit > 0, `scan limit ${limit}`);
    const entries: RowEntry[] = [];
    let passed = after === undefined;
    for (const [key, location] of this.#partitions[partition] ?? []) {
      if (passed) entries.push({ key, row: this.#rowAt(location) });
      else if (key === after) passed = true;
      if (entries.length === limit) break;
    }
    return entries;
  }

  stats(): EngineStats {
    return { keys: this.#keys, bytes: this.#bytes };
  }

  close(): void {
    this.#partitions.length = 0;
    this.#slabs.length = 0;
    this.#freeNumbers.length = 0;
    this.#current = -1;
    this.#keys = 0;
    this.#bytes = 0;
  }

  #put({ partition, key, row }: RowWrite): void {
    let rows = this.#partitions[partition];
    if (rows === undefined) {
      rows = new Map();
      this.#partitions[partition] = rows;
    }
    const location = this.#append(partition, key, row);
    // Looked up only now: to make room, the old row may have moved.
    const before = rows.get(key);
    rows.set(key, location);
    if (before === undefined) {
      this.#keys++;
      this.#bytes += key.length + row.length;
    } else {
      this.#bytes += row.length - this.#rowLengthAt(before);
      this.#release(before);
    }
  }

  /** Copies the entry behind the others and answers its location. */
  #append(partition: number, key: Key, row: Uint8Array): number {
    const size = entryBytes(key.length, row.length);
    const number = size >= LARGE_ENTRY_BYTES ? this.#newSlab(size) : this.#roomFor(size);
    const slab = this.#slabs[number]!;
    const start = slab.used;
    slab.words[start >> 2] = row.length;
    slab.halves[(start >> 1) + 2] = partition;
    slab.halves[(start >> 1) + 3] = key.length;
    const { bytes } = slab;
    const keyStart = start + HEAD_BYTES;
    for (let i = 0; i < key.length; i++) bytes[keyStart + i] = key.charCodeAt(i);
    bytes.set(row, keyStart + key.length);
    slab.used += size;
    slab.live += size;
    return locationOf(number, start);
  }

  #roomFor(size: number): number {
    const current = this.#slabs[this.#current];
    if (current !== undefined && current.used + size <= SLAB_BYTES) return this.#current;
    const filled = this.#current;
    this.#current = this.#newSlab(SLAB_BYTES);
    if (filled >= 0) this.#evacuateIfSparse(filled);
    return this.#current;
  }

  #newSlab(size: number): number {
    const number = this.#freeNumbers.pop() ?? this.#slabs.length;
    const bytes = new Uint8Array(size);
    const { buffer } = bytes;
    const words = new Uint32Array(buffer);
    this.#slabs[number] = { bytes, words, halves: new Uint16Array(buffer), used: 0, live: 0 };
    return number;
  }

  #release(location: number): void {
    const number = slabOf(location);
    const slab = this.#slabs[number]!;
    const start = startOf(location);
    slab.live -= entryBytes(slab.halves[(start >> 1) + 3]!, slab.words[start >> 2]!);
    if (number !== this.#current) this.#evacuateIfSparse(number);
  }

  #evacuateIfSparse(number: number): void {
    const slab = this.#slabs[number]!;
    if (slab.live >= slab.bytes.length / 4) return;
    this.#slabs[number] = undefined;
    for (let start = 0; start < slab.used && slab.live > 0;) {
      const rowLength = slab.words[start >> 2]!;
      const partition = slab.halves[(start >> 1) + 2]!;
      const keyEnd = start + HEAD_BYTES + slab.halves[(start >> 1) + 3]!;
      const key = binaryOf(slab.bytes, start + HEAD_BYTES, keyEnd) as Key;
      const rows = this.#partitions[partition]!;
      const size = entryBytes(key.length, rowLength);
      if (rows.get(key) === locationOf(number, start)) {
        rows.set(
          key,
          this.#append(partition, key, slab.bytes.subarray(keyEnd, keyEnd + rowLength)),
        );
        slab.live -= size;
      }
      start += size;
    }
    // Only now: while rows moved, no new slab could take the number of the old one.
    this.#freeNumbers.push(number);
  }

  #rowAt(location: number): Uint8Array {
    const slab = this.#slabs[slabOf(location)]!;
    const start = startOf(location);
    const rowStart = start + HEAD_BYTES + slab.halves[(start >> 1) + 3]!;
    return slab.bytes.subarray(rowStart, rowStart + slab.words[start >> 2]!);
  }

  #rowLengthAt(location: number): number {
    return this.#slabs[slabOf(location)]!.words[startOf(location) >> 2]!;
  }
}

/** Arithmetic, not bits: after sixty thousand slabs a location is more than 31 bits can say. */
function locationOf(slab: number, start: number): number {
  return slab * SLAB_UNITS + (start >> UNIT_LOG2);
}

function slabOf(location: number): number {
  return Math.floor(location / SLAB_UNITS);
}

/** The offset of an entry in its slab. */
function startOf(location: number): number {
  return (location % SLAB_UNITS) << UNIT_LOG2;
}

/** What an entry takes, up to where the next one may start. */
function entryBytes(keyLength: number, rowLength: number): number {
  return ((HEAD_BYTES + keyLength + rowLength + 7) >> UNIT_LOG2) << UNIT_LOG2;
}
