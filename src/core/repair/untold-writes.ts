/**
 * Writes that the trees have not been told of yet.
 *
 *     write a, write b, write a, write a   ──a while later──▶   a: what it was ─▶ what it is
 *                                                               b: what it was ─▶ what it is
 *
 * A tree is moved by the difference of two digests, and to hash them costs more than the write
 * itself. So a write only leaves what was there before it, and only the first of a key does; the
 * trees are told later, of all of them at once, in slices. Whoever looks at a tree has it told
 * first, so nobody sees the difference.
 */
import type { Key } from "../ring/key.ts";
import type { RowRead } from "../storage/engine.ts";
import { ABSENT_DIGEST } from "../causality/record-codec.ts";
import { DAMAGED } from "../storage/engine.ts";
import type { DigestRead, RowScan } from "./repair-store.ts";

export type Tell = (partition: number, key: Key, before: DigestRead) => void;

export class UntoldWrites {
  readonly #rows: RowScan;
  readonly #byPartition: (Map<Key, DigestRead> | undefined)[] = [];
  /** Partitions that have some, and maybe some that have none any more. */
  #touched: number[] = [];
  #count = 0;

  constructor(rows: RowScan) {
    this.#rows = rows;
  }

  get count(): number {
    return this.#count;
  }

  /** A row is about to be stored in place of `before`. */
  add(partition: number, key: Key, before: RowRead): void {
    let writes = this.#byPartition[partition];
    if (writes === undefined) {
      writes = new Map();
      this.#byPartition[partition] = writes;
      this.#touched.push(partition);
    } else if (writes.has(key)) {
      return;
    }
    writes.set(key, this.#digestOf(before));
    this.#count++;
  }

  /** Of one partition, all. */
  tellOf(partition: number, tell: Tell): void {
    const writes = this.#byPartition[partition];
    if (writes === undefined) return;
    this.#byPartition[partition] = undefined;
    this.#count -= writes.size;
    for (const [key, before] of writes) tell(partition, key, before);
  }

  /** Of all partitions, about so many. */
  tellSome(count: number, tell: Tell): void {
    let left = count;
    while (left > 0) {
      const partition = this.#touched.pop();
      if (partition === undefined) return;
      left -= this.#byPartition[partition]?.size ?? 0;
      this.tellOf(partition, tell);
    }
  }

  #digestOf(row: RowRead): DigestRead {
    if (row === undefined) return ABSENT_DIGEST;
    return row === DAMAGED ? DAMAGED : this.#rows.rowDigest(row);
  }
}
