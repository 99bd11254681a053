/**
 * The writing part of a session read: what it is about to return is brought to owners that lack it,
 * until enough hold it durably.
 *
 *     holds exactly that ──▶ counts
 *     has answered and lacks some ──write──▶ counts when it has written it
 *     all others ──write──▶ the same, once one of those is lost, refuses, or is slow
 *
 * It carries joined state and never a new dot, so it may arrive late, twice, or in vain. Nobody
 * stands in for an owner here: the next session read asks owners alone.
 */
import { encodeRecord } from "../causality/record-codec.ts";
import type { Record } from "../causality/record.ts";
import type { Instant } from "../effects.ts";
import { write } from "../messages.ts";
import type { Desk, EncodedRecord } from "./desk.ts";
import type { Admitted } from "./operation.ts";
import { remainingMs } from "./operation.ts";
import { Tally } from "./quorum.ts";

export class WriteBack {
  readonly tally: Tally;
  /** What the read returns: answers that come meanwhile add nothing to it. */
  readonly record: Record;
  readonly #desk: Desk;
  readonly #admitted: Admitted;
  readonly #encoded: EncodedRecord;
  readonly #startedAt: Instant;
  /** Owners that were sent it, as bits. */
  #told = 0;

  constructor(desk: Desk, admitted: Admitted, record: Record, now: Instant) {
    const { owners, writeNeeded } = admitted;
    this.tally = new Tally(owners.length, writeNeeded, writeNeeded);
    this.record = record;
    this.#desk = desk;
    this.#admitted = admitted;
    this.#encoded = { record, bytes: encodeRecord(record) };
    this.#startedAt = now;
  }

  /** Masks of owners: those that hold exactly the record, and all that have answered the read. */
  start(now: Instant, held: number, answered: number): void {
    for (let owner = 0; owner < this.tally.owners; owner++) {
      const bit = 1 << owner;
      if ((held & bit) !== 0) this.tally.accept(owner);
      else if ((answered & bit) !== 0) this.#tell(now, owner);
    }
  }

  /** Somebody who was told is lost, or slow: everybody is told. */
  tellOthers(now: Instant): void {
    for (let owner = 0; owner < this.tally.owners; owner++) {
      if ((this.#told & (1 << owner)) === 0 && this.tally.isSilent(owner)) this.#tell(now, owner);
    }
  }

  onWritten(now: Instant, owner: number): void {
    this.#onReply(now, owner);
    this.tally.accept(owner);
  }

  onRefused(now: Instant, owner: number): void {
    this.#onReply(now, owner);
    this.onLost(now, owner);
  }

  onLost(now: Instant, owner: number): void {
    this.tally.reject(owner);
    if (!this.tally.isMet) this.tellOthers(now);
  }

  giveUpOnSilent(now: Instant): void {
    for (let owner = 0; owner < this.tally.owners; owner++) {
      if (!this.#isAwaited(owner)) continue;
      this.#desk.liveness.onGivenUp(this.#admitted.owners[owner]!, now - this.#startedAt);
    }
  }

  /** Nobody who was told is still silent. */
  get isComplete(): boolean {
    return (this.#told & ~(this.tally.yes | this.tally.no)) === 0;
  }

  #tell(now: Instant, owner: number): void {
    const { id, epoch, era, place, owners } = this.#admitted;
    const { self, effects, liveness, replica } = this.#desk;
    const target = owners[owner]!;
    if (target !== self && !liveness.isLinked(target)) return this.onLost(now, owner);
    this.#told |= 1 << owner;
    effects.note({ kind: "read-written-back", key: place.key, target });
    if (target === self) {
      const refusal = replica.apply(place, this.#encoded, { to: self, id });
      if (refusal !== undefined) this.onLost(now, owner);
      return;
    }
    liveness.onAsked(target);
    const left = remainingMs(this.#admitted, now);
    effects.send(target, write(id, epoch, era, left, place.key, this.#encoded.bytes));
  }

  #onReply(now: Instant, owner: number): void {
    if (!this.#isAwaited(owner)) return;
    this.#desk.liveness.onAnswered(this.#admitted.owners[owner]!, now - this.#startedAt);
  }

  #isAwaited(owner: number): boolean {
    const isTold = (this.#told & (1 << owner)) !== 0;
    return isTold && this.tally.isSilent(owner) && !this.#isSelf(owner);
  }

  #isSelf(owner: number): boolean {
    return this.#admitted.owners[owner] === this.#desk.self;
  }
}
