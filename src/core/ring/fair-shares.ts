/**
 * How many partitions each node should own.
 *
 * In proportion to weight, as far as two limits allow: a node owns a partition at most once, so no
 * more than all of them, and a zone holds at most `limit` owners of each. What a full node or zone
 * cannot take is shared by the others, again by weight, like water that rises in the open vessels
 * when one is full.
 *
 *     256 partitions, 3 replicas, weights 1 1 1 5:  5/8 of 768 is 480, more than 256
 *     the heavy node gets 256; three share the other 512: 170.67 each, in whole 171 171 170
 *
 * Whole numbers: everyone gets the quota rounded down, and the remaining partitions go, one each,
 * first to nodes that hold them already (so that nothing moves for the sake of rounding), then to
 * the largest fractions.
 *
 * All arithmetic is exact: partitions * replicas * total weight stays below 2^53.
 */
import type { LayoutNode } from "./layout.ts";
import type { Zones } from "./zones.ts";

export interface ShareRequest {
  readonly nodes: readonly LayoutNode[];
  readonly partitionCount: number;
  /** Owners of each partition: not more than there are nodes. */
  readonly ownersEach: number;
  readonly zones: Zones;
  /** Partitions each node owns now. */
  readonly held: Uint32Array;
}

export function fairShares(request: ShareRequest): Uint32Array {
  const { nodes, partitionCount, zones } = request;
  const shares = new Uint32Array(nodes.length);
  const zoneRoom = new Float64Array(zones.count).fill(zones.limit * partitionCount);
  let open = nodes.map((_, index) => index);
  let budget = partitionCount * request.ownersEach;
  for (;;) {
    const level = waterLevel(request, open, budget);
    const full = fullZones(request, open, level);
    if (full.size === 0) break;
    for (const zone of full) {
      const members = open.filter((index) => zones.ofNode[index] === zone);
      apportion(request, members, zoneRoom[zone]!, zoneRoom, shares);
      budget -= zones.limit * partitionCount;
    }
    open = open.filter((index) => !full.has(zones.ofNode[index]!));
  }
  apportion(request, open, budget, zoneRoom, shares);
  return shares;
}

/**
 * The quota of a node with room left is budget * its weight / weight; the nodes in `full` own every
 * partition.
 */
interface WaterLevel {
  readonly budget: number;
  readonly weight: number;
  readonly full: ReadonlySet<number>;
}

function waterLevel(request: ShareRequest, members: readonly number[], total: number): WaterLevel {
  const { nodes, partitionCount } = request;
  const full = new Set<number>();
  let budget = total;
  let weight = members.reduce((sum, index) => sum + nodes[index]!.weight, 0);
  for (let before = -1; before !== full.size;) {
    before = full.size;
    const over = members.filter(
      (index) => !full.has(index) && budget * nodes[index]!.weight >= partitionCount * weight,
    );
    for (const index of over) {
      full.add(index);
      budget -= partitionCount;
      weight -= nodes[index]!.weight;
    }
  }
  return { budget, weight, full };
}

/** Zones whose nodes would together be entitled to more than the zone rule allows. */
function fullZones(
  request: ShareRequest,
  members: readonly number[],
  level: WaterLevel,
): Set<number> {
  const { nodes, partitionCount, zones } = request;
  const fullNodes = new Float64Array(zones.count);
  const openWeight = new Float64Array(zones.count);
  for (const index of members) {
    const zone = zones.ofNode[index]!;
    if (level.full.has(index)) fullNodes[zone]! += 1;
    else openWeight[zone]! += nodes[index]!.weight;
  }
  const full = new Set<number>();
  for (let zone = 0; zone < zones.count; zone++) {
    const room = (zones.limit - fullNodes[zone]!) * partitionCount;
    if (level.budget * openWeight[zone]! > room * level.weight) full.add(zone);
  }
  return full;
}

/**
 * Shares `budget` partitions out among the members in whole numbers, within the room of each zone.
 */
function apportion(
  request: ShareRequest,
  members: readonly number[],
  budget: number,
  zoneRoom: Float64Array,
  shares: Uint32Array,
): void {
  const { nodes, partitionCount, zones, held } = request;
  const level = waterLevel(request, members, budget);
  const fractions = new Map<number, number>();
  let left = budget;
  for (const index of members) {
    const entitled = level.budget * nodes[index]!.weight;
    const full = level.full.has(index);
    const share = full ? partitionCount : Math.floor(entitled / level.weight);
    if (!full && entitled % level.weight > 0) fractions.set(index, entitled % level.weight);
    shares[index] = share;
    zoneRoom[zones.ofNode[index]!]! -= share;
    left -= share;
  }
  const keeps = (index: number): number => (held[index]! > shares[index]! ? 1 : 0);
  const candidates = [...fractions.keys()].sort(
    (one, other) =>
      keeps(other) - keeps(one) || fractions.get(other)! - fractions.get(one)! || one - other,
  );
  for (const index of candidates) {
    const zone = zones.ofNode[index]!;
    if (left === 0 || zoneRoom[zone] === 0) continue;
    shares[index]! += 1;
    zoneRoom[zone]! -= 1;
    left -= 1;
  }
}
