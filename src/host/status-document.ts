/**
 * How a running node is, as the document that `status-ask` is answered with (`node-status.ts`).
 */
import type { RepairOrder } from "../core/repair-orders.ts";
import type { NodeStorage } from "../disk/node-storage.ts";
import type { Host } from "./host.ts";
import type { NodeStatus, PeerStatus, StorageStatus } from "./node-status.ts";
import { VERSION } from "./version.ts";

const LOOK: RepairOrder = { kind: "look", partition: undefined, from: 0 };

export function statusDocument(
  host: Host,
  address: string,
  peers: readonly PeerStatus[],
  storage: NodeStorage | undefined,
  unsettled: string | null = null,
): NodeStatus {
  const layout = host.layout();
  const { keys, bytes } = host.stats();
  const { pairs, proven, oldestMs } = host.repair(LOOK);
  return {
    id: host.id,
    address,
    clusterId: layout.clusterId,
    version: VERSION,
    pid: process.pid,
    state: unsettled === null ? host.state : "waiting",
    unsettled,
    generation: host.generation,
    layoutEpoch: layout.epoch,
    peers,
    keys,
    bytes,
    openRequests: host.openRequests,
    hints: host.hints({ kind: "list" }).targets.reduce((sum, target) => sum + target.keys, 0),
    repair: { pairs, proven, oldestProofMs: oldestMs ?? null },
    load: host.load(),
    tombstones: host.tombstones(),
    uptimeMs: Math.round(performance.now() - host.startedAt),
    storage: storage === undefined ? null : storageStatus(storage),
  };
}

function storageStatus(storage: NodeStorage): StorageStatus {
  const { settings, reason, findings, lastScrub, givenUp } = storage;
  const { dir, engine, sync } = settings;
  return { dir, engine, sync, boot: reason, findings, scrub: lastScrub ?? null, givenUp };
}
