/**
 * Keeps a running node's lease ahead of its epochs, and says at the end that it stopped in order.
 *
 *     run       ├──── block ────┤──── block ────┤
 *     epochs    ──────────▶ runs low
 *     disk                  └ write leaseEnd ┘ extend      first durable, then handed out
 *
 * A disk without room refuses the next block: the node goes on to the end of its lease, then stops
 * minting, and every later `tend` tries again. After a problem nothing is tried any more, since the
 * node has to stop (law 9).
 */
import { assert } from "../base/assert.ts";
import { EPOCH_MAX } from "../causality/actor.ts";
import type { EpochLease } from "../replica/epochs.ts";
import { LEASE_BLOCK } from "../replica/epochs.ts";
import type { AppendAnswer, DiskProblem } from "../storage/disk.ts";
import type { StoreMark } from "../storage/store-mark.ts";
import type { IdentityFile } from "./identity-file.ts";
import type { Identity } from "./identity.ts";

export interface LeaseKeeperSetup {
  /** As it was made durable at boot. */
  readonly identity: Identity;
  readonly lease: EpochLease;
  readonly file: IdentityFile;
  /** The next block could not be made durable. */
  readonly onTrouble: (trouble: "full" | DiskProblem) => void;
}

export class LeaseKeeper {
  readonly #lease: EpochLease;
  readonly #file: IdentityFile;
  readonly #onTrouble: (trouble: "full" | DiskProblem) => void;
  /** The last one that was asked to be written: it never goes down, whatever became of it. */
  #identity: Identity;
  #isAsking = false;
  #isOver = false;

  constructor({ identity, lease, file, onTrouble }: LeaseKeeperSetup) {
    assert(identity.leaseEnd === lease.end, `lease ${lease.end}, stored ${identity.leaseEnd}`);
    this.#identity = identity;
    this.#lease = lease;
    this.#file = file;
    this.#onTrouble = onTrouble;
  }

  /** Call it now and then, at the latest within the last fifth of a block. */
  tend(): void {
    if (!this.#lease.runsLow || this.#isAsking || this.#isOver) return;
    const leaseEnd = Math.min(this.#lease.end + LEASE_BLOCK, EPOCH_MAX);
    if (leaseEnd === this.#lease.end) return;
    this.#isAsking = true;
    this.#identity = { ...this.#identity, leaseEnd };
    this.#file.write(this.#identity, (answer) => this.#onWritten(leaseEnd, answer));
  }

  /** What its rows are worth is found out: for good, when that is answered. */
  settle(answer: (answer: AppendAnswer) => void): void {
    this.#identity = { ...this.#identity, isSettled: true };
    this.#file.write(this.#identity, answer);
  }

  /**
   * The last call, after the engine was closed and has said that everything is durable, up to this
   * mark.
   */
  stopClean(rows: StoreMark, answer: (answer: AppendAnswer) => void): void {
    assert(!this.#isOver, "a node stops clean once, and not after a problem");
    this.#isOver = true;
    this.#identity = { ...this.#identity, isClean: true, rows };
    this.#file.write(this.#identity, answer);
  }

  #onWritten(leaseEnd: number, answer: AppendAnswer): void {
    this.#isAsking = false;
    if (this.#isOver) return;
    if (answer === "done") return this.#lease.extend(leaseEnd);
    if (answer !== "full") this.#isOver = true;
    this.#onTrouble(answer);
  }
}
