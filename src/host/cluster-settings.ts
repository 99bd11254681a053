/**
 * The settings of one node, checked: what they say, what they leave open, and the layout that they
 * make.
 *
 *     {
 *       id: "n1", listen: "0.0.0.0:7411", advertise: "db1:7411",
 *       peers: [{ id: "n2", address: "db2:7411" }, …],
 *     }
 *
 * All nodes of a new cluster are given the same members, and each computes the layout of epoch 1
 * from them for itself: sorted by id, placed by a strategy without chance, so that all come to the
 * same one. That they did is checked by the fingerprint in their greetings, and two nodes that were
 * told different things refuse each other by name.
 *
 * Every unknown field and every impossible value is refused with the field's name, the value and
 * what to do: a setting that silently does nothing is the dearest kind of mistake.
 */
import { type NodeConfig, nodeConfig } from "../core/config.ts";
import { levelCount } from "../core/coordinator/quorum.ts";
import { balancedPlacement } from "../core/ring/balanced-placement.ts";
import { type Layout, type LayoutNode, REPLICAS_MAX } from "../core/ring/layout.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import { planLayout } from "../core/ring/placement.ts";
import { ringPlacement, TOKENS_PER_NODE_DEFAULT } from "../core/ring/ring-placement.ts";
import { checkPartitionCount, PARTITION_COUNT_DEFAULT } from "../core/ring/slot.ts";
import { FRAME_OVERHEAD_BYTES } from "../core/wire/frame.ts";
import { type Address, formatAddress } from "../socket/address.ts";
import type { StorageSettings } from "../disk/storage-settings.ts";
import { type HostLimits, hostLimits } from "./host-limits.ts";
import type { MemberSettings } from "./member-settings.ts";
import { advertisedAddress, checkedAddress, checkedId, checkedMembers } from "./member-settings.ts";
import { formatSeed, parseSeed } from "./seed.ts";
import { refuseUnknown, refuseUnlessInteger, SettingsError } from "./settings-error.ts";
import { checkedStorage, type GivenStorage } from "./storage-settings.ts";

export interface NodeSettings {
  readonly id: string;
  /** Where to listen, as host:port; port 0 takes any free one. */
  readonly listen: string;
  /** How the other nodes and the clients reach this node; by default where it listens. */
  readonly advertise?: string;
  /**
   * The members at the birth of the cluster. This node may be among them, so that all nodes can
   * share one list.
   */
  readonly peers?: readonly MemberSettings[];
  /**
   * Where to ask for members whose address is not given: `host:port`, `host`, or
   * `srv:_gramme._tcp.example.com`. All nodes can share one list.
   */
  readonly seeds?: readonly string[];
  readonly weight?: number;
  readonly zone?: string;
  readonly clusterId?: string;
  /**
   * Seals the contexts that clients carry. Without one anybody who knows the cluster id can forge
   * them.
   */
  readonly secret?: string;
  readonly replicas?: number;
  readonly partitions?: number;
  readonly strategy?: "balanced" | "ring";
  /** Points on the ring for each node; strategy `ring` only. */
  readonly virtualNodes?: number;
  readonly config?: Partial<NodeConfig>;
  readonly limits?: Partial<HostLimits>;
  /** Where rows are kept. Without it they are in memory, and the node forgets all at its end. */
  readonly storage?: GivenStorage;
}

/** The same with nothing left open but a port that listening will find. */
export interface CheckedSettings {
  readonly id: NodeId;
  readonly listen: Address;
  readonly advertise: Address;
  readonly members: readonly LayoutNode[];
  readonly seeds: readonly string[];
  readonly clusterId: string;
  readonly secret: string | undefined;
  readonly replicas: number;
  readonly partitions: number;
  readonly strategy: "balanced" | "ring";
  readonly virtualNodes: number;
  readonly config: NodeConfig;
  readonly limits: HostLimits;
  readonly storage: StorageSettings | undefined;
}

export const CLUSTER_ID_DEFAULT = "gramme";
export const REPLICAS_DEFAULT = 3;

const FIELDS: ReadonlySet<string> = new Set([
  "id",
  "listen",
  "advertise",
  "peers",
  "seeds",
  "weight",
  "zone",
  "clusterId",
  "secret",
  "replicas",
  "partitions",
  "strategy",
  "virtualNodes",
  "config",
  "limits",
  "storage",
] satisfies (keyof NodeSettings)[]);
const CLUSTER_ID = /^[A-Za-z0-9._-]{1,64}$/;
const SEEDS_MAX = 64;
const SECRET_LENGTH_MIN = 8;
const VIRTUAL_NODES = { min: 1, max: 4_096, hint: `${TOKENS_PER_NODE_DEFAULT} is usual` };
const REPLICAS = { min: 1, max: REPLICAS_MAX, hint: "3 is usual: it bears the loss of one node" };

/** Throws a SettingsError for the first thing that cannot be. */
export function checkSettings(given: NodeSettings): CheckedSettings {
  refuseUnknown("", given, FIELDS);
  const { peers = [] } = given;
  if (!Array.isArray(peers)) {
    throw new SettingsError("peers", peers, "must be a list", 'like [{ id: "n2", address: "…" }]');
  }
  const id = checkedId("id", given.id);
  const listen = checkedAddress("listen", given.listen);
  const seeds = checkedSeeds(given.seeds ?? []);
  const advertise = advertisedAddress({ ...given, peers, seeds });
  const members = checkedMembers({ ...given, id, address: formatAddress(advertise) }, peers, seeds);
  const config = checkedConfig(given.config ?? {});
  const replicas = checkedReplicas(given.replicas, members.length);
  refuseImpossibleLevels(config, replicas);
  return {
    id,
    listen,
    advertise,
    members,
    seeds,
    clusterId: checkedClusterId(given.clusterId ?? CLUSTER_ID_DEFAULT),
    secret: checkedSecret(given.secret),
    replicas,
    partitions: checkedPartitions(given.partitions ?? PARTITION_COUNT_DEFAULT),
    strategy: checkedStrategy(given.strategy ?? "balanced"),
    virtualNodes: checkedVirtualNodes(given),
    config,
    limits: checkedLimits(given.limits ?? {}, config),
    storage: given.storage === undefined ? undefined : checkedStorage(given.storage),
  };
}

/** The layout of epoch 1. The same members in any order give the same one on every node. */
export function firstLayout(settings: CheckedSettings): Layout {
  const { members, clusterId, replicas, partitions, strategy, virtualNodes } = settings;
  const placement = strategy === "ring" ? ringPlacement(virtualNodes) : balancedPlacement;
  const layout = planLayout(placement, {
    epoch: 1,
    clusterId,
    replicas,
    partitionCount: partitions,
    nodes: members,
  });
  if (!("problem" in layout)) return layout;
  const names = members.map(({ id }) => id);
  throw new SettingsError("peers", names, layout.problem, "change the members, or the replicas");
}

/** Each in the one way to write it, and once. */
function checkedSeeds(seeds: readonly string[]): readonly string[] {
  const hint = "write them like db1:7400, db2 or srv:_gramme._tcp.example.com";
  if (!Array.isArray(seeds)) throw new SettingsError("seeds", seeds, "must be a list", hint);
  if (seeds.length > SEEDS_MAX) {
    const problem = `there are at most ${SEEDS_MAX}: a few that are usually up are enough`;
    throw new SettingsError("seeds", seeds.length, problem, "name fewer");
  }
  const texts = seeds.map((text: unknown, index) => {
    const seed = typeof text === "string" ? parseSeed(text) : { problem: "a seed is a text" };
    if (!("problem" in seed)) return formatSeed(seed);
    throw new SettingsError(`seeds[${index}]`, text, seed.problem, hint);
  });
  return [...new Set(texts)];
}

function checkedClusterId(clusterId: string): string {
  if (typeof clusterId === "string" && CLUSTER_ID.test(clusterId)) return clusterId;
  const problem = "a cluster id has 1 to 64 characters of A-Z a-z 0-9 . _ -";
  throw new SettingsError("clusterId", clusterId, problem, "name it like shop-production");
}

function checkedSecret(secret: string | undefined): string | undefined {
  if (secret === undefined) return undefined;
  if (typeof secret === "string" && secret.length >= SECRET_LENGTH_MIN) return secret;
  const problem = `a secret has at least ${SECRET_LENGTH_MIN} characters`;
  throw new SettingsError("secret", "(not shown)", problem, "the same random text on all nodes");
}

function checkedReplicas(given: number | undefined, members: number): number {
  const replicas = given ?? Math.min(REPLICAS_DEFAULT, members);
  refuseUnlessInteger("replicas", replicas, REPLICAS);
  if (replicas > members) {
    const problem = `there are only ${members} members`;
    throw new SettingsError("replicas", replicas, problem, "name all members in peers");
  }
  return replicas;
}

function checkedPartitions(partitions: number): number {
  const problem = checkPartitionCount(partitions);
  if (problem === undefined) return partitions;
  throw new SettingsError("partitions", partitions, problem, `${PARTITION_COUNT_DEFAULT} is usual`);
}

function checkedStrategy(strategy: "balanced" | "ring"): "balanced" | "ring" {
  if (strategy === "balanced" || strategy === "ring") return strategy;
  throw new SettingsError("strategy", strategy, "must be balanced or ring", "balanced is usual");
}

function checkedVirtualNodes({ strategy, virtualNodes }: NodeSettings): number {
  if (virtualNodes === undefined) return TOKENS_PER_NODE_DEFAULT;
  if (strategy !== "ring") {
    const problem = "has no effect without strategy ring";
    throw new SettingsError("virtualNodes", virtualNodes, problem, "leave it out, or choose ring");
  }
  refuseUnlessInteger("virtualNodes", virtualNodes, VIRTUAL_NODES);
  return virtualNodes;
}

function checkedConfig(given: Partial<NodeConfig>): NodeConfig {
  const config = nodeConfig(given);
  if (!("problem" in config)) return config;
  const field = /^config\.\w+/.exec(config.problem)?.[0] ?? "config";
  const name = field.slice("config.".length) as keyof NodeConfig;
  throw new SettingsError(field, given[name], config.problem, "see the list of settings");
}

/** More owners than a key has: no request without a level of its own could ever succeed. */
function refuseImpossibleLevels(config: NodeConfig, replicas: number): void {
  for (const name of ["r", "w", "pr", "pw"] as const) {
    if (levelCount(config[name], replicas) !== undefined) continue;
    const problem = `a key has ${replicas} ${replicas === 1 ? "owner" : "owners"}`;
    throw new SettingsError(`config.${name}`, config[name], problem, "ask for fewer, or for all");
  }
}

function checkedLimits(given: Partial<HostLimits>, config: NodeConfig): HostLimits {
  const limits = hostLimits(given);
  if ("problem" in limits) {
    const { field, value, problem } = limits;
    throw new SettingsError(`limits.${field}`, value, problem, "leave it out for the default");
  }
  const { valueBytesMax, recordBytesMax } = config;
  const bytesMin = Math.max(valueBytesMax, recordBytesMax) + FRAME_OVERHEAD_BYTES;
  if (limits.frameBytesMax >= bytesMin) return limits;
  const problem = `a frame must hold the largest record and its key: at least ${bytesMin} bytes`;
  const hint = "raise it, or lower config.recordBytesMax and config.valueBytesMax";
  throw new SettingsError("limits.frameBytesMax", limits.frameBytesMax, problem, hint);
}
