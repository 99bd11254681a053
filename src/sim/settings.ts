/**
 * What a simulation is made of. Everything has a default; the defaults are a quiet cluster without
 * faults, as a test of one situation wants it. `swarm.ts` draws the settings of a run that wants
 * trouble.
 */
import { assert } from "../core/base/assert.ts";
import type { NodeConfig } from "../core/config.ts";
import { nodeConfig } from "../core/config.ts";
import type { PurgeConfig } from "../core/purge/purge-config.ts";
import { DEFAULT_PURGE_CONFIG } from "../core/purge/purge-config.ts";
import { LEASE_BLOCK } from "../core/replica/epochs.ts";
import { balancedPlacement } from "../core/ring/balanced-placement.ts";
import type { Layout } from "../core/ring/layout.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import { nodeId } from "../core/ring/node-id.ts";
import { planLayout } from "../core/ring/placement.ts";
import { ringPlacement } from "../core/ring/ring-placement.ts";
import { PARTITION_COUNT_MIN } from "../core/ring/slot.ts";
import type { LogSizes } from "../core/storage/log/log-options.ts";
import type { ConnectionOptions } from "./connections.ts";
import { USUAL_CONNECTIONS } from "./connections.ts";
import type { NetworkOptions } from "./network.ts";
import { QUIET_NETWORK } from "./network.ts";
import type { StorageKind } from "./node-storage.ts";
import type { DiskOptions } from "./storage.ts";
import { QUICK_DISK } from "./storage.ts";

/** Each node draws its offset and its drift from these, in both directions. */
export interface WallOptions {
  readonly offsetMsMax: number;
  readonly driftPpmMax: number;
}

export interface SimulationSettings {
  readonly seed: number;
  /** How many; they are called n1, n2, n3 … */
  readonly nodes: number;
  /** Owners of each partition. */
  readonly replicas: number;
  readonly partitions: number;
  readonly placement: "balanced" | "ring";
  readonly config: NodeConfig;
  readonly purge: PurgeConfig;
  readonly network: NetworkOptions;
  readonly connections: ConnectionOptions;
  /** What the nodes keep their data in: a model, or the log engine over simulated disks. */
  readonly storage: StorageKind;
  readonly disk: DiskOptions;
  /** How a log uses its disk. */
  readonly log: LogSizes;
  readonly wall: WallOptions;
  /** Epochs leased at a time; few make the lease a bottleneck. */
  readonly leaseBlock: number;
  /** Messages pass through the wire codec. */
  readonly wire: boolean;
  /** What an exception inside a node does: stop the test, or be kept in `bugs`. */
  readonly onBug: "throw" | "keep";
}

export interface SimulationOptions extends Partial<
  Omit<SimulationSettings, "config" | "purge" | "network" | "connections" | "disk" | "log" | "wall">
> {
  readonly seed: number;
  readonly config?: Partial<NodeConfig>;
  readonly purge?: Partial<PurgeConfig>;
  readonly network?: Partial<NetworkOptions>;
  readonly connections?: Partial<ConnectionOptions>;
  readonly disk?: Partial<DiskOptions>;
  readonly log?: Partial<LogSizes>;
  readonly wall?: Partial<WallOptions>;
}

/** So small that a run of seconds meets every border there is. */
const TINY_LOG: LogSizes = {
  segmentBytes: 4096,
  reserveBytes: 8192,
  recentBytes: 2048,
  chunkBytes: 512,
};

export function settingsOf(options: SimulationOptions): SimulationSettings {
  const config = nodeConfig(options.config ?? {});
  assert(!("problem" in config), "problem" in config ? config.problem : "");
  const nodes = options.nodes ?? 5;
  assert(nodes >= 1 && nodes <= 100, `a simulation has 1 to 100 nodes, got ${nodes}`);
  return {
    seed: options.seed,
    nodes,
    replicas: options.replicas ?? 3,
    partitions: options.partitions ?? PARTITION_COUNT_MIN,
    placement: options.placement ?? "balanced",
    config,
    purge: { ...DEFAULT_PURGE_CONFIG, ...options.purge },
    network: { ...QUIET_NETWORK, ...options.network },
    connections: { ...USUAL_CONNECTIONS, ...options.connections },
    storage: options.storage ?? "model",
    disk: { ...QUICK_DISK, ...options.disk },
    log: { ...TINY_LOG, ...options.log },
    wall: { offsetMsMax: 0, driftPpmMax: 0, ...options.wall },
    leaseBlock: options.leaseBlock ?? LEASE_BLOCK,
    wire: options.wire ?? false,
    onBug: options.onBug ?? "throw",
  };
}

export function nodeNames(count: number): readonly NodeId[] {
  return Array.from({ length: count }, (_, index) => nodeId(`n${index + 1}`));
}

export function clusterLayout(settings: SimulationSettings, names: readonly NodeId[]): Layout {
  const { placement, partitions, replicas } = settings;
  const layout = planLayout(placement === "ring" ? ringPlacement() : balancedPlacement, {
    epoch: 1,
    clusterId: "simulated",
    replicas,
    partitionCount: partitions,
    nodes: names.map((id) => ({ id, address: `${id}:1`, weight: 1, zone: "" })),
  });
  assert(!("problem" in layout), "problem" in layout ? layout.problem : "");
  return layout;
}
