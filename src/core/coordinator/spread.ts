/**
 * The writing part of an operation: send a delta to the other owners, count who holds it durably.
 *
 * Every owner is sent the write, whatever W is; W only says when the client is answered. The
 * operation stores the own row itself; it is counted when it is durable, like everybody else's. An
 * owner without a connection is out at once, one that is only slow is not.
 */
import type { Instant } from "../effects.ts";
import { write } from "../messages.ts";
import type { Desk } from "./desk.ts";
import type { Admitted } from "./operation.ts";
import { remainingMs } from "./operation.ts";
import { Tally } from "./quorum.ts";

export class Spread {
  readonly tally: Tally;
  readonly #desk: Desk;
  readonly #admitted: Admitted;
  /** Owners that were sent the write, as bits. */
  #sent = 0;

  constructor(desk: Desk, admitted: Admitted) {
    this.#desk = desk;
    this.#admitted = admitted;
    this.tally = new Tally(admitted.owners.length, admitted.writeNeeded);
  }

  /**
   * Owners that could take the write now. Fewer than needed: refuse before anything is stored
   * anywhere.
   */
  static reachable(desk: Desk, admitted: Admitted): number {
    let count = 0;
    for (const owner of admitted.owners) {
      if (owner === desk.self || desk.liveness.isLinked(owner)) count++;
    }
    return count;
  }

  start(now: Instant, delta: Uint8Array): void {
    const { id, epoch, place, owners } = this.#admitted;
    const { self, effects, liveness } = this.#desk;
    const message = write(id, epoch, remainingMs(this.#admitted, now), place.key, delta);
    for (let owner = 0; owner < owners.length; owner++) {
      const target = owners[owner]!;
      if (target === self) continue;
      if (liveness.isLinked(target)) {
        this.#sent |= 1 << owner;
        liveness.onAsked(target);
        effects.send(target, message);
      } else {
        this.tally.reject(owner);
      }
    }
  }

  giveUpOnSilent(now: Instant): void {
    if (this.#sent === 0 || this.tally.isComplete) return;
    const { owners, startedAt } = this.#admitted;
    for (let owner = 0; owner < owners.length; owner++) {
      if ((this.#sent & (1 << owner)) === 0 || !this.tally.isSilent(owner)) continue;
      this.#desk.liveness.onAnswered(owners[owner]!, now - startedAt);
    }
  }

  onWritten(now: Instant, owner: number): void {
    this.#onReply(now, owner);
    this.tally.accept(owner);
  }

  onRefused(now: Instant, owner: number): void {
    this.#onReply(now, owner);
    this.tally.reject(owner);
  }

  onLost(owner: number): void {
    this.tally.reject(owner);
  }

  #onReply(now: Instant, owner: number): void {
    const { owners, startedAt } = this.#admitted;
    const target = owners[owner]!;
    if (target === this.#desk.self || !this.tally.isSilent(owner)) return;
    this.#desk.liveness.onAnswered(target, now - startedAt);
  }
}
