/**
 * The writing part of an operation: send a delta to the other owners, count who holds it durably.
 *
 * Every owner is sent the write, whatever W is; W only says when the client is answered. The
 * operation stores the own row itself; it is counted when it is durable, like everybody else's.
 *
 * For an owner that is out, another node is asked to keep the write until it is back. Out is who
 * has no connection, or loses it, or refuses; one that is only slow is not, unless the write would
 * fail without it. Where nobody can stand in, this node keeps the write itself, which counts for
 * nothing here.
 */
import { EMPTY_BYTES } from "../base/bytes.ts";
import type { Instant } from "../effects.ts";
import { hint, write } from "../messages.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { Desk } from "./desk.ts";
import type { Admitted } from "./operation.ts";
import { remainingMs } from "./operation.ts";
import { Tally } from "./quorum.ts";
import { Substitutes } from "./substitutes.ts";

export class Spread {
  readonly tally: Tally;
  readonly #desk: Desk;
  readonly #admitted: Admitted;
  /** Made when the first is needed. */
  #substitutes: Substitutes | undefined = undefined;
  /** Owners that were sent the write, as bits. */
  #sent = 0;
  #delta: Uint8Array = EMPTY_BYTES;

  constructor(desk: Desk, admitted: Admitted) {
    this.#desk = desk;
    this.#admitted = admitted;
    this.tally = new Tally(admitted.owners.length, admitted.writeNeeded, admitted.writeProper);
  }

  /**
   * Nodes that could take the write now. Fewer than needed: refuse before anything is stored
   * anywhere.
   */
  static reachable(desk: Desk, admitted: Admitted): number {
    let owners = 0;
    for (const owner of admitted.owners) {
      if (owner === desk.self || desk.liveness.isLinked(owner)) owners++;
    }
    if (owners >= admitted.writeNeeded) return owners;
    if (owners < admitted.writeProper) return owners;
    const missing = admitted.owners.length - owners;
    return owners + Math.min(missing, Substitutes.available(desk, admitted));
  }

  start(now: Instant, delta: Uint8Array): void {
    const { id, epoch, era, place, owners } = this.#admitted;
    const { self, effects, liveness } = this.#desk;
    this.#delta = delta;
    const message = write(id, epoch, era, remainingMs(this.#admitted, now), place.key, delta);
    for (let owner = 0; owner < owners.length; owner++) {
      const target = owners[owner]!;
      if (target === self) continue;
      if (liveness.isLinked(target)) {
        this.#sent |= 1 << owner;
        liveness.onAsked(target);
        effects.send(target, message);
      } else {
        this.#reject(now, owner);
      }
    }
  }

  giveUpOnSilent(now: Instant): void {
    if (this.tally.isComplete) return;
    const { owners, startedAt, deadlineAt } = this.#admitted;
    // What ends early, to make way for others, says nothing of who was asked just now.
    const isOver = now >= deadlineAt;
    for (let owner = 0; owner < owners.length; owner++) {
      if (isOver && this.tally.isAwaited(owner)) this.#substitutes?.onSilent(owner);
      if ((this.#sent & (1 << owner)) === 0 || !this.tally.isSilent(owner)) continue;
      this.#desk.liveness.onGivenUp(owners[owner]!, now - startedAt);
    }
  }

  /**
   * Owners are silent for so long that the write may fail: others stand in for them. One that is
   * asked to and is silent itself makes way for the next, if there is one: a node that hears and is
   * not heard would hold up every write that it is the first to stand in for.
   */
  replaceSilent(now: Instant): void {
    for (let owner = 0; owner < this.#admitted.owners.length; owner++) {
      const isReplaced = this.#substitutes?.has(owner) === true;
      const mayBeReplaced = isReplaced
        ? this.tally.isAwaited(owner) && this.#substitutes!.hasMore
        : this.tally.isSilent(owner);
      if (!mayBeReplaced) continue;
      if (isReplaced) this.#substitutes!.onSilent(owner);
      this.#replace(now, owner);
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
    const bit = 1 << owner;
    if (((this.tally.yes | this.tally.no) & bit) === 0) this.#reject(now, owner);
  }

  hasStandIn(node: NodeId): boolean {
    return this.#substitutes?.isAwaited(node) === true;
  }

  onHinted(node: NodeId): void {
    this.tally.standIn(this.#substitutes!.onKept(node));
  }

  onStandInLost(now: Instant, node: NodeId): void {
    const owner = this.#substitutes!.onLost(node);
    if ((this.tally.stoodIn & (1 << owner)) !== 0) return;
    this.tally.forsake(owner);
    this.#replace(now, owner);
    if (this.#substitutes!.isAnyAwaited(owner)) this.tally.expect(owner);
  }

  #reject(now: Instant, owner: number): void {
    this.tally.reject(owner);
    if (this.#substitutes?.has(owner) !== true) this.#replace(now, owner);
  }

  #replace(now: Instant, owner: number): void {
    const { id, epoch, era, place, owners } = this.#admitted;
    const { effects, hints, self } = this.#desk;
    const target = owners[owner]!;
    this.#substitutes ??= new Substitutes(this.#desk, this.#admitted);
    const node = this.#substitutes.next(owner);
    if (node !== undefined) {
      this.tally.expect(owner);
      const left = remainingMs(this.#admitted, now);
      effects.send(node, hint(id, epoch, era, left, target, place.key, this.#delta));
    } else if (target !== self) {
      hints.keepOwn(now, place.key, target, this.#delta);
    }
  }

  #onReply(now: Instant, owner: number): void {
    const { owners, startedAt } = this.#admitted;
    const target = owners[owner]!;
    if (target === this.#desk.self || !this.tally.isSilent(owner)) return;
    this.#desk.liveness.onAnswered(target, now - startedAt);
  }
}
