/**
 * How far a store of rows has come: its name, drawn when it was made, and a count that every write
 * to it raises. The identity of a node keeps the mark of its rows, so that rows which were put back
 * by themselves, or are another store's, are not taken for those that the node left.
 *
 *     identity   store A, 250     store A, 250    store A, 250    store A, 0       nothing known
 *     rows       store A, 260     store A, 130    store B, 900    store C, 0       store A, 130
 *                as they should   set back        not these       never written    says nothing
 */
import { bytesEqual } from "../base/bytes.ts";

export interface StoreMark {
  /** Eight bytes. */
  readonly store: Uint8Array;
  /** Never goes down; 0 until the first write, which is also when the name is first stored. */
  readonly writes: number;
}

export const STORE_NAME_BYTES = 8;

/** Whether rows with this mark are not those that a node left which knew the other one. */
export function isBehind(mark: StoreMark | undefined, known: StoreMark | undefined): boolean {
  if (mark === undefined || known === undefined || known.writes === 0) return false;
  return mark.writes < known.writes || !bytesEqual(mark.store, known.store);
}
