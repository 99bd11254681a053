/**
 * Whom to ask, and whom not to: what this node's own traffic shows, and what members tell.
 *
 *     a connection, and nobody says dead or gone   can be reached
 *     a connection, and suspected                  can be reached, and is asked last
 *     no connection, or dead, or gone              cannot: others stand in
 *
 * The own traffic decides among those who can be reached; a verdict of the members is what tells a
 * machine that vanished from one that is only silent, long before its connection ends.
 */
import type { NodeId } from "../ring/node-id.ts";
import type { Membership } from "./membership.ts";
import { Peers } from "./peers.ts";

/** A suspect is as good as one that takes so many times as long. */
const SUSPECT_COST = 8;

export class Reach extends Peers {
  readonly #membership: Membership;

  constructor(membership: Membership) {
    super();
    this.#membership = membership;
  }

  override isLinked(id: NodeId): boolean {
    if (!super.isLinked(id)) return false;
    const state = this.#membership.stateOf(id);
    return state !== "dead" && state !== "left";
  }

  override cost(id: NodeId): number {
    const isSuspect = this.#membership.stateOf(id) === "suspect";
    return isSuspect ? super.cost(id) * SUSPECT_COST : super.cost(id);
  }
}
