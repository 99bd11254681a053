/**
 * The engine without a disk. For caches and tests; a restart loses everything, so a node on this
 * engine takes a new identity at every boot.
 *
 * Rows are copied into slabs; a map gives every key a number, a list tells where the row of a
 * number lies. What the garbage collector gets to see of a row is one small integer: an object for
 * each row, kept and replaced with every write, would cost more than everything else that a write
 * does. And the map does not change when a row is overwritten.
 *
 *     map         key → number
 *     members     place in its partition → key              a scan goes by places
 *     locations   number → (number of the slab · 2^15 + offset / 8)
 *     slab        [row length u32 | number u32 | row] …      entries start at multiples of 8
 *
 * Numbers and places of keys that are gone are for the next ones, and nobody else ever moves: so a
 * scan meets each key once that is there all the time.
 *
 * A slab fills from the front and is never changed behind it, so a row that was handed out stays as
 * it is. Most slabs empty by themselves, as their rows are overwritten. Only when all of them take
 * three times what the rows need, the live rows of one that is less than a quarter full move to the
 * current one, when a slab is full or a row is removed. So the memory is at most about four times
 * the rows.
 */
import { assert } from "../base/assert.ts";
import type { Key } from "../ring/key.ts";
import type {
  Engine,
  EngineEvents,
  EngineStats,
  RowEntry,
  RowRead,
  RowWrite,
  ScanPosition,
  ScanSlice,
} from "./engine.ts";

const SLAB_BYTES = 256 * 1024;
const SLAB_UNITS = 2 ** 15;
const UNIT_LOG2 = 3;
const HEAD_BYTES = 8;
/** Entries from this size on get a slab of their own, as large as they need. */
const LARGE_ENTRY_BYTES = 16 * 1024;
/** Slabs may take so many times the bytes of live entries before any of those is moved. */
const SPREAD_MAX = 3;
/** A slab of which less than this share is live is worth emptying. */
const SPARSE_SHARE = 1 / 4;
const NOWHERE = -1;

interface Partition {
  readonly numbers: Map<Key, number>;
  readonly members: (Key | undefined)[];
  readonly freePlaces: number[];
}

interface Slab {
  readonly number: number;
  readonly bytes: Uint8Array;
  /** The words of the heads, over the same bytes. */
  readonly words: Uint32Array;
  used: number;
  live: number;
  isSparse: boolean;
}

export class MemoryEngine implements Engine {
  readonly #partitions: (Partition | undefined)[] = [];
  /** By number; nowhere for one that is free. */
  readonly #locations: number[] = [];
  /** By number. */
  readonly #places: number[] = [];
  readonly #freeNumbers: number[] = [];
  readonly #slabs: (Slab | undefined)[] = [];
  readonly #freeSlabs: number[] = [];
  /** Those worth emptying, the longest sparse first, until they are empty by themselves. */
  readonly #sparse: Set<Slab> = new Set();
  readonly #events: EngineEvents;
  #current: Slab;
  #isEmptying = false;
  #slabBytes = 0;
  #liveBytes = 0;
  #bytes = 0;
  /** What was looked up last: who writes a key has just read it. */
  #lastKey: Key | undefined = undefined;
  #lastPartition = NOWHERE;
  #lastNumber = NOWHERE;

  /**
   * Completions come inside `write`: whoever hears them must not run the node from there.
   */
  constructor(events: EngineEvents) {
    this.#events = events;
    this.#current = this.#newSlab(SLAB_BYTES);
  }

  get(partition: number, key: Key): RowRead {
    const number = this.#numberOf(partition, key);
    return number === NOWHERE ? undefined : this.#rowAt(this.#locations[number]!);
  }

  write(writes: readonly RowWrite[], token: number): void {
    for (const write of writes) this.#put(write);
    this.#events.completed(token, "durable");
  }

  flush(): void {
    // Nothing is on its way anywhere.
  }

  scan(partition: number, from: ScanPosition | undefined, limit: number): ScanSlice {
    assert(limit > 0, `scan limit ${limit}`);
    const entries: RowEntry[] = [];
    const members = this.#partitions[partition]?.members ?? [];
    let place = Number(from ?? 0);
    for (; place < members.length && entries.length < limit; place++) {
      const key = members[place];
      if (key === undefined) continue;
      const number = this.#numberOf(partition, key);
      entries.push({ key, row: this.#rowAt(this.#locations[number]!) });
    }
    return { entries, next: place < members.length ? place : undefined };
  }

  stats(): EngineStats {
    return { keys: this.#locations.length - this.#freeNumbers.length, bytes: this.#bytes };
  }

  close(closed: () => void): void {
    this.#partitions.length = 0;
    this.#locations.length = 0;
    this.#places.length = 0;
    this.#freeNumbers.length = 0;
    this.#slabs.length = 0;
    this.#freeSlabs.length = 0;
    this.#sparse.clear();
    this.#lastKey = undefined;
    this.#slabBytes = 0;
    this.#liveBytes = 0;
    this.#bytes = 0;
    this.#current = this.#newSlab(SLAB_BYTES);
    closed();
  }

  #numberOf(partition: number, key: Key): number {
    if (key !== this.#lastKey || partition !== this.#lastPartition) {
      this.#lastKey = key;
      this.#lastPartition = partition;
      this.#lastNumber = this.#partitions[partition]?.numbers.get(key) ?? NOWHERE;
    }
    return this.#lastNumber;
  }

  #put({ partition, key, row }: RowWrite): void {
    const number = this.#numberOf(partition, key);
    if (row === undefined) {
      if (number !== NOWHERE) this.#remove(partition, key, number);
      return;
    }
    if (number === NOWHERE) return this.#putFirst(partition, key, row);
    const location = this.#append(number, row);
    // Looked up only now: to make room, the old row may have moved.
    const before = this.#locations[number]!;
    this.#locations[number] = location;
    this.#bytes += row.length - this.#rowLengthAt(before);
    this.#release(before);
  }

  #putFirst(partition: number, key: Key, row: Uint8Array): void {
    const { numbers, members, freePlaces } = (this.#partitions[partition] ??= emptyPartition());
    const isNewNumber = this.#freeNumbers.length === 0;
    const number = isNewNumber ? this.#locations.length : this.#freeNumbers.pop()!;
    // What is moved to make room goes by the locations of all numbers.
    if (isNewNumber) this.#locations.push(NOWHERE);
    this.#locations[number] = this.#append(number, row);
    const place = freePlaces.length === 0 ? members.push(key) - 1 : freePlaces.pop()!;
    members[place] = key;
    this.#places[number] = place;
    numbers.set(key, number);
    this.#lastNumber = number;
    this.#bytes += key.length + row.length;
  }

  #remove(partition: number, key: Key, number: number): void {
    const { numbers, members, freePlaces } = this.#partitions[partition]!;
    const place = this.#places[number]!;
    const location = this.#locations[number]!;
    numbers.delete(key);
    members[place] = undefined;
    freePlaces.push(place);
    if (numbers.size === 0) this.#partitions[partition] = undefined;
    this.#locations[number] = NOWHERE;
    this.#freeNumbers.push(number);
    this.#lastNumber = NOWHERE;
    this.#bytes -= key.length + this.#rowLengthAt(location);
    this.#release(location);
    this.#emptySparse();
  }

  /** Copies the row behind the others and answers its location. */
  #append(number: number, row: Uint8Array): number {
    const size = entryBytes(row.length);
    const slab = size >= LARGE_ENTRY_BYTES ? this.#newSlab(size) : this.#roomFor(size);
    const start = slab.used;
    slab.words[start >> 2] = row.length;
    slab.words[(start >> 2) + 1] = number;
    slab.bytes.set(row, start + HEAD_BYTES);
    slab.used += size;
    slab.live += size;
    this.#liveBytes += size;
    return locationOf(slab.number, start);
  }

  #roomFor(size: number): Slab {
    if (this.#current.used + size <= SLAB_BYTES) return this.#current;
    const filled = this.#current;
    this.#current = this.#newSlab(SLAB_BYTES);
    this.#onShrunk(filled);
    this.#emptySparse();
    // Moved rows may have filled it again.
    return this.#roomFor(size);
  }

  #newSlab(size: number): Slab {
    const number = this.#freeSlabs.pop() ?? this.#slabs.length;
    const bytes = new Uint8Array(size);
    const words = new Uint32Array(bytes.buffer);
    const slab: Slab = { number, bytes, words, used: 0, live: 0, isSparse: false };
    this.#slabs[number] = slab;
    this.#slabBytes += size;
    return slab;
  }

  #release(location: number): void {
    const slab = this.#slabs[slabOf(location)]!;
    const size = entryBytes(slab.words[startOf(location) >> 2]!);
    slab.live -= size;
    this.#liveBytes -= size;
    if (slab !== this.#current) this.#onShrunk(slab);
  }

  #onShrunk(slab: Slab): void {
    if (slab.live === 0) {
      this.#slabs[slab.number] = undefined;
      this.#sparse.delete(slab);
      this.#freeSlabs.push(slab.number);
      this.#slabBytes -= slab.bytes.length;
    } else if (!slab.isSparse && slab.live < slab.bytes.length * SPARSE_SHARE) {
      slab.isSparse = true;
      this.#sparse.add(slab);
    }
  }

  /** The longest sparse first: it has had the most time to empty by itself. */
  #emptySparse(): void {
    // What moves may fill a slab, and whoever fills one comes here.
    if (this.#isEmptying) return;
    this.#isEmptying = true;
    for (const slab of this.#sparse) {
      if (this.#slabBytes <= this.#liveBytes * SPREAD_MAX) break;
      this.#empty(slab);
    }
    this.#isEmptying = false;
  }

  #empty(slab: Slab): void {
    for (let start = 0; start < slab.used && slab.live > 0;) {
      const rowLength = slab.words[start >> 2]!;
      const number = slab.words[(start >> 2) + 1]!;
      const location = locationOf(slab.number, start);
      if (this.#locations[number] === location) {
        const rowStart = start + HEAD_BYTES;
        const row = slab.bytes.subarray(rowStart, rowStart + rowLength);
        this.#locations[number] = this.#append(number, row);
        this.#release(location);
      }
      start += entryBytes(rowLength);
    }
  }

  #rowAt(location: number): Uint8Array {
    const slab = this.#slabs[slabOf(location)]!;
    const start = startOf(location);
    const rowStart = start + HEAD_BYTES;
    return slab.bytes.subarray(rowStart, rowStart + slab.words[start >> 2]!);
  }

  #rowLengthAt(location: number): number {
    return this.#slabs[slabOf(location)]!.words[startOf(location) >> 2]!;
  }
}

function emptyPartition(): Partition {
  return { numbers: new Map(), members: [], freePlaces: [] };
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
function entryBytes(rowLength: number): number {
  return ((HEAD_BYTES + rowLength + 7) >> UNIT_LOG2) << UNIT_LOG2;
}
