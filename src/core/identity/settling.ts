/**
 * What becomes of rows that were put back: an older copy of a disk may hold a value whose tombstone
 * all others have removed since. To them it would look like a write that they have missed.
 *
 *     boot: not settled ─▶ asks the others: which era? ─▶ kept      as they are, joined as ever
 *                              ▲        │              ─▶ given up  aside, and none to begin with
 *                              └─ wait ─┘              ─▶ operator  who may say that they are kept
 *
 * A tombstone is removed when all members have begun two eras, durably, since they vouched for it
 * (`purge/eras.ts`). Take a tombstone that is gone, and a copy that has the value and not the
 * tombstone. The node vouched after the copy was made, so the last era then, m, was not before
 * that of the copy, and all members have begun m + 2. So every member that still has the disk it
 * had then knows an era two later than that of the copy. Where nobody does, nothing was removed.
 *
 * While it asks, the node is away: it answers nobody's question of a round, and no round comes to
 * its end without it. So what it is told stays true until it joins, and then it vouches for the
 * rows it has. An earlier life of it may have answered the last question of a round, and only
 * others are waited for: whoever is one of these has begun m + 1 and says that it may be led to
 * m + 2, or has started anew and refuses to be. Everybody else is in m + 2 already.
 *
 * Who is asked may be on a new disk itself, and know no era. More than half of the others must say
 * the same, so it takes as many new disks, none of which has met anybody that remembers (who has,
 * was told the era). One that is not settled knows what its own copy knows: a later era is believed
 * from it as well, but that there is none only when all others have answered, as when a whole
 * cluster is put back.
 *
 * To give up rows, too, more than half must be settled. That does not say that others hold what is
 * in them: whether they do, an operator has to know.
 */

/** What one of the other members says. */
export interface EraAnswer {
  readonly era: number;
  /** Its rows are what it left, or were found to be good. */
  readonly isSettled: boolean;
}

export type SettlingVerdict = "keep" | "give-up" | "operator" | "wait";

/** So many begin between the vouching of a member and the removal of a tombstone. */
const PURGE_ERAS = 2;

export class Settling {
  readonly #ownEra: number;
  readonly #others: number;

  /**
   * `ownEra`: that of its rows, 0 when nobody knows it any more. `others`: how many further members
   * the cluster has.
   */
  constructor(ownEra: number, others: number) {
    this.#ownEra = ownEra;
    this.#others = others;
  }

  /** So many that are settled decide. */
  get needed(): number {
    return this.#others === 0 ? 0 : Math.floor(this.#others / 2) + 1;
  }

  /** The era from which on the rows are too old. */
  get tooLate(): number {
    return this.#ownEra + PURGE_ERAS;
  }

  /** One answer of each member that has answered. */
  verdict(answers: readonly EraAnswer[]): SettlingVerdict {
    const isYoung = answers.every(({ era }) => era < this.tooLate);
    const settled = answers.filter(({ isSettled }) => isSettled).length;
    if (settled >= this.needed) return isYoung ? "keep" : "give-up";
    if (answers.length < this.#others) return "wait";
    return isYoung ? "keep" : "operator";
  }
}
