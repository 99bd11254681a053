/**
 * The tree of the `classic-level` package as the library engines see one: bytes at places, written
 * in pieces. A piece is one batch of the package and one promise; it walks the tree only while it
 * opens.
 */
import type { ClassicLevel } from "classic-level";
import { binaryOf } from "../core/base/bytes.ts";
import { DAMAGED, type EngineStats } from "../core/storage/engine.ts";
import { behindList, indexOfListPlace, isRowPlace, placesOf } from "./level-place.ts";
import { type Library, type Piece, REMOVED } from "./library-engine-commits.ts";
import type { LibraryDirectory } from "./library-engine-directory.ts";
import { rowLength } from "./library-engine-seal.ts";
import { TOTALS_PLACE, unsealedTotals } from "./library-engine-totals.ts";

export class LevelTree implements Library {
  readonly #database: ClassicLevel<Uint8Array, Uint8Array>;
  /** When its names must be durable too. */
  readonly #synced: LibraryDirectory | undefined;

  constructor(
    database: ClassicLevel<Uint8Array, Uint8Array>,
    synced: LibraryDirectory | undefined,
  ) {
    this.#database = database;
    this.#synced = synced;
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
    await this.#database.batch(rows, { sync: this.#synced !== undefined });
    await this.#synced?.settle();
  }

  /** How many keys each partition has: one look at the end of each list. */
  async listed(): Promise<number[]> {
    const listed: number[] = [];
    for (let before = await this.#lastBefore("\xff\xff\xff"); before !== undefined;) {
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

  async totals(): Promise<EngineStats> {
    const totals = unsealedTotals(this.read(TOTALS_PLACE));
    if (totals !== undefined && totals !== DAMAGED) return totals;
    return this.#recount();
  }

  close(): Promise<void> {
    return this.#database.close();
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
