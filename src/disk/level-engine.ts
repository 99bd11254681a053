/**
 * The engine over LevelDB: a log-structured tree. For rows written more often than read, and more
 * of them than memory holds.
 *
 * The library walks its tree only asynchronously, and a scan must answer at once. So every key is
 * listed when its first row is written, in the same piece, and a scan reads the list by index. The
 * index of a key never changes; that of a removed one is for the next new key. A key costs two more
 * small rows, and a scan two look-ups for each of its rows. A damaged place in the list names
 * nobody: the first scan that meets it misses its key, and has the place written anew from the
 * index of the key.
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
  type EngineStats,
  type RowEntry,
  type RowRead,
  type RowWrite,
  type ScanPosition,
  type ScanSlice,
} from "../core/storage/engine.ts";
import type { StoreMark } from "../core/storage/store-mark.ts";
import { LibraryCommits } from "./library-engine-commits.ts";
import { LibraryDirectory } from "./library-engine-directory.ts";
import { loaded } from "./library-engine-missing.ts";
import { rowLength, sealed, unsealed } from "./library-engine-seal.ts";
import { bytesOfIndex, indexOfBytes, indexPlace, listPlace, placesOf } from "./level-place.ts";
import { LevelTree } from "./level-tree.ts";
import { type LibraryEngine, type OpenedLibrary, orClosed } from "./opened-library.ts";

export interface LevelOptions {
  readonly sync?: "always" | "interval" | "never";
  /** How many bytes the disk has left; what the file system says, unless a test knows better. */
  readonly freeBytes?: () => number;
}

/** So many free indices of a partition are remembered; a scan finds the others again. */
const FREE_MAX = 4096;
const ROWS_FILE = /^\d+\.(log|ldb|sst)$/;

export class LevelEngine implements LibraryEngine {
  readonly #tree: LevelTree;
  readonly #commits: LibraryCommits;
  /** By partition: every index that is taken is below. */
  readonly #listed: number[];
  /** By partition. */
  readonly #free: (Set<number> | undefined)[] = [];

  /** Places in the lists that were found to be damaged. */
  readonly #met: Set<string> = new Set();

  private constructor(tree: LevelTree, commits: LibraryCommits, listed: number[]) {
    this.#tree = tree;
    this.#commits = commits;
    this.#listed = listed;
  }

  /**
   * Opens the rows in this directory; the engine starts when its events are known. Rejects with
   * `LibraryMissing` without the package, with the error of the library when it cannot open: also
   * when another process has the directory open.
   */
  static async open(path: string, options: LevelOptions = {}): Promise<OpenedLibrary> {
    const { ClassicLevel } = await loaded("classic-level", () => import("classic-level"));
    const directory = new LibraryDirectory(path);
    const database = new ClassicLevel<Uint8Array, Uint8Array>(directory.path, {
      keyEncoding: "view",
      valueEncoding: "view",
      // It would take files without the one that names them for none, and remove them.
      createIfMissing: !directory.has(ROWS_FILE),
    });
    await database.open();
    const isSynced = (options.sync ?? "always") === "always";
    const tree = new LevelTree(database, directory, isSynced);
    const { totals, listed } = await orClosed(tree, async () => {
      await directory.settleAll();
      return { totals: await tree.totals(), listed: await tree.listed() };
    });
    const freeBytes = options.freeBytes ?? ((): number => directory.freeBytes());
    return {
      mark: totals.mark,
      isEmpty: totals.keys === 0 && totals.mark.writes === 0,
      begin: (events) => {
        const commits = new LibraryCommits(tree, events, totals, freeBytes);
        return new LevelEngine(tree, commits, listed);
      },
      close: () => tree.close(),
    };
  }

  get(partition: number, key: Key): RowRead {
    return unsealed(this.#commits.read(placesOf(partition) + key));
  }

  write(writes: readonly RowWrite[], token: number): void {
    const hasRoom = this.#commits.takeRoom(writes);
    if (hasRoom) for (const write of writes) this.#put(write);
    this.#commits.end(token, hasRoom ? "durable" : "full");
  }

  flush(): void {
    this.#commits.flush();
  }

  /** In the order of the indices. */
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

  get mark(): StoreMark {
    return this.#commits.mark;
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
    if (row === undefined) return this.#remove(partition, key, place, stored);
    if (stored === undefined) {
      this.#list(partition, key);
      this.#commits.count(1, key.length + row.length);
    } else {
      // Of a row that the library cannot read not even the length is known.
      this.#commits.count(0, row.length - (stored === DAMAGED ? 0 : rowLength(stored)));
    }
    this.#commits.put(place, sealed(row));
  }

  #remove(partition: number, key: Key, place: string, stored: RowRead): void {
    if (stored === undefined) return;
    const rowBytes = stored === DAMAGED ? 0 : rowLength(stored);
    this.#commits.count(-1, -key.length - rowBytes);
    this.#commits.remove(place);
    const index = this.#indexOf(partition, key);
    this.#commits.remove(indexPlace(partition, key));
    if (index === undefined) return;
    this.#commits.remove(listPlace(partition, index));
    this.#setFree(partition, index);
  }

  #list(partition: number, key: Key): void {
    const index = this.#takeFree(partition) ?? this.#listed[partition] ?? 0;
    this.#commits.put(listPlace(partition, index), sealed(Buffer.from(key, "latin1")));
    this.#commits.put(indexPlace(partition, key), sealed(bytesOfIndex(index)));
    this.#listed[partition] = Math.max(this.#listed[partition] ?? 0, index + 1);
  }

  /** Without its index, which may be damaged, the key is looked for in the whole list. */
  #indexOf(partition: number, key: Key): number | undefined {
    const stored = unsealed(this.#commits.read(indexPlace(partition, key)));
    const known = stored instanceof Uint8Array ? indexOfBytes(stored) : undefined;
    if (known !== undefined) return known;
    for (let index = 0; index < (this.#listed[partition] ?? 0); index++) {
      if (this.#keyAt(partition, index) === key) return index;
    }
    return undefined;
  }

  #keyAt(partition: number, index: number): Key | undefined {
    const listed = unsealed(this.#commits.read(listPlace(partition, index)));
    if (listed === undefined) this.#setFree(partition, index);
    if (listed === DAMAGED) this.#mend(partition, index);
    if (listed === undefined || listed === DAMAGED) return undefined;
    return binaryOf(listed, 0, listed.length) as Key;
  }

  /** Once for each place. What is put goes with the next piece; until then it is visible. */
  #mend(partition: number, index: number): void {
    const place = listPlace(partition, index);
    if (this.#met.has(place)) return;
    this.#met.add(place);
    const put = (key: Key | undefined): void => {
      // Meanwhile it may have been removed, and the place given to another key.
      if (key === undefined || this.#indexOf(partition, key) !== index) return;
      if (unsealed(this.#commits.read(place)) !== DAMAGED) return;
      this.#commits.put(place, sealed(Buffer.from(key, "latin1")));
    };
    // A tree that was closed, or cannot be walked, leaves the place as it is.
    this.#tree.keyAt(partition, index).then(put, () => {});
  }

  #setFree(partition: number, index: number): void {
    const free = (this.#free[partition] ??= new Set());
    if (free.size < FREE_MAX) free.add(index);
  }

  #takeFree(partition: number): number | undefined {
    const free = this.#free[partition];
    const index: number | undefined = free?.values().next().value;
    if (index !== undefined) free!.delete(index);
    return index;
  }
}
