/**
 * Placement with equal shares and little movement: the default.
 *
 *     1  how many partitions each node should own       fair-shares.ts
 *     2  everyone keeps what they own                   except where that breaks a rule
 *     3  partitions that lack an owner get one          vacancies.ts
 *     4  nodes with too many give to those with too few settle.ts, at first what costs nothing
 *     5  homes are shared out in the same way           homes.ts
 *
 * A node that joins takes its share from all the others and nothing moves between them; when one
 * leaves, only what it owned moves.
 */
import { Assignment } from "./assignment.ts";
import { fairShares } from "./fair-shares.ts";
import { chooseHomes } from "./homes.ts";
import type { PlacementRequest, PlacementStrategy } from "./placement.ts";
import { settle } from "./settle.ts";
import { TieOrder } from "./tie-order.ts";
import { fillVacancies } from "./vacancies.ts";
import { zonesOf } from "./zones.ts";

export const balancedPlacement: PlacementStrategy = { name: "balanced", place };

function place(request: PlacementRequest): Uint16Array {
  const { nodes, partitionCount } = request;
  const ownersEach = Math.min(request.replicas, nodes.length);
  const zones = zonesOf(nodes, request.replicas);
  const before = ownersBefore(request);
  const held = countEach(before, nodes.length);
  const shares = fairShares({ nodes, partitionCount, ownersEach, zones, held });

  const order = new TieOrder(nodes);
  const assignment = new Assignment(nodes.length, partitionCount, zones);
  keep(assignment, before, { ownersEach, shares });
  fillVacancies(assignment, { partitionCount, ownersEach, shares, order });
  settle(assignment.free, { low: shares, high: shares });
  settle(assignment, { low: shares, high: shares });

  const rows = ownerRows(assignment, before, order);
  const homeStays = (partition: number): boolean =>
    before[partition]!.length > 0 && rows[partition]![0] === before[partition]![0];
  chooseHomes(rows, homeStays, assignment);
  return Uint16Array.from(rows.flat());
}

/**
 * For each partition the owners it has in the previous layout, as far as they are still in the
 * cluster.
 */
function ownersBefore({ nodes, partitionCount, previous }: PlacementRequest): number[][] {
  const indexOf = new Map(nodes.map((node, index) => [node.id, index]));
  return Array.from({ length: partitionCount }, (_, partition) => {
    const owners = previous === undefined ? [] : previous.owners(partition);
    return owners.map((id) => indexOf.get(id)).filter((index) => index !== undefined);
  });
}

function countEach(rows: readonly (readonly number[])[], nodeCount: number): Uint32Array {
  const counts = new Uint32Array(nodeCount);
  for (const owners of rows) for (const node of owners) counts[node]! += 1;
  return counts;
}

/** Where there are too many owners in a zone, or altogether, those with the most to spare leave. */
function keep(
  assignment: Assignment,
  before: readonly (readonly number[])[],
  { ownersEach, shares }: { ownersEach: number; shares: Uint32Array },
): void {
  for (const [partition, owners] of before.entries()) {
    for (const node of owners) {
      assignment.remember(partition, node);
      assignment.give(partition, node);
    }
  }
  const surplus = (node: number): number => assignment.counts[node]! - shares[node]!;
  for (const [partition, owners] of before.entries()) {
    const bySurplus = owners.toSorted((one, other) => surplus(other) - surplus(one) || one - other);
    for (const node of bySurplus) {
      if (assignment.isZoneOverfull(partition, node)) assignment.take(partition, node);
    }
    for (const node of bySurplus) {
      if (assignment.ownerCount(partition) <= ownersEach) break;
      if (assignment.owned(node).has(partition)) assignment.take(partition, node);
    }
  }
}

/** Owners in their old order, then those that are new. */
function ownerRows(
  assignment: Assignment,
  before: readonly (readonly number[])[],
  order: TieOrder,
): number[][] {
  const rows = before.map((owners, partition) =>
    owners.filter((node) => assignment.owned(node).has(partition)),
  );
  const newcomers: number[][] = rows.map(() => []);
  for (let node = 0; node < assignment.counts.length; node++) {
    for (const partition of assignment.owned(node)) {
      if (!rows[partition]!.includes(node)) newcomers[partition]!.push(node);
    }
  }
  return rows.map((owners, partition) => {
    const arrivals = newcomers[partition]!;
    arrivals.sort((one, other) => order.rank(partition, one) - order.rank(partition, other));
    return [...owners, ...arrivals];
  });
}
