/**
 * The engine over LevelDB: a log-structured tree. For rows written more often than read, and more
 * of them than memory holds.
 *
 * The library walks its tree only asynchronously, and a scan must answer at once. So every key is
 * listed when its first row is written, in the same piece, and a scan reads the list by number. No
 * key is ever removed, so a position is the number of keys before it. A key costs a second small
 * row, and a scan two look-ups for each of its rows.
 *
 * `always` waits for the sync of the library's log, and then for the names of its files: LevelDB
 * begins a new log file every few MiB and goes on without a sync of the directory. The other
 * policies confirm what the operating system has: it survives the end of the process, not of the
 * power.
 */
import { assert } from "../core/base/assert.ts";
import { binaryOf } from "../core/base/bytes.ts";
import type { Key } from "../core/ring/key.ts";
import {
  DAMAGED,
  type Engine,
  type EngineEvents,
  type EngineStats,
  type RowEntry,
  type RowRead,
  type RowWrite,
  type ScanPosition,
  type ScanSlice,
} from "../core/storage/engine.ts";
import { LibraryCommits } from "./library-engine-commits.ts";
import { LibraryDirectory } from "./library-engine-directory.ts";
import { loaded } from "./library-engine-missing.ts";
import { rowLength, sealed, unsealed } from "./library-engine-seal.ts";
import { listPlace, placesOf } from "./level-place.ts";
import { LevelTree } from "./level-tree.ts";

export interface LevelOptions {
  readonly sync?: "always" | "interval" | "never";
  /** How many bytes the disk has left; what the file system says, unless a test knows better. */
  readonly freeBytes?: () => number;
}

const ROWS_FILE = /^\d+\.(log|ldb|sst)$/;

export class LevelEngine implements Engine {
  readonly #commits: LibraryCommits;
  /** Keys of each partition. */
  readonly #listed: number[];

  private constructor(commits: LibraryCommits, listed: number[]) {
    this.#commits = commits;
    this.#listed = listed;
  }

  /**
   * Opens the rows in this directory; the engine starts when its events are known. Rejects with
   * `LibraryMissing` without the package, with the error of the library when it cannot open: also
   * when another process has the directory open.
   */
  static async open(
    path: string,
    options: LevelOptions = {},
  ): Promise<(events: EngineEvents) => LevelEngine> {
    const { ClassicLevel } = await loaded("classic-level", () => import("classic-level"));
    const directory = new LibraryDirectory(path);
    const database = new ClassicLevel<Uint8Array, Uint8Array>(directory.path, {
      keyEncoding: "view",
      valueEncoding: "view",
      // It would take files without the one that names them for none, and remove them.
      createIfMissing: !directory.has(ROWS_FILE),
    });
    await database.open();
    await directory.settleAll();
    const isSynced = (options.sync ?? "always") === "always";
    const tree = new LevelTree(database, isSynced ? directory : undefined);
    const totals = await tree.totals();
    const listed = await tree.listed();
    const freeBytes = options.freeBytes ?? ((): number => directory.freeBytes());
    return (events) => new LevelEngine(new LibraryCommits(tree, events, totals, freeBytes), listed);
  }

  get(partition: number, key: Key): RowRead {
    return unsealed(this.#commits.read(placesOf(partition) + key));
  }

  write(writes: readonly RowWrite[], token: number): void {
    let bytes = 0;
    for (const { key, row } of writes) bytes += key.length + row.length;
    const hasRoom = this.#commits.takeRoom(writes.length, bytes);
    if (hasRoom) for (const write of writes) this.#put(write);
    this.#commits.end(token, hasRoom ? "durable" : "full");
  }

  flush(): void {
    this.#commits.flush();
  }

  /** In the order of the first writes of the keys. */
  scan(partition: number, from: ScanPosition | undefined, limit: number): ScanSlice {
    assert(limit > 0, `scan limit ${limit}`);
    const first = Number(from ?? 0);
    const count = this.#listed[partition] ?? 0;
    const end = Math.min(first + limit, count);
    const entries: RowEntry[] = [];
    const damaged: Key[] = [];
    for (let index = first; index < end; index++) {
      const key = this.#keyAt(partition, index);
      const row = key === undefined ? undefined : this.get(partition, key);
      if (key === undefined || row === undefined) continue;
      if (row === DAMAGED) damaged.push(key);
      else entries.push({ key, row });
    }
    const next = end < count ? end : undefined;
    return damaged.length === 0 ? { entries, next } : { entries, next, damaged };
  }

  stats(): EngineStats {
    return this.#commits.stats();
  }

  close(closed: () => void): void {
    this.#commits.close(closed);
  }

  #put({ partition, key, row }: RowWrite): void {
    const place = placesOf(partition) + key;
    const stored = this.#commits.read(place);
    if (stored === undefined) {
      this.#list(partition, key);
      this.#commits.count(1, key.length + row.length);
    } else {
      // Of a row that the library cannot read not even the length is known.
      this.#commits.count(0, row.length - (stored === DAMAGED ? 0 : rowLength(stored)));
    }
    this.#commits.put(place, sealed(row));
  }

  #list(partition: number, key: Key): void {
    const index = this.#listed[partition] ?? 0;
    this.#commits.put(listPlace(partition, index), sealed(Buffer.from(key, "latin1")));
    this.#listed[partition] = index + 1;
  }

  /** A damaged place in the list names nobody. */
  #keyAt(partition: number, index: number): Key | undefined {
    const listed = unsealed(this.#commits.read(listPlace(partition, index)));
    if (listed === undefined || listed === DAMAGED) return undefined;
    return binaryOf(listed, 0, listed.length) as Key;
  }
}
