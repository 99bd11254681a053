/**
 * Whom to ask, and whom not to: what this node's own traffic shows, and what members tell.
 *
 *     a connection, and nobody says dead or gone   can be reached
 *     a connection, and its disk is slow           the same, and is asked late
 *     a connection, and suspected                  as if it had just left a request unanswered
 *     no connection, or dead, or gone              cannot: others stand in
 *
 * The own traffic decides among those who can be reached, a suspect too: what it answers outweighs
 * what is said of it. A verdict of the members is what tells a machine that vanished from one that
 * is only silent, long before its connection ends.
 */
import type { MemberState } from "../membership-messages.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { Membership } from "./membership.ts";
import { Peers } from "./peers.ts";

/** Who has a slow disk is as good as one that takes so many times as long. */
const DEGRADED_TIMES = 8;

export class Reach extends Peers {
  readonly #membership: Membership;
  readonly #isDegraded: (id: NodeId) => boolean;

  /** `isDegraded`: its disk is slow, and it has said so. */
  constructor(membership: Membership, isDegraded: (id: NodeId) => boolean) {
    super();
    this.#membership = membership;
    this.#isDegraded = isDegraded;
  }

  isDegraded(id: NodeId): boolean {
    return this.#isDegraded(id);
  }

  isWell(id: NodeId): boolean {
    return this.isHeard(id) && !this.#isDegraded(id);
  }

  override isLinked(id: NodeId): boolean {
    if (!super.isLinked(id)) return false;
    const state = this.#membership.stateOf(id);
    return state !== "dead" && state !== "left";
  }

  override cost(id: NodeId): number {
    const cost = super.cost(id);
    // Those who were silent have turns, and that somebody's disk is slow takes none from it.
    return this.#isDegraded(id) && this.isHeard(id) ? DEGRADED_TIMES * cost : cost;
  }

  /** What the members say of it now. */
  onTold(id: NodeId, state: MemberState): void {
    this.onSuspected(id, state === "suspect");
  }
}
