/**
 * The zone rule: the owners of a partition are spread over what fails separately.
 *
 * With Z zones no zone should hold more than ceil(N / Z) of a partition's N owners. Where zones are
 * too small for that (five replicas, zones of 1, 1 and 10 nodes), the limit is the smallest that
 * still leaves room for all:
 *
 *     limit 2:  1 + 1 + 2 = 4 owners at most, too few        limit 3:  1 + 1 + 3 = 5, enough
 */
import type { Layout, LayoutNode } from "./layout.ts";

export interface Zones {
  readonly count: number;
  /** Zone number of each node. */
  readonly ofNode: Uint16Array;
  /** The most owners of one partition that one zone may hold. */
  readonly limit: number;
}

export function zonesOf(nodes: readonly LayoutNode[], replicas: number): Zones {
  const numbers = new Map<string, number>();
  const ofNode = new Uint16Array(nodes.length);
  for (const [index, { zone }] of nodes.entries()) {
    const number = numbers.get(zone) ?? numbers.size;
    numbers.set(zone, number);
    ofNode[index] = number;
  }
  const sizes = new Uint16Array(numbers.size);
  for (const number of ofNode) sizes[number]! += 1;
  const wanted = Math.min(replicas, nodes.length);
  let limit = 1;
  while (sizes.reduce((room, size) => room + Math.min(size, limit), 0) < wanted) limit += 1;
  return { count: sizes.length, ofNode, limit };
}

/** The first partition that breaks the zone rule, in words, or undefined when none does. */
export function checkZones(layout: Layout): string | undefined {
  const zones = zonesOf(layout.nodes, layout.replicas);
  const width = layout.ownersEach;
  const held = new Uint16Array(zones.count);
  for (let partition = 0; partition < layout.partitionCount; partition++) {
    held.fill(0);
    for (let entry = partition * width; entry < (partition + 1) * width; entry++) {
      const index = layout.ownerIndexes[entry]!;
      const zone = zones.ofNode[index]!;
      held[zone]! += 1;
      if (held[zone]! > zones.limit) {
        const where = `zone "${layout.nodes[index]!.zone}"`;
        return `partition ${partition} has ${held[zone]} owners in ${where}, not ${zones.limit}`;
      }
    }
  }
  return undefined;
}
