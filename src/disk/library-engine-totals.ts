/**
 * How many rows a library holds and how many bytes they are: what an engine answers for its
 * statistics. Counting them at every opening would read every row, so they are a row themselves,
 * written in the same piece as the rows that changed them: one small row more for each piece.
 *
 *     stored   [CRC-32C u32 | keys f64 | bytes f64]
 */
import { DAMAGED, type EngineStats, type RowRead } from "../core/storage/engine.ts";
import { sealed, unsealed } from "./library-engine-seal.ts";

/** Before the places of all rows, which begin with two bytes for their partition. */
export const TOTALS_PLACE = "\0";

const TOTALS_BYTES = 16;

export function sealedTotals({ keys, bytes }: EngineStats): Uint8Array {
  const view = new DataView(new ArrayBuffer(TOTALS_BYTES));
  view.setFloat64(0, keys);
  view.setFloat64(8, bytes);
  return sealed(new Uint8Array(view.buffer));
}

/** Nothing when they were never written; damaged ones have to be counted anew. */
export function unsealedTotals(stored: RowRead): EngineStats | undefined | typeof DAMAGED {
  const totals = unsealed(stored);
  if (totals === undefined || totals === DAMAGED) return totals;
  if (totals.length !== TOTALS_BYTES) return DAMAGED;
  const view = new DataView(totals.buffer, totals.byteOffset, totals.length);
  return { keys: view.getFloat64(0), bytes: view.getFloat64(8) };
}
