/**
 * Read, change, write with the context of the read: what to write, and when to begin again.
 *
 *     read ─▶ change ─▶ put │ delete, with the context │ nothing
 *      ▲                     │
 *      └── TOO_MANY_SIBLINGS ┘   others were faster: take in theirs
 *
 * A write whose outcome is unknown ends it: it may be stored, and read and replaced by others
 * meanwhile. Made anew it would add to what it has already changed.
 */
import type { Operation } from "../requests.ts";

export class UpdateRounds {
  #left: number;

  constructor(retries: number) {
    this.#left = retries;
  }

  /** Whether another round follows one that ended with this error. */
  startsOver(code: string): boolean {
    if (code !== "TOO_MANY_SIBLINGS" || this.#left === 0) return false;
    this.#left--;
    return true;
  }
}

/** What makes a key that holds so many values show the new one, or none. */
export function writeOf(hasValue: boolean, siblings: number): Exclude<Operation, "get"> | "none" {
  if (hasValue) return "put";
  return siblings > 0 ? "delete" : "none";
}
