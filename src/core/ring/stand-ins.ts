/**
 * Who may keep a write for an owner that cannot be reached, in the order of asking.
 *
 *     owners of the partition     a (zone 1)  b (zone 2)  c (zone 2)
 *     others, drawn by lot        e (zone 2)  d (zone 3)  f (zone 1)
 *     order                       d           e           f            zones without an owner first
 *
 * The lot is the same on every node and another one for every partition: all who look for the
 * hint of an owner ask the same node first, and the partitions of a dead node spread over all.
 */
import { hash32OfString } from "../base/hash.ts";
import type { Layout } from "./layout.ts";
import type { NodeId } from "./node-id.ts";

export class StandIns {
  #layout: Layout | undefined = undefined;
  #orders: Map<number, readonly NodeId[]> = new Map();

  /** Made when it is asked for: owners are reachable most of the time. */
  of(layout: Layout, partition: number): readonly NodeId[] {
    if (layout !== this.#layout) {
      this.#layout = layout;
      this.#orders = new Map();
    }
    let order = this.#orders.get(partition);
    if (order === undefined) {
      order = standInOrder(layout, partition);
      this.#orders.set(partition, order);
    }
    return order;
  }
}

function standInOrder(layout: Layout, partition: number): readonly NodeId[] {
  const owners = layout.owners(partition);
  const zones = new Set(owners.map((owner) => layout.node(owner)?.zone));
  return layout.nodes
    .filter(({ id }) => !owners.includes(id))
    .map(({ id, zone }) => ({ id, isNear: zones.has(zone), lot: hash32OfString(id, partition) }))
    .sort((left, right) => {
      return Number(left.isNear) - Number(right.isNear) || left.lot - right.lot;
    })
    .map(({ id }) => id);
}
