/**
 * The keys of a few leaves, and their digests, found by a scan of the partition.
 *
 * There is no index from leaves to keys: it would cost every key some memory at all times, for
 * something that is rarely asked. The scan goes on slice by slice while rows are written; what it
 * misses then was written, and so is left for another time anyway.
 *
 * Too many keys: the later half of the leaves is given up, as often as needed. `covered` says how
 * many leaves, from the first, are listed in full. A single leaf is never cut: it holds one key of
 * four thousand of the partition.
 */
import type { Key } from "../ring/key.ts";
import type { ScanPosition, ScanSlice } from "../storage/engine.ts";
import { DAMAGED } from "../storage/engine.ts";
import type { KeyHasher } from "./key-hasher.ts";
import type { DigestRead, RowScan } from "./repair-store.ts";
import { isAbsentDigest } from "./repair-store.ts";

export class LeafListing {
  readonly partition: number;
  readonly leaves: readonly number[];
  readonly states: Map<Key, DigestRead> = new Map();
  readonly #hasher: KeyHasher;
  readonly #rows: RowScan;
  readonly #keysMax: number;
  /** The place of each leaf in the list; only those below `covered` are listed. */
  readonly #places: Map<number, number>;
  #position: ScanPosition | undefined = undefined;
  #covered: number;
  #isComplete = false;

  constructor(
    partition: number,
    leaves: readonly number[],
    hasher: KeyHasher,
    rows: RowScan,
    keysMax: number,
  ) {
    this.partition = partition;
    this.leaves = leaves;
    this.#hasher = hasher;
    this.#rows = rows;
    this.#keysMax = keysMax;
    this.#places = new Map(leaves.map((leaf, place) => [leaf, place]));
    this.#covered = leaves.length;
  }

  get covered(): number {
    return this.#covered;
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  isOf(leaves: readonly number[]): boolean {
    if (leaves.length !== this.leaves.length) return false;
    return this.leaves.every((leaf, place) => leaf === leaves[place]);
  }

  /** The next slice; nothing when all is scanned. */
  work(sliceRows: number): void {
    if (this.#isComplete) return;
    const slice = this.#rows.scan(this.partition, this.#position, sliceRows);
    this.#onSlice(slice);
    this.#position = slice.next;
    this.#isComplete = slice.next === undefined;
  }

  /** Whether the key lies in one of the first `covered` leaves. */
  covers(key: Key, covered: number): boolean {
    const place = this.#places.get(this.#hasher.leafOf(key));
    return place !== undefined && place < covered;
  }

  #onSlice({ entries, damaged }: ScanSlice): void {
    for (const { key, row } of entries) {
      if (!this.covers(key, this.#covered)) continue;
      const digest = this.#rows.rowDigest(row);
      if (!isAbsentDigest(digest)) this.states.set(key, digest);
    }
    for (const key of damaged ?? []) {
      if (this.covers(key, this.#covered)) this.states.set(key, DAMAGED);
    }
    while (this.states.size > this.#keysMax && this.#covered > 1) this.#giveUpHalf();
  }

  #giveUpHalf(): void {
    this.#covered = Math.ceil(this.#covered / 2);
    for (const key of this.states.keys()) {
      if (!this.covers(key, this.#covered)) this.states.delete(key);
    }
  }
}
