/**
 * Placement: choosing the owners of every partition.
 *
 * A strategy runs once for each change of the cluster, on one node; its result is stored and
 * spread. So it must be deterministic, but different versions of it need not agree, and it may take
 * its time: well under a second for a hundred nodes, a few seconds for a thousand.
 *
 * Every table a strategy returns has min(replicas, nodes) distinct owners in each row, home first,
 * and respects the zone rule (see zones.ts).
 */
import { assert } from "../base/assert.ts";
import { checkLayoutHead, Layout, type LayoutNode } from "./layout.ts";
import type { NodeId } from "./node-id.ts";

export interface PlacementStrategy {
  readonly name: string;
  /** The owner table, as in `LayoutData.ownerIndexes`: indexes into `request.nodes`. */
  place(request: PlacementRequest): Uint16Array;
}

export interface PlacementRequest {
  /** Ascending by id. */
  readonly nodes: readonly LayoutNode[];
  readonly partitionCount: number;
  readonly replicas: number;
  /** What holds now: a strategy may keep as much of it as it can. */
  readonly previous: Layout | undefined;
}

/** What the next layout should be made of; the nodes in any order. */
export interface LayoutWish {
  readonly epoch: number;
  readonly clusterId: string;
  readonly replicas: number;
  readonly partitionCount: number;
  readonly nodes: readonly LayoutNode[];
  readonly previous?: Layout | undefined;
}

/**
 * A wish comes from whoever runs the cluster: one that cannot be granted is an outcome, not a bug.
 */
export function planLayout(
  strategy: PlacementStrategy,
  wish: LayoutWish,
): Layout | { readonly problem: string } {
  const { epoch, clusterId, replicas, partitionCount, previous } = wish;
  if (previous !== undefined && previous.partitionCount !== partitionCount) {
    const { partitionCount: fixed } = previous;
    return { problem: `the partition count of a cluster stays ${fixed}, got ${partitionCount}` };
  }
  const nodes = wish.nodes.toSorted((one, other) => compareIds(one.id, other.id));
  const head = { epoch, clusterId, strategy: strategy.name, replicas, partitionCount, nodes };
  const problem = checkLayoutHead(head);
  if (problem !== undefined) return { problem };
  const ownerIndexes = strategy.place({ nodes, partitionCount, replicas, previous });
  return new Layout({ ...head, ownerIndexes });
}

export interface Movement {
  /** Partitions a node must fetch because it did not own them before, summed over the nodes. */
  readonly moved: number;
  /** The least that any layout with the same number of partitions on each node would have moved. */
  readonly minimum: number;
  /** moved / minimum: 1 is perfect, Infinity when all of it was needless. */
  readonly ratio: number;
}

export function movement(from: Layout, to: Layout): Movement {
  assert(
    from.partitionCount === to.partitionCount,
    "layouts of one cluster have equally many partitions",
  );
  const growth = new Map<NodeId, number>();
  let moved = 0;
  for (let partition = 0; partition < to.partitionCount; partition++) {
    const before = from.owners(partition);
    const after = to.owners(partition);
    for (const node of before) growth.set(node, (growth.get(node) ?? 0) - 1);
    for (const node of after) {
      growth.set(node, (growth.get(node) ?? 0) + 1);
      if (!before.includes(node)) moved += 1;
    }
  }
  let minimum = 0;
  for (const partitions of growth.values()) minimum += Math.max(0, partitions);
  return { moved, minimum, ratio: moved === minimum ? 1 : moved / minimum };
}

function compareIds(one: NodeId, other: NodeId): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
