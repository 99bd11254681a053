/**
 * The engine over LMDB: a B+tree in one file, read through a mapping of it into memory. For more
 * keys than memory holds, read far more often than written.
 *
 * A piece of rows is one transaction. LMDB writes its pages, syncs, then writes the page that makes
 * them count, through a handle that syncs by itself; only then the piece is confirmed. The library
 * also offers to write that page before the sync, and to leave the syncs out: neither is used here.
 * The mapping grows with the file; its end is the end of the disk.
 *
 * LMDB lets several processes open one directory. Whoever opens it keeps others out.
 */
import { assert } from "../core/base/assert.ts";
import { EMPTY_BYTES } from "../core/base/bytes.ts";
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
import { LibraryCommits, REMOVED } from "./library-engine-commits.ts";
import { LibraryDirectory } from "./library-engine-directory.ts";
import { loaded } from "./library-engine-missing.ts";
import { rowLength, sealed, unsealed } from "./library-engine-seal.ts";
import {
  bytesBeforeRow,
  digestOf,
  entryOf,
  isLong,
  isLongPlace,
  isVacant,
  keyAt,
  keyBefore,
  longPlaces,
  nextSlot,
  placesOf,
  rowBehind,
  shortPlace,
  slotPlace,
  withKey,
  type Digest,
} from "./lmdb-place.ts";
import { LmdbTree } from "./lmdb-tree.ts";
import { type LibraryEngine, type OpenedLibrary, orClosed } from "./opened-library.ts";

export interface LmdbOptions {
  /** How many bytes the disk has left; what the file system says, unless a test knows better. */
  readonly freeBytes?: () => number;
  /** The digest of long keys, to make them collide in a test. */
  readonly digest?: Digest;
}

const SETTINGS = {
  // A name with a dot in it is a directory too.
  noSubdir: false,
  encoding: "binary",
  keyEncoding: "binary",
  overlappingSync: false,
  // A batch is in one piece without it. With it, a failed one also rejects a promise that nobody
  // can reach, and ends the process without a word.
  eventTurnBatching: false,
} as const;

const SLOTS = 256;
/** Behind every place of its partition: no bucket begins with this byte. */
const BEHIND_ALL = "\xff";

/** Where a key lies, or would lie, and the stored bytes there. */
interface Spot {
  readonly place: string;
  readonly stored: RowRead;
  /** Slots before it that may be those of the key. */
  readonly damaged: readonly string[];
}

const NO_PLACES: readonly string[] = [];

export class LmdbEngine implements LibraryEngine {
  readonly #tree: LmdbTree;
  readonly #commits: LibraryCommits;
  readonly #digest: Digest;

  private constructor(tree: LmdbTree, commits: LibraryCommits, digest: Digest) {
    this.#tree = tree;
    this.#commits = commits;
    this.#digest = digest;
  }

  /**
   * Opens the rows in this directory; the engine starts when its events are known. Rejects with
   * `LibraryMissing` without the package, with the error of the library when it cannot open.
   */
  static async open(path: string, options: LmdbOptions = {}): Promise<OpenedLibrary> {
    const lmdb = await loaded("lmdb", () => import("lmdb"));
    const directory = new LibraryDirectory(path);
    const database = lmdb.open<Uint8Array, Uint8Array>({ path: directory.path, ...SETTINGS });
    const tree = new LmdbTree(database);
    const totals = await orClosed(tree, async () => {
      await directory.settleAll();
      return tree.totals();
    });
    const freeBytes = options.freeBytes ?? ((): number => directory.freeBytes());
    return {
      mark: totals.mark,
      isEmpty: totals.keys === 0 && totals.mark.writes === 0,
      begin: (events) => {
        const commits = new LibraryCommits(tree, events, totals, freeBytes);
        return new LmdbEngine(tree, commits, options.digest ?? digestOf);
      },
      close: () => tree.close(),
    };
  }

  get(partition: number, key: Key): RowRead {
    const { place, stored } = this.#find(partition, key);
    const row = unsealed(stored);
    return isLongPlace(place) && row instanceof Uint8Array ? rowBehind(row) : row;
  }

  write(writes: readonly RowWrite[], token: number): void {
    const hasRoom = this.#commits.takeRoom(writes);
    if (hasRoom) for (const write of writes) this.#put(write);
    this.#commits.end(token, hasRoom ? "durable" : "full");
  }

  flush(): void {
    this.#commits.flush();
  }

  /** In the order of places, which is nearly that of keys. */
  scan(partition: number, from: ScanPosition | undefined, limit: number): ScanSlice {
    assert(limit > 0, `scan limit ${limit}`);
    const beginning = placesOf(partition);
    const behind = from === undefined ? beginning : String(from);
    // One more tells whether this slice is the last.
    const range = this.#range(behind, beginning + BEHIND_ALL, limit + 1);
    const places = new Set([...range.keys(), ...this.#commits.unwritten(beginning, behind)]);
    const inOrder = [...places].sort((left, right) => (left < right ? -1 : 1));
    const entries: RowEntry[] = [];
    const damaged: Key[] = [];
    for (const place of inOrder.slice(0, limit)) {
      const stored = this.#commits.unwrittenAt(place) ?? range.get(place)!;
      if (stored === REMOVED || isVacant(place, stored)) continue;
      const entry = entryOf(place, stored);
      if (entry === undefined) damaged.push(keyAt(place));
      else entries.push(entry);
    }
    const next = inOrder.length > limit ? inOrder[limit - 1] : undefined;
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
    const spot = this.#find(partition, key);
    if (row === undefined) return this.#remove(key, spot);
    const { place, stored } = spot;
    const before = heldBytes(place, key, stored);
    const isNew = stored === undefined;
    this.#commits.count(isNew ? 1 : 0, row.length + (isNew ? key.length : 0) - before);
    this.#commits.put(place, sealed(isLongPlace(place) ? withKey(key, row) : row));
  }

  /** A damaged slot goes with the key: that it is another one's is as good as impossible. */
  #remove(key: Key, { place, stored, damaged }: Spot): void {
    if (stored === undefined) return;
    this.#commits.count(-1, -key.length - heldBytes(place, key, stored));
    this.#vacate(place);
    for (const other of damaged.toReversed()) this.#vacate(other);
  }

  #vacate(place: string): void {
    const isPassed = isLongPlace(place) && this.#commits.read(nextSlot(place)) !== undefined;
    if (isPassed) this.#commits.put(place, sealed(EMPTY_BYTES));
    else this.#commits.remove(place);
  }

  #find(partition: number, key: Key): Spot {
    if (isLong(key)) return this.#findLong(partition, key);
    const place = shortPlace(partition, key);
    return { place, stored: this.#commits.read(place), damaged: NO_PLACES };
  }

  /**
   * A damaged slot may be that of the key or not. So long as it is not found behind it, the key is
   * damaged and not absent; its next write goes to the first free slot, where it is found again.
   */
  #findLong(partition: number, key: Key): Spot {
    const places = longPlaces(partition, key, this.#digest(key));
    const damaged: string[] = [];
    let vacant: string | undefined = undefined;
    for (let slot = 0; slot < SLOTS; slot++) {
      const place = slotPlace(places, slot);
      const stored = this.#commits.read(place);
      const content = unsealed(stored);
      if (content === undefined) {
        return {
          place: vacant ?? place,
          stored: damaged.length > 0 ? DAMAGED : undefined,
          damaged,
        };
      }
      if (content === DAMAGED) damaged.push(place);
      else if (content.length === 0) vacant ??= place;
      else if (keyBefore(content) === key) return { place, stored, damaged };
    }
    throw new Error(`${SLOTS} keys of one digest`);
  }

  /** A tree that cannot be walked is not a partition without rows: the node must stop. */
  #range(behind: string, end: string, limit: number): Map<string, Uint8Array> {
    try {
      return this.#tree.range(behind, end, limit);
    } catch (error) {
      this.#commits.fail(`the rows could not be scanned: ${String(error)}`);
      return new Map();
    }
  }
}

/** What the statistics hold for the row that is there. */
function heldBytes(place: string, key: Key, stored: RowRead): number {
  if (stored === undefined || stored === DAMAGED) return 0;
  const length = rowLength(stored);
  return isLongPlace(place) ? length - bytesBeforeRow(key) : length;
}
