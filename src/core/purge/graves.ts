/**
 * Where the tombstones of the keys lie that this node leads: those that were stored in this life
 * are remembered, those of earlier lives are found by one scan of each partition.
 *
 *     stored ─▶ fresh ──a round later──▶ ripe ─▶ tried in a round ─▶ done
 *                                         ▲                       └─ not clear: the next but one
 *
 * What was tried takes nobody's room until the next round begins, found again or not, and later not
 * all of the room: those that cannot go for long leave some to others.
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

/** What a question of a round has room for. */
export interface RoundSize {
  readonly keysMax: number;
  readonly bytesMax: number;
}

/** What was tried takes so much of the room at most. */
const AGAIN_SHARE = 3 / 4;

/** Of one in a question, besides its key. */
const TOMBSTONE_BYTES = 10;

export class Graves {
  readonly #store: Rows;
  readonly #rememberedMax: number;
  #fresh: Map<Key, number> = new Map();
  #ripe: Map<Key, number> = new Map();
  readonly #tried: Map<Key, number> = new Map();
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
    this.#tried.clear();
    this.#missed.clear();
    this.#expiring.clear();
    this.#unscanned = new Set(partitions);
    this.#from = undefined;
  }

  /** A row that may be over, now or at some time. */
  onRow(partition: number, key: Key, row: Uint8Array): void {
    if (!this.#hasRoomFor(partition, key, row)) this.#missed.add(partition);
  }

  /** Of what was to expire, some may have. */
  rescanExpiring(): void {
    for (const partition of this.#expiring) this.#missed.add(partition);
    this.#expiring.clear();
  }

  /** It was tried, and is no tombstone any more. */
  done(key: Key): void {
    this.#tried.delete(key);
  }

  /** Looks at the next rows that may be tombstones of an earlier life. */
  scan(rows: number): void {
    const room = this.#rememberedMax - this.count;
    if (room <= 0) return;
    if (this.#unscanned.size === 0) {
      [this.#unscanned, this.#missed] = [this.#missed, this.#unscanned];
    }
    const [partition] = this.#unscanned;
    if (partition === undefined) return;
    // No more than there is room for, whatever they are: nothing is looked at twice.
    const slice = Math.min(rows, room);
    const { entries, next } = this.#store.scan(partition, this.#from, slice);
    for (const { key, row } of entries) {
      if (this.#store.mayBeOver(row)) this.onRow(partition, key, row);
    }
    this.#from = next;
    if (next === undefined) this.#unscanned.delete(partition);
  }

  /** The next round tries what is ripe, as much as it may; what was found meanwhile is ripe. */
  begin({ keysMax, bytesMax }: RoundSize): readonly Grave[] {
    const tried: Grave[] = [];
    let bytes = 0;
    for (const [key, partition] of this.#ripe) {
      bytes += key.length + TOMBSTONE_BYTES;
      if (tried.length === keysMax || (bytes > bytesMax && tried.length > 0)) break;
      tried.push({ partition, key });
    }
    for (const { key } of tried) this.#ripe.delete(key);
    for (const [key, partition] of this.#fresh) this.#ripe.set(key, partition);
    this.#fresh.clear();
    this.#tryAgain();
    this.#tried.clear();
    for (const { key, partition } of tried) this.#tried.set(key, partition);
    return tried;
  }

  #hasRoomFor(partition: number, key: Key, row: Uint8Array): boolean {
    if (this.#store.tombstoneIn(row) === undefined) this.#expiring.add(partition);
    else if (!this.#ripe.has(key) && !this.#tried.has(key) && !this.#fresh.has(key)) {
      if (this.count >= this.#rememberedMax) return false;
      this.#fresh.set(key, partition);
    }
    return true;
  }

  #tryAgain(): void {
    const max = Math.floor(this.#rememberedMax * AGAIN_SHARE);
    for (const [key, partition] of this.#tried) {
      if (this.#ripe.size < max) this.#ripe.set(key, partition);
      else this.#missed.add(partition);
    }
  }
}
