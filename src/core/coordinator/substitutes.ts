/**
 * Who stands in for which owner in one operation.
 *
 *     owners       a      b (out)      c (out)
 *     stands in    -      e            d            one node for each, and each for one
 *
 * Each of them is another node, so what they hold counts like what owners hold: on so many distinct
 * machines. One that refuses, is lost or is silent makes way for the next; nobody is asked twice.
 * Who was only late counts all the same.
 *
 * For each partition all nodes have them in one order, so that who reads looks where others wrote.
 * Who writes passes over nodes with a slow disk while there are others, and before all over those
 * that were silent the last time or are suspected: that is what this node knows, and who reads goes
 * by the order alone.
 */
import { assert } from "../base/assert.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { Desk } from "./desk.ts";
import type { Admitted } from "./operation.ts";

export class Substitutes {
  readonly #desk: Desk;
  readonly #admitted: Admitted;
  /** By owner, who was asked last. */
  readonly #nodes: (NodeId | undefined)[];
  readonly #tried: Set<NodeId> = new Set();
  /** For which owner each of those was asked who have not said anything yet. */
  readonly #awaited: Map<NodeId, number> = new Map();

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

  /** It was asked, and has not said anything yet. */
  isAwaited(node: NodeId): boolean {
    return this.#awaited.has(node);
  }

  /** Somebody who was asked for this owner has not said anything yet. */
  isAnyAwaited(owner: number): boolean {
    for (const each of this.#awaited.values()) if (each === owner) return true;
    return false;
  }

  has(owner: number): boolean {
    return this.#nodes[owner] !== undefined;
  }

  /** There is one that was not asked yet. */
  get hasMore(): boolean {
    return this.#left().length > 0;
  }

  /**
   * The next node to keep something for this owner, in place of the one before; undefined when
   * nobody is left.
   */
  next(owner: number): NodeId | undefined {
    return this.#choose(owner, this.#best());
  }

  /** The next node that may keep something for this owner, whatever this one knows of it. */
  nextInOrder(owner: number): NodeId | undefined {
    return this.#choose(owner, this.#left()[0]);
  }

  #choose(owner: number, node: NodeId | undefined): NodeId | undefined {
    const { place, owners } = this.#admitted;
    this.#nodes[owner] = node;
    if (node === undefined) return undefined;
    this.#tried.add(node);
    this.#awaited.set(node, owner);
    this.#desk.effects.note({
      kind: "stand-in-asked",
      key: place.key,
      owner: owners[owner]!,
      peer: node,
    });
    return node;
  }

  /** It keeps what it was asked for; answers for which owner. */
  onKept(node: NodeId): number {
    this.#desk.liveness.onSpoke(node);
    return this.onLost(node);
  }

  /** It keeps nothing, or will not say; answers for which owner it was asked. */
  onLost(node: NodeId): number {
    const owner = this.#awaited.get(node);
    assert(owner !== undefined, `${node} was not asked to stand in, or has answered`);
    this.#awaited.delete(node);
    return owner;
  }

  /** Who was asked last for this owner has said nothing in all the time that it had. */
  onSilent(owner: number): void {
    const node = this.#nodes[owner];
    if (node !== undefined) this.#desk.liveness.onUnheard(node);
  }

  #best(): NodeId | undefined {
    const { liveness } = this.#desk;
    const left = this.#left();
    return (
      left.find((node) => liveness.isWell(node)) ??
      left.find((node) => liveness.isHeard(node)) ??
      left.toSorted((one, other) => liveness.cost(one) - liveness.cost(other))[0]
    );
  }

  #left(): NodeId[] {
    const { standIns, liveness } = this.#desk;
    const order = standIns.of(this.#desk.layout(), this.#admitted.place.partition);
    return order.filter((node) => !this.#tried.has(node) && liveness.isLinked(node));
  }
}
