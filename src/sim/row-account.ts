/**
 * What a storage was given and what it has said of it, row by row: so that a checker can look at a
 * node without making its disk turn.
 *
 *     write a, b, c      visible: a b c     durable:
 *     completed a        visible: a b c     durable: a
 *     restart            both as the storage then reads them
 */
import { assert } from "../core/base/assert.ts";
import { bytesEqual } from "../core/base/bytes.ts";
import type { Key } from "../core/ring/key.ts";
import type { RowEntry, RowRead, RowWrite } from "../core/storage/engine.ts";
import { DAMAGED } from "../core/storage/engine.ts";

interface Pending {
  readonly number: number;
  readonly writes: readonly RowWrite[];
}

export class RowAccount {
  readonly #visible: Map<Key, RowRead> = new Map();
  readonly #durable: Map<Key, RowRead> = new Map();
  /** Of every key that was ever written here, or may have been. */
  readonly #partitions: Map<Key, number> = new Map();
  #pending: Pending[] = [];

  visible(key: Key): RowRead {
    return this.#visible.get(key);
  }

  durable(key: Key): RowRead {
    return this.#visible.get(key) === DAMAGED ? DAMAGED : this.#durable.get(key);
  }

  *rows(): IterableIterator<RowEntry> {
    for (const [key, row] of this.#visible) {
      if (row !== undefined && row !== DAMAGED) yield { key, row };
    }
  }

  write(writes: readonly RowWrite[], number: number): void {
    for (const { partition, key, row } of writes) {
      this.#visible.set(key, row);
      this.#partitions.set(key, partition);
    }
    this.#pending.push({ number, writes });
  }

  complete(number: number): void {
    const first = this.#pending.shift();
    assert(first?.number === number, `write ${number} is durable before ${first?.number}`);
    for (const { key, row } of first.writes) this.#durable.set(key, row);
  }

  damage(partition: number, key: Key): void {
    this.#partitions.set(key, partition);
    this.#visible.set(key, DAMAGED);
  }

  /** A row that was damaged has been found. */
  find(key: Key, row: RowRead): void {
    this.#visible.set(key, row);
    this.#durable.set(key, row);
  }

  /** Answers the keys whose durable rows are damaged now, or are not there. */
  reload(read: (partition: number, key: Key) => RowRead): readonly Key[] {
    const lost: Key[] = [];
    for (const [key, partition] of this.#partitions) {
      const row = read(partition, key);
      if (this.#isLost(key, row)) lost.push(key);
      this.#visible.set(key, row);
      this.#durable.set(key, row);
    }
    this.#pending = [];
    return lost;
  }

  #isLost(key: Key, row: RowRead): boolean {
    if (row === DAMAGED) return this.#visible.get(key) !== DAMAGED;
    if (isSame(row, this.#durable.get(key))) return false;
    return !this.#pending.some(({ writes }) =>
      writes.some((write) => write.key === key && isSame(row, write.row)),
    );
  }
}

function isSame(left: RowRead, right: RowRead): boolean {
  if (left === undefined || right === undefined || left === DAMAGED || right === DAMAGED) {
    return left === right;
  }
  return bytesEqual(left, right);
}
