/**
 * What one writer was told about its changes, and whether a later read fits it.
 *
 * The changes of a key are made one after the other and numbered, the number is the value. Each was
 * acknowledged, refused (it has certainly not happened), or its outcome is unknown:
 *
 *     put 1  put 2  put 3  delete 4  put 5        a read may answer 2, or nothing (4), or 5:
 *     ack    ack    refused  unknown  unknown       1 was replaced, 3 was refused
 *
 * A change of unknown outcome may be made at any later time. One from before the last acknowledged
 * put is older than that put, so the read shows the put; a deletion does not cover what it did not
 * see, so after an acknowledged delete any put of unknown outcome may be there.
 */
export type Ending = "acknowledged" | "refused" | "unknown";

interface KeyAccount {
  /** The number of the last change of which this is known; 0 for none. */
  acknowledged: number;
  isDeleted: boolean;
  /** Of unknown outcome: their numbers, of puts and of deletes after the last acknowledged one. */
  readonly putsUnknown: Set<number>;
  readonly deletesUnknown: Set<number>;
  readonly refused: Set<number>;
}

export class Ledger {
  readonly #accounts: Map<string, KeyAccount> = new Map();
  #last = 0;
  readonly counts: Record<Ending, number> = { acknowledged: 0, refused: 0, unknown: 0 };

  /** For the next change. */
  nextNumber(): number {
    return ++this.#last;
  }

  get keys(): readonly string[] {
    return [...this.#accounts.keys()];
  }

  note(key: string, number: number, kind: "put" | "delete", ending: Ending): void {
    const account = this.#account(key);
    this.counts[ending] += 1;
    if (ending === "refused") account.refused.add(number);
    if (ending === "unknown") {
      (kind === "put" ? account.putsUnknown : account.deletesUnknown).add(number);
    }
    if (ending !== "acknowledged") return;
    account.acknowledged = number;
    account.isDeleted = kind === "delete";
    account.deletesUnknown.clear();
  }

  /** What is wrong with this answer to a read of the key; nothing when it fits. */
  problemOf(key: string, number: number | undefined): string | undefined {
    const { acknowledged, isDeleted, putsUnknown, deletesUnknown, refused } = this.#account(key);
    const after = `${isDeleted ? "delete" : "put"} ${acknowledged} was acknowledged`;
    if (number === undefined) {
      if (isDeleted || acknowledged === 0 || deletesUnknown.size > 0) return undefined;
      return `${key}: nothing is there, and ${after}`;
    }
    if (refused.has(number)) return `${key}: ${number} is there, which was refused`;
    if (number === acknowledged) return undefined;
    const mayBe = putsUnknown.has(number) && (number > acknowledged || isDeleted);
    return mayBe ? undefined : `${key}: ${number} is there, and ${after}`;
  }

  #account(key: string): KeyAccount {
    let account = this.#accounts.get(key);
    if (account === undefined) {
      account = {
        acknowledged: 0,
        isDeleted: false,
        putsUnknown: new Set(),
        deletesUnknown: new Set(),
        refused: new Set(),
      };
      this.#accounts.set(key, account);
    }
    return account;
  }
}
