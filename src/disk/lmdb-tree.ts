/**
 * The B+tree of the `lmdb` package as the library engines see one: bytes at places, written in
 * pieces. A piece is one transaction, one call of the package and one promise.
 */
import type { RootDatabase } from "lmdb";
import { DAMAGED, type EngineStats } from "../core/storage/engine.ts";
import { type Library, type Piece, REMOVED } from "./library-engine-commits.ts";
import { newMark, type Totals, TOTALS_PLACE, unsealedTotals } from "./library-engine-totals.ts";
import { entryOf, PLACE_BYTES_MAX } from "./lmdb-place.ts";

export class LmdbTree implements Library {
  readonly #database: RootDatabase<Uint8Array, Uint8Array>;
  /** LMDB copies a key before it returns, so all of them share these bytes. */
  readonly #keyBytes = Buffer.alloc(PLACE_BYTES_MAX);

  #closing: Promise<void> | undefined = undefined;

  constructor(database: RootDatabase<Uint8Array, Uint8Array>) {
    this.#database = database;
  }

  read(place: string): Uint8Array | undefined {
    return this.#database.getBinary(this.#bytesOf(place));
  }

  async commit(piece: Piece): Promise<void> {
    const database = this.#database;
    try {
      await database.batch(() => {
        for (const [place, stored] of piece) {
          if (stored === REMOVED) void database.remove(this.#bytesOf(place));
          else void database.put(this.#bytesOf(place), stored);
        }
      });
    } catch (error) {
      // What went wrong comes as a promise beside the error.
      throw await causeOf(error);
    }
  }

  /** At most so many rows behind one place and before another. */
  range(behind: string, end: string, limit: number): Map<string, Uint8Array> {
    const start = Buffer.from(behind, "latin1");
    const rows = new Map<string, Uint8Array>();
    const options = { start, exclusiveStart: true, end: Buffer.from(end, "latin1"), limit };
    for (const { key, value } of this.#database.getRange(options)) {
      rows.set(Buffer.from(key).toString("latin1"), value);
    }
    return rows;
  }

  totals(): Totals {
    const totals = unsealedTotals(this.read(TOTALS_PLACE));
    if (totals !== undefined && totals !== DAMAGED) return totals;
    return { ...this.#recount(), mark: newMark() };
  }

  close(): Promise<void> {
    this.#closing ??= this.#database.close();
    return this.#closing;
  }

  /** Only when nobody ever wrote totals, or they are damaged. */
  #recount(): EngineStats {
    const stats = { keys: 0, bytes: 0 };
    for (const { key, value } of this.#database.getRange({ start: Buffer.from([0, 0]) })) {
      const entry = entryOf(Buffer.from(key).toString("latin1"), value);
      if (entry === undefined) continue;
      stats.keys++;
      stats.bytes += entry.key.length + entry.row.length;
    }
    return stats;
  }

  #bytesOf(place: string): Uint8Array {
    const length = this.#keyBytes.write(place, "latin1");
    return this.#keyBytes.subarray(0, length);
  }
}

async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !("commitError" in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (cause) {
    return cause;
  }
}
