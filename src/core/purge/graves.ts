/**
 * Where the tombstones of the keys lie that this node leads: those that were stored in this life
 * are remembered, those of earlier lives are found by one scan of each partition.
 *
 *     stored ─▶ fresh ──a round later──▶ ripe ─▶ taken for a round ─▶ purged
 *                                         ▲                       └─ not clear: put back
 *
 * Values that will expire become tombstones by themselves: their partitions are scanned again now
 * and then. More than can be remembered is left to another scan. That a key is here says only that
 * it had a tombstone: whoever takes it looks.
 */
import type { Key } from "../ring/key.ts";
import type { ScanPosition } from "../storage/engine.ts";
import type { PurgeStore } from "./purge-store.ts";

type Rows = Pick<PurgeStore, "scan" | "mayBeOver" | "tombstoneIn">;

export interface Grave {
  readonly partition: number;
  readonly key: Key;
}

export class Graves {
  readonly #store: Rows;
  readonly #rememberedMax: number;
  #fresh: Map<Key, number> = new Map();
  #ripe: Map<Key, number> = new Map();
  readonly #unclear: Map<Key, number> = new Map();
  /** To be scanned; the first of them from there on. */
  #unscanned: Set<number> = new Set();
  /** There was no room for something of them: to be scanned again. */
  #missed: Set<number> = new Set();
  /** Values in them will expire. */
  readonly #expiring: Set<number> = new Set();
  #from: ScanPosition | undefined = undefined;

  constructor(store: Rows, rememberedMax: number) {
    this.#store = store;
    this.#rememberedMax = rememberedMax;
  }

  get count(): number {
    return this.#fresh.size + this.#ripe.size;
  }

  get isScanned(): boolean {
    return this.#unscanned.size === 0 && this.#missed.size === 0;
  }

  /** Which partitions to look after. */
  own(partitions: readonly number[]): void {
    this.#fresh.clear();
    this.#ripe.clear();
    this.#unclear.clear();
    this.#missed.clear();
    this.#expiring.clear();
    this.#unscanned = new Set(partitions);
    this.#from = undefined;
  }

  /** A row that may be over, now or at some time. */
  onRow(partition: number, key: Key, row: Uint8Array): void {
    if (this.#store.tombstoneIn(row) !== undefined) this.note(partition, key);
    else this.#expiring.add(partition);
  }

  /** Of what was to expire, some may have. */
  rescanExpiring(): void {
    for (const partition of this.#expiring) this.#missed.add(partition);
    this.#expiring.clear();
  }

  note(partition: number, key: Key): void {
    if (this.#ripe.has(key)) return;
    if (this.count < this.#rememberedMax) this.#fresh.set(key, partition);
    else this.#missed.add(partition);
  }

  /** It was not clear. Until the next round it takes nobody's room. */
  putBack(partition: number, key: Key): void {
    if (this.#unclear.size < this.#rememberedMax) this.#unclear.set(key, partition);
    else this.#missed.add(partition);
  }

  /** Looks at the next rows that may be tombstones of an earlier life. */
  scan(rows: number): void {
    if (this.count >= this.#rememberedMax) return;
    if (this.#unscanned.size === 0) {
      [this.#unscanned, this.#missed] = [this.#missed, this.#unscanned];
    }
    const [partition] = this.#unscanned;
    if (partition === undefined) return;
    const { entries, next } = this.#store.scan(partition, this.#from, rows);
    for (const { key, row } of entries) {
      if (this.#store.mayBeOver(row)) this.onRow(partition, key, row);
    }
    this.#from = next;
    if (next === undefined) this.#unscanned.delete(partition);
  }

  /** What was stored before the last call is ripe now. */
  ripen(): void {
    for (const [key, partition] of this.#fresh) this.#ripe.set(key, partition);
    this.#fresh.clear();
    for (const [key, partition] of this.#unclear) this.#ripe.set(key, partition);
    this.#unclear.clear();
  }

  /** Some that are ripe; they are not remembered any longer. */
  take(max: number): readonly Grave[] {
    const taken: Grave[] = [];
    for (const [key, partition] of this.#ripe) {
      if (taken.length === max) break;
      taken.push({ partition, key });
    }
    for (const { key } of taken) this.#ripe.delete(key);
    return taken;
  }
}
