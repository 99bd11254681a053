/**
 * Anti-entropy of a cluster, as its nodes tell it when all of them are asked at once, for a bounded
 * time.
 *
 * Each node speaks of pairs: a partition of its own and another owner of it. So most pairs are told
 * twice, from both ends, and each end must have seen the proof to say so.
 */
import type { RemoteClient } from "../client/remote-client.ts";
import type { PairState, PairTold, RepairOrder, RepairReport } from "../core/repair-orders.ts";
import type { LayoutNode } from "../core/ring/layout.ts";

/** What one node says, or why it says nothing. */
export interface NodeRepair {
  readonly node: LayoutNode;
  readonly report: RepairReport | undefined;
  /** Empty when there is a report. */
  readonly reason: string;
}

/** A pair, and who tells of it. */
export interface NodePair extends PairTold {
  readonly node: string;
}

/** What `--json` tells of a pair. */
export interface PairDocument {
  readonly partition: number;
  readonly node: string;
  readonly peer: string;
  readonly state: PairState;
  /** Null when it was never proven in sync in this life of the node. */
  readonly provenMs: number | null;
}

export function askNodes(
  client: RemoteClient,
  nodes: readonly LayoutNode[],
  order: RepairOrder,
  timeoutMs: number,
): Promise<readonly NodeRepair[]> {
  return Promise.all(nodes.map((node) => askNode(client, node, order, timeoutMs)));
}

/** All pairs of these nodes, or those of a partition: ascending, with the nodes in their order. */
export async function listPairs(
  client: RemoteClient,
  nodes: readonly LayoutNode[],
  partition: number | undefined,
  timeoutMs: number,
): Promise<readonly NodePair[]> {
  const lists = await Promise.all(nodes.map((node) => listOf(client, node, partition, timeoutMs)));
  return lists.flat().toSorted((one, other) => one.partition - other.partition);
}

export function pairDocument({ partition, node, peer, state, provenMs }: NodePair): PairDocument {
  return { partition, node, peer, state, provenMs: provenMs ?? null };
}

async function listOf(
  client: RemoteClient,
  node: LayoutNode,
  partition: number | undefined,
  timeoutMs: number,
): Promise<readonly NodePair[]> {
  const pairs: NodePair[] = [];
  let from: number | undefined = 0;
  while (from !== undefined) {
    const order: RepairOrder = { kind: "list", partition, from };
    const { report }: NodeRepair = await askNode(client, node, order, timeoutMs);
    for (const pair of report?.told ?? []) pairs.push({ ...pair, node: node.id });
    from = report?.next;
  }
  return pairs;
}

async function askNode(
  client: RemoteClient,
  node: LayoutNode,
  order: RepairOrder,
  timeoutMs: number,
): Promise<NodeRepair> {
  const report = await client.repair(node.id, order, timeoutMs);
  if ("kind" in report) return { node, report: undefined, reason: report.detail };
  return { node, report, reason: "" };
}
