/**
 * The layout as plain data, for people and programs that look at it: JSON.stringify shows all of
 * it.
 */
import type { Layout } from "../core/ring/layout.ts";

export interface LayoutView {
  readonly clusterId: string;
  readonly epoch: number;
  /** Equal on two nodes exactly when they agree on every owner. */
  readonly fingerprint: string;
  /** The placement strategy that made it. */
  readonly strategy: string;
  readonly replicas: number;
  readonly partitionCount: number;
  /** Ascending by id. */
  readonly nodes: readonly NodeView[];
  /** The owners of each partition, home first. */
  readonly owners: readonly (readonly string[])[];
  /** The share of the node that owns most, over the mean: 1 is perfectly even. */
  readonly maxOverMean: number;
}

export interface NodeView {
  readonly id: string;
  /** Empty where the settings left it to seeds, and nobody has told it. */
  readonly address: string;
  readonly weight: number;
  readonly zone: string;
  /** Partitions it owns, and how many of those it is the home of. */
  readonly partitions: number;
  readonly home: number;
  /** What it owns over what its weight entitles it to. */
  readonly share: number;
}

export function layoutView(layout: Layout): LayoutView {
  const { clusterId, epoch, strategy, replicas, partitionCount } = layout;
  const balance = layout.balance();
  const nodes = layout.nodes.map(({ id, address, weight, zone }) => {
    const { partitions, home, share } = balance.perNode.get(id)!;
    return { id, address, weight, zone, partitions, home, share };
  });
  return {
    clusterId,
    epoch,
    fingerprint: layout.fingerprint(),
    strategy,
    replicas,
    partitionCount,
    nodes,
    owners: Array.from({ length: partitionCount }, (_, partition) => [...layout.owners(partition)]),
    maxOverMean: balance.maxOverMean,
  };
}
