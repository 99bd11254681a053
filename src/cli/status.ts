/**
 * `gramme status`: every node of the layout is asked how it is, all at once, for a bounded time.
 *
 * Who does not answer is down, as far as this client can tell. That changes nothing about what it
 * owns (law 5), so it stays in the list.
 */
import type { Command } from "commander";
import type { RemoteClient } from "../client/remote-client.ts";
import type { LoadReport } from "../core/load/load.ts";
import type { PurgeReport } from "../core/purge/purge.ts";
import type { Layout, LayoutNode } from "../core/ring/layout.ts";
import type { NodeStatus, PeerStatus, RepairStatus, StorageStatus } from "../host/node-status.ts";
import { withCluster } from "./cluster.ts";
import { clusterFlags, examples, type ClusterFlags } from "./flags.ts";
import { listPairs, type NodePair, pairDocument } from "./repair-view.ts";
import { paint, print, printJson, remark, showBytes, showDuration, table } from "./output.ts";

interface StatusFlags extends ClusterFlags {
  readonly partitions?: true;
}

interface NodeDocument {
  readonly id: string;
  readonly address: string;
  readonly state: "up" | "waiting" | "down";
  /** Why it is not up; empty for a node that is. */
  readonly reason: string;
  readonly pid: number | null;
  readonly version: string | null;
  readonly generation: number | null;
  readonly layoutEpoch: number | null;
  readonly keys: number | null;
  readonly bytes: number | null;
  readonly openRequests: number | null;
  readonly hints: number | null;
  readonly repair: RepairStatus | null;
  readonly load: LoadReport | null;
  readonly tombstones: PurgeReport | null;
  readonly uptimeMs: number | null;
  readonly storage: StorageStatus | null;
  readonly peers: readonly PeerStatus[];
}

const ANSWER_TIMEOUT_MS = 1_000;
/** Of missing connections. */
const MISSING_SHOWN = 20;

export function describeStatus(command: Command): void {
  clusterFlags(command).option("--partitions", "when each pair of owners was last proven in sync");
  examples(command, [
    ["gramme status", ""],
    ["gramme status --json", "for scripts"],
    ["gramme status --partitions", ""],
  ]);
  command.action(async (flags: StatusFlags) => {
    const bounded = { timeout: ANSWER_TIMEOUT_MS, ...flags };
    await withCluster(bounded, async (client) => {
      const layout = client.layout();
      const nodes = await Promise.all(layout.nodes.map((node) => documentOf(client, node)));
      const pairs = flags.partitions
        ? await listPairs(client, layout.nodes, undefined, bounded.timeout)
        : undefined;
      if (flags.json) return printJson(clusterDocument(layout, nodes, pairs));
      printCluster(layout, nodes);
      if (pairs !== undefined) printPairs(pairs);
    });
  });
}

async function documentOf(client: RemoteClient, node: LayoutNode): Promise<NodeDocument> {
  const status = await client.status(node.id);
  if ("kind" in status) return downDocument(node, status.detail);
  const {
    pid,
    version,
    generation,
    layoutEpoch,
    keys,
    bytes,
    openRequests,
    hints,
    repair,
    load,
    tombstones,
    uptimeMs,
    storage,
    peers,
    unsettled,
  } = status satisfies NodeStatus;
  return {
    id: node.id,
    address: node.address,
    // A node of an earlier release does not tell, and never waits.
    state: typeof unsettled === "string" ? "waiting" : "up",
    reason: unsettled ?? "",
    pid,
    version,
    generation,
    layoutEpoch,
    keys,
    bytes,
    openRequests,
    hints,
    // A node of an earlier release does not tell.
    repair: repair ?? null,
    load,
    tombstones,
    uptimeMs,
    storage,
    peers,
  };
}

function downDocument({ id, address }: LayoutNode, reason: string): NodeDocument {
  return {
    id,
    address,
    state: "down",
    reason,
    pid: null,
    version: null,
    generation: null,
    layoutEpoch: null,
    keys: null,
    bytes: null,
    openRequests: null,
    hints: null,
    repair: null,
    load: null,
    tombstones: null,
    uptimeMs: null,
    storage: null,
    peers: [],
  };
}

function clusterDocument(
  layout: Layout,
  nodes: readonly NodeDocument[],
  pairs: readonly NodePair[] | undefined,
): object {
  const { clusterId, epoch, strategy, replicas, partitionCount: partitions } = layout;
  const document = { clusterId, epoch, strategy, replicas, partitions, nodes };
  return pairs === undefined ? document : { ...document, pairs: pairs.map(pairDocument) };
}

function printCluster(layout: Layout, nodes: readonly NodeDocument[]): void {
  const { clusterId, epoch, strategy, replicas, partitionCount } = layout;
  const up = nodes.filter(({ state }) => state === "up").length;
  print(
    `cluster ${paint("bold", clusterId)}, epoch ${epoch}: ${up} of ${nodes.length} nodes up, ` +
      `${replicas} replicas, ${partitionCount} partitions (${strategy})`,
  );
  print("");
  const right = ["PID", "KEYS", "BYTES", "OPEN", "HINTS"];
  const head = ["NODE", "ADDRESS", "STATE", "PID", "UPTIME", "KEYS", "BYTES", "OPEN"];
  print(
    table({
      head: [...head, "HINTS", "PEERS", "IN SYNC", "OLDEST"],
      right,
      rows: nodes.map(rowOf),
    }),
  );
  for (const { id, state, reason, load, tombstones } of nodes) {
    if (state === "down") remark(`${id} does not answer: ${reason}`);
    if (state === "waiting") remark(`${id} waits: ${reason}`);
    const busy = load === null ? "" : busyWith(load);
    if (busy !== "") remark(`${id} is busy: ${busy}`);
    if (load?.disk.isDegraded) remark(`${id} has a slow disk: ${slowDisk(load)}`);
    const kept = tombstones === null ? "" : keptFor(tombstones);
    if (kept !== "") remark(`${id} ${kept}`);
  }
  const missing = missingLinks(nodes);
  for (const line of missing.slice(0, MISSING_SHOWN)) remark(line);
  const hidden = missing.length - MISSING_SHOWN;
  if (hidden > 0) remark(`… and ${hidden} more: see --json`);
}

/** Why nodes that are up are not connected with others. */
function missingLinks(nodes: readonly NodeDocument[]): readonly string[] {
  const up = nodes.filter(({ state }) => state === "up");
  return up.flatMap(({ id, peers }) =>
    peers
      .filter(({ state }) => state !== "linked")
      .map((peer) => `${id} is not connected with ${peer.id}: ${peer.problem}`),
  );
}

/** Deletions that cannot be forgotten while somebody is away; empty when there are none. */
function keptFor({ tombstones, waitsFor }: PurgeReport): string {
  if (tombstones === 0 || waitsFor.length === 0) return "";
  return `keeps ${tombstones} tombstones until ${waitsFor.join(", ")} can be reached`;
}

function slowDisk({ disk }: LoadReport): string {
  const ms = Math.round(disk.latencyMs);
  return `a write takes ${ms} ms; it coordinates only what no other owner can`;
}

/** What gives way to the clients, and how far; empty where nothing does. */
function busyWith({ inFlight, inFlightLimit, shares }: LoadReport): string {
  const waiting = shares.filter(({ share }) => share < 1);
  if (waiting.length === 0) return "";
  const slowed = waiting.map(({ kind, share }) => `${kind} at ${Math.round(share * 100)} %`);
  return `${inFlight} of ${inFlightLimit} requests in flight; ${slowed.join(", ")} of its pace`;
}

function rowOf(node: NodeDocument): readonly string[] {
  const { id, address, pid, uptimeMs, keys, bytes, openRequests, hints, repair, peers } = node;
  if (node.state === "down") return [id, address, paint("red", "down")];
  const linked = peers.filter(({ state }) => state === "linked").length;
  const links = `${linked} of ${peers.length}`;
  return [
    id,
    address,
    node.state === "up" ? paint("green", "up") : paint("yellow", "waiting"),
    String(pid),
    showDuration(uptimeMs ?? 0),
    String(keys),
    showBytes(bytes ?? 0),
    String(openRequests),
    hints === 0 ? "0" : paint("yellow", String(hints)),
    linked === peers.length ? links : paint("yellow", links),
    ...proofsOf(repair),
  ];
}

/** How many pairs were proven in sync, and how old the oldest of these proofs is. */
function proofsOf(repair: RepairStatus | null): readonly string[] {
  if (repair === null) return ["-", "-"];
  const { pairs, proven, oldestProofMs } = repair;
  const share = `${proven} of ${pairs}`;
  return [
    proven === pairs ? share : paint("yellow", share),
    oldestProofMs === null ? "-" : showDuration(oldestProofMs),
  ];
}

function printPairs(pairs: readonly NodePair[]): void {
  const head = ["PARTITION", "NODE", "PEER", "LAST", "PROVEN"];
  const rows = pairs.map(({ partition, node, peer, state, provenMs }) => {
    const proven = provenMs === undefined ? "never" : `${showDuration(provenMs)} ago`;
    return [String(partition), node, peer, state, proven];
  });
  print("");
  print(table({ head, right: ["PARTITION"], rows }));
}
