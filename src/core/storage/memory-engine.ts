/**
 * The engine without a disk. For caches and tests; a restart loses everything, so a node on this
 * engine takes a new identity at every boot.
 *
 * Rows are copied into slabs, not allocated one by one: an array of its own costs several times the
 * copy, and the garbage collector has to look after each of them. A slab fills from the front and
 * is never changed behind it, so a row that was handed out stays as it is. When less than a quarter
 * of a full slab is live rows, these move to the current slab and the old one is forgotten; that
 * bounds the memory to about four times the rows.
 *
 *     slab   [row a][row b][row a'][row c][row b'] …      live: a' c b'     dead: a b
 */
import { assert } from "../base/assert.ts";
import type { Key } from "../ring/key.ts";
import type { DiskAnswer, Engine, EngineStats, RowEntry, RowRead, RowWrite } from "./engine.ts";

const SLAB_BYTES = 256 * 1024;
/** Rows from this size on get an array of their own. */
const LARGE_ROW_BYTES = 16 * 1024;

interface Place {
  readonly partition: number;
  readonly key: Key;
}

interface Slab {
  readonly bytes: Uint8Array;
  used: number;
  live: number;
  /** Whose rows went in, in order; some of them have been overwritten since. */
  readonly places: Place[];
}

export class MemoryEngine implements Engine {
  readonly #partitions: Map<number, Map<Key, Uint8Array>> = new Map();
  readonly #slabs: Map<ArrayBufferLike, Slab> = new Map();
  readonly #completed: (token: number, answer: DiskAnswer) => void;
  #current: Slab = emptySlab();
  #keys = 0;
  #bytes = 0;

  /**
   * The completion is called inside `write`; whoever hands it in must not run the node from there.
   */
  constructor(completed: (token: number, answer: DiskAnswer) => void) {
    this.#completed = completed;
    this.#slabs.set(this.#current.bytes.buffer, this.#current);
  }

  get(partition: number, key: Key): RowRead {
    return this.#partitions.get(partition)?.get(key);
  }

  write(writes: readonly RowWrite[], token: number): void {
    for (const write of writes) this.#put(write);
    this.#completed(token, "durable");
  }

  scan(partition: number, after: Key | undefined, limit: number): readonly RowEntry[] {
    assert(limit > 0, `scan limit ${limit}`);
    const entries: RowEntry[] = [];
    let passed = after === undefined;
    for (const [key, row] of this.#partitions.get(partition) ?? []) {
      if (passed) entries.push({ key, row });
      else if (key === after) passed = true;
      if (entries.length === limit) break;
    }
    return entries;
  }

  stats(): EngineStats {
    return { keys: this.#keys, bytes: this.#bytes };
  }

  close(): void {
    this.#partitions.clear();
    this.#slabs.clear();
    this.#current = emptySlab();
    this.#keys = 0;
    this.#bytes = 0;
  }

  #put(write: RowWrite): void {
    const { partition, key, row } = write;
    let rows = this.#partitions.get(partition);
    if (rows === undefined) {
      rows = new Map();
      this.#partitions.set(partition, rows);
    }
    const kept = this.#keep(write, row);
    // Looked up only now: to make room, `keep` may have moved it.
    const before = rows.get(key);
    rows.set(key, kept);
    if (before === undefined) {
      this.#keys++;
      this.#bytes += key.length + row.length;
    } else {
      this.#bytes += row.length - before.length;
      this.#release(before);
    }
  }

  #keep(place: Place, row: Uint8Array): Uint8Array {
    if (row.length >= LARGE_ROW_BYTES) return row.slice();
    if (this.#current.used + row.length > SLAB_BYTES) this.#beginSlab();
    const slab = this.#current;
    const start = slab.used;
    slab.bytes.set(row, start);
    slab.used += row.length;
    slab.live += row.length;
    // Not the write itself: it would keep the short-lived bytes that came with it.
    slab.places.push({ partition: place.partition, key: place.key });
    return slab.bytes.subarray(start, slab.used);
  }

  #beginSlab(): void {
    const full = this.#current;
    this.#current = emptySlab();
    this.#slabs.set(this.#current.bytes.buffer, this.#current);
    this.#evacuateIfSparse(full);
  }

  #release(row: Uint8Array): void {
    const slab = this.#slabs.get(row.buffer);
    if (slab === undefined) return;
    slab.live -= row.length;
    if (slab !== this.#current) this.#evacuateIfSparse(slab);
  }

  #evacuateIfSparse(slab: Slab): void {
    if (slab.live >= SLAB_BYTES / 4) return;
    this.#slabs.delete(slab.bytes.buffer);
    for (const place of slab.places) {
      const rows = this.#partitions.get(place.partition);
      const row = rows?.get(place.key);
      if (row?.buffer === slab.bytes.buffer) rows!.set(place.key, this.#keep(place, row));
    }
  }
}

function emptySlab(): Slab {
  return { bytes: new Uint8Array(SLAB_BYTES), used: 0, live: 0, places: [] };
}
