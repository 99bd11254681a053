/**
 * How many rows a library holds and how many bytes they are: what an engine answers for its
 * statistics. Counting them at every opening would read every row, so they are a row themselves,
 * written in the same piece as the rows that changed them: one small row more for each piece. In it
 * stands the mark of the store too: its name, and how many pieces it has got.
 *
 *     stored   [CRC-32C u32 | keys f64 | bytes f64 | pieces f64 | name u8 x 8]
 *
 * Earlier releases have left it without pieces and name.
 */
import { randomBytes } from "node:crypto";
import { DAMAGED, type EngineStats, type RowRead } from "../core/storage/engine.ts";
import { STORE_NAME_BYTES, type StoreMark } from "../core/storage/store-mark.ts";
import { sealed, unsealed } from "./library-engine-seal.ts";

export interface Totals extends EngineStats {
  readonly mark: StoreMark;
}

/** Before the places of all rows, which begin with two bytes for their partition. */
export const TOTALS_PLACE = "\0";

const STATS_BYTES = 16;
const NAME_AT = 24;
const TOTALS_BYTES: number = NAME_AT + STORE_NAME_BYTES;

export function sealedTotals({ keys, bytes, mark }: Totals): Uint8Array {
  const totals = new Uint8Array(TOTALS_BYTES);
  const view = new DataView(totals.buffer);
  view.setFloat64(0, keys);
  view.setFloat64(8, bytes);
  view.setFloat64(STATS_BYTES, mark.writes);
  totals.set(mark.store, NAME_AT);
  return sealed(totals);
}

/** Nothing when they were never written; damaged ones have to be counted anew. */
export function unsealedTotals(stored: RowRead): Totals | undefined | typeof DAMAGED {
  const totals = unsealed(stored);
  if (totals === undefined || totals === DAMAGED) return totals;
  if (totals.length !== STATS_BYTES && totals.length !== TOTALS_BYTES) return DAMAGED;
  const view = new DataView(totals.buffer, totals.byteOffset, totals.length);
  const stats = { keys: view.getFloat64(0), bytes: view.getFloat64(8) };
  if (totals.length === STATS_BYTES) return { ...stats, mark: newMark() };
  const store = totals.slice(NAME_AT);
  return { ...stats, mark: { store, writes: view.getFloat64(STATS_BYTES) } };
}

/** Of a store that has no name yet. */
export function newMark(): StoreMark {
  return { store: new Uint8Array(randomBytes(STORE_NAME_BYTES)), writes: 0 };
}
