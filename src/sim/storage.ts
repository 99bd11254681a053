/**
 * The simulated disk of one node: an engine whose writes become durable later, or not at all.
 *
 *     write a   write b   write c            visible at once: get answers c
 *     ├ durable ┤├── uncompleted ──┤         a crash keeps a drawn prefix of the uncompleted ones:
 *                                            nothing · b · b and c
 *
 * A log engine with group commit behaves so: completions come in the order of the writes, and what
 * a crash leaves is the log up to some point. Before each write the engine keeps what it replaces,
 * so that a crash can put it back.
 *
 * A full disk stores nothing of a write, so that no `get` ever sees it, and says so when its turn
 * to complete has come. What was written before stays, and becomes durable.
 *
 * The engine outlives its node's process: it is the data directory. `identity.ts` says what a
 * restart finds in it.
 */
import { assert } from "../core/base/assert.ts";
import type { Random } from "../core/base/random.ts";
import type { Instant } from "../core/effects.ts";
import { HINT_PARTITIONS } from "../core/handoff/hints.ts";
import type { Key } from "../core/ring/key.ts";
import type {
  DiskAnswer,
  Engine,
  EngineStats,
  RowEntry,
  RowRead,
  RowWrite,
  ScanPosition,
  ScanSlice,
} from "../core/storage/engine.ts";
import { DAMAGED } from "../core/storage/engine.ts";

export interface DiskOptions {
  /** A sync takes at least `syncMs`, and exponentially more with the given mean. */
  readonly syncMs: number;
  readonly syncMsMean: number;
  /** Probability that a sync stalls, and for how long at most. */
  readonly stallRate: number;
  readonly stallMsMax: number;
}

export const QUICK_DISK: DiskOptions = {
  syncMs: 0.1,
  syncMsMean: 0.4,
  stallRate: 0,
  stallMsMax: 0,
};

/** What the disk needs of the world: the time, and a word later. */
export interface DiskQueue {
  readonly now: Instant;
  /** Has `settle(write)` called after the delay, never at once. */
  complete(delayMs: number, write: number): void;
  onStall(): void;
}

/** How a write ended. */
export interface Settled {
  readonly token: number;
  readonly answer: DiskAnswer;
}

interface Undo {
  /**
   * Number of the write, in order. A token will not do: the node may use one for several writes.
   */
  readonly write: number;
  readonly token: number;
  readonly partition: number;
  readonly key: Key;
  readonly before: RowRead;
}

type Rows = Map<Key, Uint8Array>;

/** All rows as they were visible at one moment, by partition. */
export type RowsCopy = ReadonlyMap<number, ReadonlyMap<Key, Uint8Array>>;

export class SimulatedEngine implements Engine {
  disk: DiskOptions;
  /** There is no room: reads go on, writes are refused. */
  isFull = false;
  readonly #random: Random;
  readonly #queue: DiskQueue;
  readonly #partitions = new Map<number, Rows>();
  /** Rows that cannot be read, by partition and key. */
  readonly #damaged = new Set<string>();
  /** What uncompleted writes replaced, oldest first. Everything before `#settled` is durable. */
  #undo: Undo[] = [];
  /** Tokens of writes that were refused and whose turn has not come, by number. */
  readonly #refused = new Map<number, number>();
  #settled = 0;
  #lastWrite = 0;
  /** When the last write asked for completes: a later one never overtakes it. */
  #lastDoneAt: Instant = 0;

  constructor(random: Random, disk: DiskOptions, queue: DiskQueue) {
    this.#random = random;
    this.disk = disk;
    this.#queue = queue;
  }

  get(partition: number, key: Key): RowRead {
    if (this.#damaged.size > 0 && this.#damaged.has(nameOf(partition, key))) return DAMAGED;
    return this.#partitions.get(partition)?.get(key);
  }

  write(writes: readonly RowWrite[], token: number): void {
    const write = ++this.#lastWrite;
    if (this.isFull) this.#refused.set(write, token);
    else this.#store(writes, write, token);
    const { now } = this.#queue;
    const doneAt = Math.max(now + this.syncMs(), this.#lastDoneAt);
    this.#lastDoneAt = doneAt;
    this.#queue.complete(doneAt - now, write);
  }

  /** The turn of this write has come: it is durable and no crash takes it back, or was refused. */
  settle(write: number): Settled {
    const refused = this.#refused.get(write);
    if (refused !== undefined) {
      this.#refused.delete(write);
      return { token: refused, answer: "full" };
    }
    const undo = this.#undo;
    const first = undo[this.#settled];
    assert(first?.write === write, `write ${write} settles out of order`);
    while (undo[this.#settled]?.write === write) this.#settled++;
    if (this.#settled === undo.length) {
      undo.length = 0;
      this.#settled = 0;
    }
    return { token: first.token, answer: "durable" };
  }

  /** The process died: of the uncompleted writes a drawn prefix survives. */
  crash(): void {
    const pending = this.#undo.slice(this.#settled);
    const oldest = pending[0]?.write ?? this.#lastWrite + 1;
    const lost = this.#random.between(oldest, this.#lastWrite + 1);
    for (const { write, partition, key, before } of pending.toReversed()) {
      if (write >= lost) this.#put(partition, key, before);
    }
    this.settleAll();
  }

  /** A graceful stop: everything written is durable. */
  settleAll(): void {
    this.#undo = [];
    this.#refused.clear();
    this.#settled = 0;
    this.#lastDoneAt = 0;
  }

  /** The disk was replaced by an empty one. */
  wipe(): void {
    this.#partitions.clear();
    this.#damaged.clear();
    this.isFull = false;
    this.settleAll();
  }

  copy(): RowsCopy {
    return new Map([...this.#partitions].map(([number, rows]) => [number, new Map(rows)]));
  }

  /** An older copy of the disk was put in its place; the copy stays as it is. */
  restore(copy: RowsCopy): void {
    this.wipe();
    for (const [number, rows] of copy) this.#partitions.set(number, new Map(rows));
  }

  /**
   * From here on the row cannot be read, until somebody writes it. False when there is no such row.
   */
  damage(partition: number, key: Key): boolean {
    if (this.#partitions.get(partition)?.has(key) !== true) return false;
    this.#damaged.add(nameOf(partition, key));
    return true;
  }

  /** The row as a crash would leave it that loses every uncompleted write. */
  durable(partition: number, key: Key): RowRead {
    for (let i = this.#settled; i < this.#undo.length; i++) {
      const undo = this.#undo[i]!;
      if (undo.key === key && undo.partition === partition) return undo.before;
    }
    return this.get(partition, key);
  }

  flush(): void {
    // Every write is on its way by itself.
  }

  scan(partition: number, from: ScanPosition | undefined, limit: number): ScanSlice {
    const rows = this.#partitions.get(partition);
    if (rows === undefined) return { entries: [], next: undefined };
    const keys = [...rows.keys()].filter((key) => from === undefined || key > from).sort(byKey);
    const slice = keys.slice(0, limit);
    const readable = slice.filter((key) => !this.#damaged.has(nameOf(partition, key)));
    const entries = readable.map((key) => ({ key, row: rows.get(key)! }));
    return { entries, next: slice.length < keys.length ? slice.at(-1) : undefined };
  }

  /** Every readable row that is no hint, by partition and key. */
  *rows(): IterableIterator<RowEntry> {
    for (const partition of [...this.#partitions.keys()].sort((left, right) => left - right)) {
      if (partition >= HINT_PARTITIONS) break;
      yield* this.scan(partition, undefined, Infinity).entries;
    }
  }

  stats(): EngineStats {
    let keys = 0;
    let bytes = 0;
    for (const rows of this.#partitions.values()) {
      keys += rows.size;
      for (const [key, row] of rows) bytes += key.length + row.length;
    }
    return { keys, bytes };
  }

  close(closed: () => void): void {
    this.settleAll();
    closed();
  }

  /** How long the next sync takes. */
  syncMs(): number {
    const { syncMs, syncMsMean, stallRate, stallMsMax } = this.disk;
    const usual = syncMs + this.#random.exponential(syncMsMean);
    if (stallRate === 0 || !this.#random.chance(stallRate)) return usual;
    this.#queue.onStall();
    return usual + this.#random.fraction() * stallMsMax;
  }

  #store(writes: readonly RowWrite[], write: number, token: number): void {
    for (const { partition, key, row } of writes) {
      this.#undo.push({ write, token, partition, key, before: this.get(partition, key) });
      this.#put(partition, key, row);
    }
  }

  #put(partition: number, key: Key, row: RowRead): void {
    if (row === DAMAGED) {
      this.#damaged.add(nameOf(partition, key));
      return;
    }
    if (this.#damaged.size > 0) this.#damaged.delete(nameOf(partition, key));
    let rows = this.#partitions.get(partition);
    if (rows === undefined) {
      rows = new Map();
      this.#partitions.set(partition, rows);
    }
    if (row === undefined) rows.delete(key);
    else rows.set(key, row);
  }
}

function nameOf(partition: number, key: Key): string {
  return `${partition} ${key}`;
}

function byKey(left: Key, right: Key): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
