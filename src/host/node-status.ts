/**
 * How a node is, for people and scripts: what `status-ask` is answered with. A JSON document that
 * gains fields with releases and loses none.
 */
import type { BootReason } from "../core/identity/boot.ts";
import type { LoadReport } from "../core/load/load.ts";
import type { PurgeReport } from "../core/purge/purge.ts";
import type { ScrubResult } from "../core/storage/log/scrub.ts";
import type { EngineKind, SyncKind } from "../disk/storage-settings.ts";
import type { LaneName } from "./outbound-lanes.ts";
import type { PeerState } from "./peer.ts";

export interface PeerStatus {
  readonly id: string;
  /** Empty while nobody has told it. */
  readonly address: string;
  readonly state: PeerState;
  /** Why it is not connected, as far as this node knows; empty when it is. */
  readonly problem: string;
  /** Messages that found no connection or no room, since the start. */
  readonly droppedCount: number;
  /** Requests that were not sent, since their time passed while they waited. */
  readonly expiredCount: number;
  /** Bytes that wait for it now. */
  readonly outboundBytes: number;
  /** Of those, by class, what waits for its turn since the peer takes less than it is sent. */
  readonly waiting: Readonly<Partial<Record<LaneName, number>>>;
}

export interface StorageStatus {
  readonly dir: string;
  readonly engine: EngineKind;
  readonly sync: SyncKind;
  /** What this boot made of what it found: see `core/identity/boot.ts`. */
  readonly boot: BootReason;
  /** What a clean stop does not leave, in words; empty when nothing. */
  readonly findings: string;
  /** What the last look at everything on the disk found; nothing before its end. */
  readonly scrub: ScrubResult | null;
  /** Where rows lie that were put back and were too old; nothing here touches them again. */
  readonly givenUp: readonly string[];
}

/** Of anti-entropy: a pair is a partition that the node owns and another owner of it. */
export interface RepairStatus {
  readonly pairs: number;
  /** Pairs that were proven in sync since the node started. */
  readonly proven: number;
  /** How long ago the oldest of their last proofs was; null when there is none. */
  readonly oldestProofMs: number | null;
}

export interface NodeStatus {
  readonly id: string;
  readonly address: string;
  readonly clusterId: string;
  readonly version: string;
  readonly pid: number;
  readonly state: "waiting" | "running" | "stopping" | "stopped";
  /** Why it does not take part yet, in words: its rows were put back. Nothing when it does. */
  readonly unsettled: string | null;
  readonly generation: number;
  readonly layoutEpoch: number;
  readonly peers: readonly PeerStatus[];
  readonly keys: number;
  /** Of keys and rows together, without the engine's own structures. */
  readonly bytes: number;
  readonly openRequests: number;
  /** What is kept for owners that could not be reached: one for each key and owner. */
  readonly hints: number;
  readonly repair: RepairStatus;
  /** How busy it is, and what gives way to that. */
  readonly load: LoadReport;
  /** Deletions that are not forgotten yet, of the keys whose home this node is. */
  readonly tombstones: PurgeReport;
  readonly uptimeMs: number;
  /** Nothing for a node that keeps its rows in memory. */
  readonly storage: StorageStatus | null;
}
