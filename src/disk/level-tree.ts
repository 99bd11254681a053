/**
 * The tree of the `classic-level` package as the library engines see one: bytes at places, written
 * in pieces. A piece is one batch of the package and one promise; it walks the tree only while it
 * opens.
 */
import type { ClassicLevel } from "classic-level";
import { binaryOf } from "../core/base/bytes.ts";
import type { Key } from "../core/ring/key.ts";
import { DAMAGED, type EngineStats } from "../core/storage/engine.ts";
import {
  behindIndices,
  behindList,
  indexOfBytes,
  indexOfListPlace,
  isRowPlace,
  keyOfIndexPlace,
  placesOf,
} from "./level-place.ts";
import { type Library, type Piece, REMOVED } from "./library-engine-commits.ts";
import type { LibraryDirectory } from "./library-engine-directory.ts";
import { rowLength, unsealed } from "./library-engine-seal.ts";
import { newMark, type Totals, TOTALS_PLACE, unsealedTotals } from "./library-engine-totals.ts";

/** No key begins with such a byte. */
const BEHIND_ALL = "\xff\xff\xff";

export class LevelTree implements Library {
  readonly #database: ClassicLevel<Uint8Array, Uint8Array>;
  readonly #directory: LibraryDirectory;
  /** A piece that was committed is on the disk, and so are the names of its files. */
  readonly #isSynced: boolean;
  #closing: Promise<void> | undefined = undefined;

  constructor(
    database: ClassicLevel<Uint8Array, Uint8Array>,
    directory: LibraryDirectory,
    isSynced: boolean,
  ) {
    this.#database = database;
    this.#directory = directory;
    this.#isSynced = isSynced;
  }

  read(place: string): Uint8Array | undefined {
    return this.#database.getSync(bytesOf(place));
  }

  async commit(piece: Piece): Promise<void> {
    const rows = Array.from(piece, ([place, value]) => {
      const key = bytesOf(place);
      return value === REMOVED
        ? { type: "del" as const, key }
        : { type: "put" as const, key, value };
    });
    await this.#database.batch(rows, { sync: this.#isSynced });
    if (this.#isSynced) await this.#directory.settle();
  }

  /** How many keys each partition has: one look at the end of each list. */
  async listed(): Promise<number[]> {
    const listed: number[] = [];
    for (let before = await this.#lastBefore(BEHIND_ALL); before !== undefined;) {
      const partition = before.charCodeAt(0) * 0x100 + before.charCodeAt(1);
      // The totals alone are shorter than two bytes.
      if (before.length < 2) break;
      const last = await this.#lastBefore(behindList(partition));
      const index = last === undefined ? undefined : indexOfListPlace(last);
      if (index !== undefined) listed[partition] = index + 1;
      before = await this.#lastBefore(placesOf(partition));
    }
    return listed;
  }

  /** The key that has this index, looked for among all of its partition. */
  async keyAt(partition: number, index: number): Promise<Key | undefined> {
    const range = { gt: bytesOf(behindList(partition)), lt: bytesOf(behindIndices(partition)) };
    for await (const [place, stored] of this.#database.iterator(range)) {
      const bytes = unsealed(stored);
      if (!(bytes instanceof Uint8Array) || indexOfBytes(bytes) !== index) continue;
      return keyOfIndexPlace(binaryOf(place, 0, place.length));
    }
    return undefined;
  }

  async totals(): Promise<Totals> {
    const totals = unsealedTotals(this.read(TOTALS_PLACE));
    if (totals !== undefined && totals !== DAMAGED) return totals;
    return { ...(await this.#recount()), mark: newMark() };
  }

  /**
   * The library's log goes into a table first, synced whatever the policy: when it opens it passes
   * over what is damaged in a log without a word. To compact where nothing lies does no more.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      await this.#database.compactRange(bytesOf(BEHIND_ALL), bytesOf(BEHIND_ALL));
      await this.#directory.settle();
    } finally {
      await this.#database.close();
    }
  }

  async #lastBefore(place: string): Promise<string | undefined> {
    const keys = this.#database.keys({ lt: bytesOf(place), reverse: true, limit: 1 });
    const [last] = await keys.all();
    return last === undefined ? undefined : binaryOf(last, 0, last.length);
  }

  /** Only when nobody ever wrote totals, or they are damaged. */
  async #recount(): Promise<EngineStats> {
    const stats = { keys: 0, bytes: 0 };
    for await (const [place, stored] of this.#database.iterator({ gt: bytesOf(TOTALS_PLACE) })) {
      if (!isRowPlace(place)) continue;
      stats.keys++;
      stats.bytes += place.length - 2 + rowLength(stored);
    }
    return stats;
  }
}

function bytesOf(place: string): Uint8Array {
  return Buffer.from(place, "latin1");
}
