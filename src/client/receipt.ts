/**
 * What stands behind an answer, in numbers: plain data, to be shown or logged.
 *
 *     { coordinator: "n2", epoch: 4, needed: 2, answered: 2, held: 2, hinted: 1, siblings: 1 }
 */
import { bitCount } from "../core/coordinator/quorum.ts";
import type { Receipt as CoreReceipt } from "../core/outcomes.ts";

export interface Receipt {
  /** The node that ran the request. */
  readonly coordinator: string;
  /** Of the layout that the owners were taken from. */
  readonly epoch: number;
  /** Owners that had to agree, and owners that answered in time. */
  readonly needed: number;
  readonly answered: number;
  /** Owners that hold the write durably; for a read, owners that hold exactly what was returned. */
  readonly held: number;
  /** Owners that could not be reached, and for which another node holds it until they can. */
  readonly hinted: number;
  readonly siblings: number;
}

export function receiptOf(receipt: CoreReceipt): Receipt {
  const { coordinator, epoch, needed, answered, held, hinted, siblings } = receipt;
  return {
    coordinator,
    epoch,
    needed,
    answered: bitCount(answered),
    held: bitCount(held),
    hinted: bitCount(hinted),
    siblings,
  };
}
