/**
 * Who stands in for which owner in one operation.
 *
 *     owners       a      b (out)      c (out)
 *     stands in    -      e            d            one node for each, and each for one
 *
 * Each of them is another node, so what they hold counts like what owners hold: on so many distinct
 * machines. One that refuses, is lost or is silent makes way for the next; nobody is asked twice.
 * Nodes with a slow disk come late, and after them those that were silent the last time, each in
 * its turn.
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

  /** There is one that was not asked yet. */
  get hasMore(): boolean {
    return this.#left().length > 0;
  }

  /** The next node for this owner, in place of the one before; undefined when nobody is left. */
  next(owner: number): NodeId | undefined {
    const { place, owners } = this.#admitted;
    const node = this.#best();
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

  /** Who stands in for this owner has said something. */
  onSpoke(owner: number): void {
    const node = this.#nodes[owner];
    if (node !== undefined) this.#desk.liveness.onSpoke(node);
  }

  /** It has not, and is not waited for any longer. */
  onSilent(owner: number): void {
    const node = this.#nodes[owner];
    if (node !== undefined) this.#desk.liveness.onUnheard(node);
  }

  #best(): NodeId | undefined {
    const { liveness } = this.#desk;
    const left = this.#left();
    const isWell = (node: NodeId): boolean =>
      !liveness.isDegraded(node) && !liveness.wasSilent(node);
    return (
      left.find(isWell) ??
      left.toSorted((one, other) => liveness.cost(one) - liveness.cost(other))[0]
    );
  }

  #left(): NodeId[] {
    const { standIns, liveness } = this.#desk;
    const order = standIns.of(this.#desk.layout(), this.#admitted.place.partition);
    return order.filter((node) => !this.#tried.has(node) && liveness.isLinked(node));
  }
}
