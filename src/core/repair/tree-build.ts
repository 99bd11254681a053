/**
 * A tree made of the rows, while they are written to. When it is done it is exactly the tree of
 * what is held then.
 *
 * All that a scan promises is: a row that was there before it began and is not written meanwhile
 * comes exactly once. Of a row that is written, or removed, it says nothing: it may come in any
 * version, twice, or not at all. So the first to speak of a key, the scan or a write, counts it,
 * and from then on only writes are believed:
 *
 *     first a row of the scan      + entry of the row          the key is seen
 *     first a write                + entry of what it left     the key is seen
 *     a row of a seen key          nothing
 *     a write to a seen key        − entry before, + entry after
 *
 * Seen keys take memory. When there are too many of them, the upper half of the leaves is given up,
 * with all keys that lie there, and is left to another scan; leaves that are done follow the writes
 * like those of any tree:
 *
 *     leaves   0 ········ from ············ to ·············· 4096
 *                 done         this scan        a later scan
 *
 * So every scan finishes at least one leaf, however much is written, and a partition of n keys
 * takes one to two times n / seenMax scans. Only a single leaf may have more than `seenMax` keys.
 */
import type { SipHash } from "../base/siphash.ts";
import { LEAVES } from "../repair-messages.ts";
import type { Key } from "../ring/key.ts";
import type { ScanPosition, ScanSlice } from "../storage/engine.ts";
import { DAMAGED } from "../storage/engine.ts";
import { CountedTree } from "./counted-tree.ts";
import type { KeyHasher } from "./key-hasher.ts";
import { leafOfHash } from "./key-hasher.ts";
import type { DigestRead, RowScan } from "./repair-store.ts";

export interface BuildLimits {
  /** Rows of a slice. */
  readonly sliceRows: number;
  /** Keys that are remembered. */
  readonly seenMax: number;
}

export class TreeBuild {
  readonly partition: number;
  readonly counted: CountedTree;
  readonly #hasher: KeyHasher;
  readonly #rows: RowScan;
  readonly #limits: BuildLimits;
  readonly #seen: Set<Key> = new Set();
  #from = 0;
  #to = LEAVES;
  #passes = 0;

  constructor(partition: number, hasher: KeyHasher, rows: RowScan, limits: BuildLimits) {
    this.partition = partition;
    this.counted = new CountedTree(hasher);
    this.#hasher = hasher;
    this.#rows = rows;
    this.#limits = limits;
  }

  /** How many scans it has begun. */
  get passes(): number {
    return this.#passes;
  }

  /** Yields after every slice. When it ends, the tree is to be used at once. */
  *run(): Generator<void, void> {
    while (this.#from < LEAVES) {
      this.#passes++;
      let position: ScanPosition | undefined = undefined;
      do {
        if (position !== undefined) yield;
        const slice = this.#rows.scan(this.partition, position, this.#limits.sliceRows);
        this.#onSlice(slice);
        position = slice.next;
      } while (position !== undefined);
      const width = this.#to - this.#from;
      this.#from = this.#to;
      // Twice as many as last time: where leaves were full, the next ones may not be.
      this.#to = Math.min(LEAVES, this.#from + width * 2);
      this.#seen.clear();
      if (this.#from < LEAVES) yield;
    }
  }

  onWrite(key: Key, hash: SipHash, before: DigestRead, after: DigestRead): void {
    const leaf = leafOfHash(hash);
    if (leaf >= this.#to) return;
    if (leaf < this.#from || this.#seen.has(key)) {
      this.counted.recount(key, hash, before, after);
    } else {
      this.#see(key, hash, after);
    }
  }

  #onSlice({ entries, damaged }: ScanSlice): void {
    for (const { key, row } of entries) this.#onScanned(key, this.#rows.rowDigest(row));
    for (const key of damaged ?? []) this.#onScanned(key, DAMAGED);
  }

  #onScanned(key: Key, state: DigestRead): void {
    const hash = this.#hasher.of(key);
    const leaf = leafOfHash(hash);
    if (leaf < this.#from || leaf >= this.#to || this.#seen.has(key)) return;
    this.#see(key, hash, state);
  }

  #see(key: Key, hash: SipHash, state: DigestRead): void {
    this.#seen.add(key);
    this.counted.count(key, hash, state);
    while (this.#seen.size > this.#limits.seenMax && this.#to - this.#from > 1) this.#giveUpHalf();
  }

  #giveUpHalf(): void {
    const width = Math.ceil((this.#to - this.#from) / 2);
    const { tree, damaged } = this.counted;
    for (let leaf = this.#from + width; leaf < this.#to; leaf++) tree.clear(leaf);
    this.#to = this.#from + width;
    for (const key of this.#seen) if (this.#hasher.leafOf(key) >= this.#to) this.#seen.delete(key);
    for (const key of damaged) if (this.#hasher.leafOf(key) >= this.#to) damaged.delete(key);
  }
}
