/**
 * Whom to ask, and whom not to: what this node's own traffic shows, and what members tell.
 *
 *     a connection, and nobody says dead or gone   can be reached
 *     a connection, and suspected                  can be reached, and is asked last
 *     a connection, and its disk is slow           the same, and stands in for nobody
 *     no connection, or dead, or gone              cannot: others stand in
 *
 * The own traffic decides among those who can be reached; a verdict of the members is what tells a
 * machine that vanished from one that is only silent, long before its connection ends.
 */
import type { NodeId } from "../ring/node-id.ts";
import type { Membership } from "./membership.ts";
import { Peers } from "./peers.ts";

/** Who has a slow disk is as good as one that takes so many times as long. */
const DEGRADED_TIMES = 8;
/**
 * After all others, those too that were silent once: what members say is of now, and does not last;
 * what is sent to one that is gone waits for all of its time.
 */
const SUSPECT_COST = 1e12;

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

  isHeard(id: NodeId): boolean {
    return !this.wasSilent(id) && !this.#isSuspect(id);
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
    if (this.#isSuspect(id)) return SUSPECT_COST + cost;
    // Those who were silent have turns, and that somebody's disk is slow takes none from it.
    return this.#isDegraded(id) && !this.wasSilent(id) ? DEGRADED_TIMES * cost : cost;
  }

  #isSuspect(id: NodeId): boolean {
    return this.#membership.stateOf(id) === "suspect";
  }
}
