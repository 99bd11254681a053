/**
 * A node before it is connected: its directory, its identity, its host and its engine, put together
 * once.
 *
 * With a data directory a node is who its rows belong to (`core/identity/boot.ts`). On the memory
 * engine it remembers nothing, so every boot is a new identity: a random actor whose dots nobody
 * has seen before (law 6), and a generation from the wall clock, by which its peers know the
 * younger of two boots. With a clock set back over a restart they refuse it, by name, until the
 * clock has caught up; an identity that is stored counts its boots instead.
 */
import { createHash, randomBytes, scryptSync } from "node:crypto";
import { Random } from "../core/base/random.ts";
import { type SipKey, sipKeyOf } from "../core/base/siphash.ts";
import { LAN_MEMBERSHIP } from "../core/membership/membership-config.ts";
import { DEFAULT_PURGE_CONFIG } from "../core/purge/purge-config.ts";
import { DEFAULT_REPAIR_CONFIG } from "../core/repair/repair-config.ts";
import { EpochLease } from "../core/replica/epochs.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import { MemoryEngine } from "../core/storage/memory-engine.ts";
import { OLDER_BOOT } from "../core/wire/refusal.ts";
import { drawnActor } from "../disk/drawn-actor.ts";
import { NodeStorage } from "../disk/node-storage.ts";
import { type Address, formatAddress } from "../socket/address.ts";
import type { Turn } from "../socket/turn.ts";
import { type CheckedSettings, firstLayout } from "./cluster-settings.ts";
import type { HostFact } from "./host-fact.ts";
import { Host } from "./host.ts";

export interface MadeNode {
  readonly host: Host;
  /** Where others find it. */
  readonly advertise: Address;
  readonly storage: NodeStorage | undefined;
}

/** Says from the first moment on how the boot came to be, and ends it when it is outlived. */
export function makeNode(
  settings: CheckedSettings,
  turn: Turn,
  port: number,
  storage: NodeStorage | undefined,
  onFact: ((fact: HostFact) => void) | undefined,
): MadeNode {
  const { host, advertise } = makeHost(settings, turn, port, storage);
  if (onFact !== undefined) host.onFact(onFact);
  if (storage !== undefined) watchBoot(host, storage);
  return { host, advertise, storage };
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
