/**
 * From settings to a running node: its identity, its host, its engine and its connections, put
 * together once.
 *
 * With a data directory a node is who its rows belong to (`core/identity/boot.ts`). On the memory
 * engine it remembers nothing, so every boot is a new identity: a random actor whose dots nobody
 * has seen before (law 6), and a generation from the wall clock, by which its peers know the
 * younger of two boots. With a clock set back over a restart they refuse it, by name, until the
 * clock has caught up; an identity that is stored counts its boots instead.
 */
import { createHash, randomBytes, scryptSync } from "node:crypto";
import { type SipKey, sipKeyOf } from "../core/base/siphash.ts";
import { Random } from "../core/base/random.ts";
import { DEFAULT_CONFIG } from "../core/config.ts";
import { LAN_MEMBERSHIP } from "../core/membership/membership-config.ts";
import { DEFAULT_PURGE_CONFIG } from "../core/purge/purge-config.ts";
import { DEFAULT_REPAIR_CONFIG } from "../core/repair/repair-config.ts";
import type { RepairOrder } from "../core/repair-orders.ts";
import { EpochLease } from "../core/replica/epochs.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import { MemoryEngine } from "../core/storage/memory-engine.ts";
import { FRAME_OVERHEAD_BYTES } from "../core/wire/frame.ts";
import { drawnActor } from "../disk/drawn-actor.ts";
import { OLDER_BOOT } from "../core/wire/refusal.ts";
import { NodeStorage } from "../disk/node-storage.ts";
import { type Address, formatAddress } from "../socket/address.ts";
import type { Plant } from "../socket/frame-socket.ts";
import { Turn } from "../socket/turn.ts";
import { WriterPool } from "../socket/writer-pool.ts";
import type { CheckedSettings, NodeSettings } from "./cluster-settings.ts";
import { checkSettings, firstLayout } from "./cluster-settings.ts";
import type { HostFact } from "./host-fact.ts";
import { Host } from "./host.ts";
import { Listener } from "./listener.ts";
import { type NameSource, SystemNames } from "./names.ts";
import type { NodeStatus, PeerStatus, StorageStatus } from "./node-status.ts";
import { settleRows, type SettleSetup } from "./settle-rows.ts";
import { TcpTransport } from "./tcp-transport.ts";
import { VERSION } from "./version.ts";

export interface RunningNode {
  /** The way to the cluster for this process: it has the face of `client/door.ts`. */
  readonly host: Host;
  /** How others reach the node, with the port that listening found. */
  readonly address: string;
  status(): NodeStatus;
  /**
   * Whether all other members of the layout are connected, as soon as they are or the time is over.
   */
  linked(timeoutMs: number): Promise<boolean>;
  /** Takes nothing new, waits for what is open at most `limits.drainMs`, then closes. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Hears every fact, from the first on. */
  readonly onFact?: (fact: HostFact) => void;
  /** Where names are looked up, by default where this machine does. */
  readonly names?: NameSource;
  /** Ends a start that waits, since its rows were put back and nobody says whether they count. */
  readonly signal?: AbortSignal;
}

/**
 * Rejects with a SettingsError, with the system's error when it cannot listen, or with
 * StoppedWaiting. What was put back is settled before anybody is met, however long that takes.
 */
export async function startNode(
  given: NodeSettings,
  options: StartOptions = {},
): Promise<RunningNode> {
  const settings = checkSettings(given);
  const { limits } = settings;
  // What cannot be placed is refused before anything is open.
  firstLayout(settings);
  const opened = await openStorage(settings);
  const plant: Plant = { turn: new Turn(), pool: new WriterPool() };
  const listener = new Listener(plant, limits.greetingTimeoutMs);
  const bound = await listener.listen(settings.listen).catch(async (error: unknown) => {
    await opened?.close(true);
    throw error;
  });
  const names = options.names ?? new SystemNames();
  const { host, advertise, storage } = await settled(settings, options, {
    made: madeFor(settings, plant.turn, bound.port, opened, options),
    port: bound.port,
    listener,
    plant,
    names,
  });
  const address = formatAddress(advertise);
  const statusOf = (peers: readonly PeerStatus[]): NodeStatus =>
    nodeStatus(host, address, peers, storage);
  const transport = new TcpTransport({
    host,
    plant,
    limits,
    listener,
    advertise,
    names,
    askBytesMax: askBytesMaxOf(settings),
    requestTimeoutMs: settings.config.requestTimeoutMs,
    status: (peers) => JSON.stringify(statusOf(peers)),
  });
  host.attach(transport);
  const trees = storage?.takeTrees();
  if (trees !== undefined) host.restoreTrees(trees);
  host.start();
  transport.start();
  host.note({ kind: "listening", address: formatAddress(bound) });
  return {
    host,
    address,
    status: () => statusOf(transport.peerStatuses()),
    linked: (timeoutMs) => linked(host, transport, timeoutMs),
    stop: () => host.close(),
  };
}

interface Made {
  readonly host: Host;
  readonly advertise: Address;
  readonly storage: NodeStorage | undefined;
}

function madeFor(
  settings: CheckedSettings,
  turn: Turn,
  port: number,
  storage: NodeStorage | undefined,
  { onFact }: StartOptions,
): Made {
  const made = makeHost(settings, turn, port, storage);
  if (onFact !== undefined) made.host.onFact(onFact);
  if (storage !== undefined) watchBoot(made.host, storage);
  return { ...made, storage };
}

/** Rows that were put back are found to count, or are moved aside, and it is begun without any. */
async function settled(
  settings: CheckedSettings,
  options: StartOptions,
  start: Pick<SettleSetup, "listener" | "plant" | "names"> & {
    readonly made: Made;
    readonly port: number;
  },
): Promise<Made> {
  const { made, port, ...means } = start;
  const { host, storage, advertise } = made;
  if (storage === undefined || storage.isSettled) return made;
  host.hold();
  const { era } = host;
  const address = formatAddress(advertise);
  try {
    const verdict = await settleRows({
      ...means,
      settings,
      host,
      storage,
      address,
      signal: options.signal,
      status: (peers, waits) => JSON.stringify(nodeStatus(host, address, peers, storage, waits)),
    });
    if (verdict === "keep") {
      await storage.settle();
      host.note({ kind: "rows-kept", era });
      return made;
    }
    const path = storage.giveUpRows();
    await host.close();
    const emptied = await openStorage(settings);
    const fresh = madeFor(settings, means.plant.turn, port, emptied, options);
    fresh.host.note({ kind: "rows-given-up", era, path });
    return fresh;
  } catch (error) {
    await Promise.allSettled([host.close(), means.listener.stop()]);
    throw error;
  }
}

/** The data directory of the settings, if they name one. */
export function openStorage(settings: CheckedSettings): Promise<NodeStorage | undefined> {
  const { storage, clusterId, id } = settings;
  if (storage === undefined) return Promise.resolve(undefined);
  return NodeStorage.open(storage, { clusterId, nodeId: id, layout: layoutLine(settings) });
}

/** All that the place of a key follows from: see `disk/layout-file.ts`. */
export function layoutLine(settings: CheckedSettings): string {
  const { members, replicas, partitions, strategy, virtualNodes } = settings;
  const names = members.map(({ id, weight, zone }) => {
    return `${id}${zone === "" ? "" : `@${zone}`}${weight === 1 ? "" : `*${weight}`}`;
  });
  const how = strategy === "ring" ? `ring with ${virtualNodes} points` : strategy;
  return `${replicas} replicas of ${partitions} partitions, placed ${how}, on ${names.join(" ")}`;
}

/** Says how this boot came to be. */
export function noteBoot(host: Host, { reason, findings, identity }: NodeStorage): void {
  host.note({ kind: "storage-opened", reason, findings, generation: identity.generation });
}

/**
 * Ends the boot when peers know a younger one: then the directory was set back under the node, and
 * what it would hand out may have been handed out before.
 */
function watchBoot(host: Host, storage: NodeStorage): void {
  noteBoot(host, storage);
  const stopListening = host.onFact((fact) => {
    const known = youngerBoot(fact, host.id, storage.identity.generation);
    if (known === undefined) return;
    stopListening();
    storage.outlived(known.generation, () => {
      host.failed(
        `${known.told}: the data directory was set back or is in use elsewhere, or a ` +
          "clock was ahead in an earlier life. " +
          "Started again, the node goes on under a new identity",
      );
    });
  });
}

/** The boot of this node that somebody has met who knows more: a peer, or the gossip. */
function youngerBoot(
  fact: HostFact,
  id: NodeId,
  generation: number,
): { readonly generation: number | undefined; readonly told: string } | undefined {
  if (fact.kind === "connection-refused") {
    const isMeant = fact.by === "them" && fact.code === OLDER_BOOT;
    return isMeant ? { generation: fact.known, told: fact.message } : undefined;
  }
  const isOwn = fact.kind === "clone-seen" && fact.member === id && fact.generation > generation;
  if (!isOwn) return undefined;
  const told = `boot ${generation} of ${id} is older than ${fact.generation}, which members know`;
  return { generation: fact.generation, told };
}

/** The host of a node, without a transport yet: alone, it is a cluster of one. */
export function makeHost(
  settings: CheckedSettings,
  turn: Turn,
  port: number,
  storage: NodeStorage | undefined,
): { readonly host: Host; readonly advertise: Address } {
  const { id, config, limits } = settings;
  const advertise =
    settings.advertise.port === 0 ? { ...settings.advertise, port } : settings.advertise;
  const members = settings.members.map((member) =>
    member.id === id ? { ...member, address: formatAddress(advertise) } : member,
  );
  const host = new Host({
    id,
    actor: storage?.identity.actor ?? drawnActor(),
    address: formatAddress(advertise),
    generation: storage?.identity.generation ?? Date.now(),
    config,
    membership: LAN_MEMBERSHIP,
    repair: { ...DEFAULT_REPAIR_CONFIG, settleMs: 2 * config.requestTimeoutMs },
    purge: { ...DEFAULT_PURGE_CONFIG, everyMs: config.purgeEveryMs, eraMs: config.eraMs },
    layout: firstLayout({ ...settings, members }),
    seeds: [...new Set([...settings.seeds, ...(storage?.addresses ?? [])])],
    epochs: storage?.epochs ?? EpochLease.forProcess(),
    secret: secretKey(settings),
    random: new Random(randomBytes(32).toString("hex")),
    engine: (events, share) => storage?.engine(events, share) ?? new MemoryEngine(events),
    keeper: storage,
    turn,
    drainMs: limits.drainMs,
  });
  return { host, advertise };
}

function linked(host: Host, transport: TcpTransport, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      stopListening();
      resolve(transport.isLinked);
    };
    const timer = setTimeout(finish, timeoutMs);
    const stopListening = host.onFact(({ kind }) => {
      if (kind === "peer-linked" && transport.isLinked) finish();
    });
    if (transport.isLinked) finish();
  });
}

/**
 * The key that seals contexts, the same on all nodes. A secret is stretched, since people choose
 * short ones. Without one the key follows from the cluster id: it then detects accidents, and
 * forgery by nobody who knows that name.
 */
function secretKey({ secret, clusterId }: CheckedSettings): SipKey {
  const bytes =
    secret === undefined
      ? createHash("sha256").update(`gramme open cluster ${clusterId}`).digest().subarray(0, 16)
      : scryptSync(secret, `gramme cluster ${clusterId}`, 16);
  return sipKeyOf(new Uint8Array(bytes));
}

/**
 * A value above our own bound but below the usual one still arrives, and is refused by name; the
 * frame that would not even be read ends the connection, with everything that was open on it.
 */
function askBytesMaxOf({ config }: CheckedSettings): number {
  return Math.max(config.valueBytesMax, DEFAULT_CONFIG.valueBytesMax) + FRAME_OVERHEAD_BYTES;
}

const LOOK: RepairOrder = { kind: "look", partition: undefined, from: 0 };

export function nodeStatus(
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
