/**
 * Who stands in for which owner in one operation.
 *
 *     owners       a      b (out)      c (out)
 *     stands in    -      e            d            one node for each, and each for one
 *
 * Each of them is another node, so what they hold counts like what owners hold: on so many distinct
 * machines. One that refuses or is lost makes way for the next; nobody is asked twice. Nodes with a
 * slow disk come last.
 */
import type { NodeId } from "../ring/node-id.ts";
import type { Desk } from "./desk.ts";
import type { Admitted } from "./operation.ts";

export class Substitutes {
  readonly #desk: Desk;
  readonly #admitted: Admitted;
  /** By owner. */
  readonly #nodes: (NodeId | undefined)[];
  readonly #tried: Set<NodeId> = new Set();

  constructor(desk: Desk, admitted: Admitted) {
    this.#desk = desk;
    this.#admitted = admitted;
    this.#nodes = new Array<NodeId | undefined>(admitted.owners.length).fill(undefined);
  }

  /** How many nodes could stand in now. */
  static available(desk: Desk, { place }: Admitted): number {
    const order = desk.standIns.of(desk.layout(), place.partition);
    let count = 0;
    for (const node of order) if (desk.liveness.isLinked(node)) count++;
    return count;
  }

  /** The owner that this node stands in for, or -1. */
  ownerOf(node: NodeId): number {
    return this.#nodes.indexOf(node);
  }

  has(owner: number): boolean {
    return this.#nodes[owner] !== undefined;
  }

  /** The next node for this owner, in place of the one before; undefined when nobody is left. */
  next(owner: number): NodeId | undefined {
    const { place, owners } = this.#admitted;
    const order = this.#desk.standIns.of(this.#desk.layout(), place.partition);
    const { liveness } = this.#desk;
    const left = order.filter((candidate) => {
      return !this.#tried.has(candidate) && liveness.isLinked(candidate);
    });
    const node = left.find((candidate) => !liveness.isDegraded(candidate)) ?? left[0];
    this.#nodes[owner] = node;
    if (node === undefined) return undefined;
    this.#tried.add(node);
    this.#desk.effects.note({
      kind: "stand-in-asked",
      key: place.key,
      owner: owners[owner]!,
      peer: node,
    });
    return node;
  }
}
