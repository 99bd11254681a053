/**
 * What every operation of a coordinator has at hand, and the narrow interfaces that the coordinator
 * needs of its neighbours. It imports neither the replica nor the membership: `node.ts` introduces
 * them to each other.
 */
import type { WallTime } from "../base/wall-time.ts";
import type { ShareBudget } from "../base/share-budget.ts";
import type { SipKey } from "../base/siphash.ts";
import type { Context } from "../causality/context.ts";
import type { Record } from "../causality/record.ts";
import type { NodeConfig } from "../config.ts";
import type { DeadlineWheel } from "../deadlines.ts";
import type { Effects, Instant } from "../effects.ts";
import type { Refusal } from "../messages.ts";
import type { Key } from "../ring/key.ts";
import type { Layout } from "../ring/layout.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { StandIns } from "../ring/stand-ins.ts";
import type { DAMAGED } from "../storage/engine.ts";

export interface Liveness {
  isLinked(node: NodeId): boolean;
  /** Its disk is slow: it coordinates, and stands in, where nobody else can. */
  isDegraded(node: NodeId): boolean;
  /** It has answered since it last left a request that was all its own, or a probe, unanswered. */
  isHeard(node: NodeId): boolean;
  /** And its disk is not slow. */
  isWell(node: NodeId): boolean;
  /** Expected wait for an answer; the lower, the sooner asked. */
  cost(node: NodeId): number;
  onAsked(node: NodeId): void;
  onAnswered(node: NodeId, elapsedMs: number): void;
  /** Nobody waits for it any longer. */
  onGivenUp(node: NodeId, elapsedMs: number): void;
  /** It has answered after all, too late for anybody. */
  onSpoke(node: NodeId): void;
  /** It was asked to stand in, and nothing was heard of it. */
  onUnheard(node: NodeId): void;
  /** As `onGivenUp`, and it had all the time that there was. */
  onSilent(node: NodeId, elapsedMs: number): void;
  /** As `onAnswered`, for a question to an owner about what it holds. */
  onRead(node: NodeId, elapsedMs: number): void;
  /** Within this time 95 of 100 such questions are answered; Infinity when nobody knows. */
  usualMaxMs(node: NodeId): number;
}

/** What this node keeps for owners that cannot be reached. */
export interface OwnHints {
  keepOwn(now: Instant, key: Key, target: NodeId, record: Uint8Array): void;
}

export interface OwnRow {
  readonly reservedEpoch: number;
  readonly record: Record;
}

export interface Place {
  readonly partition: number;
  readonly key: Key;
}

/** A record and its encoding, made once and used for the row, the digest and the wire. */
export interface EncodedRecord {
  readonly record: Record;
  readonly bytes: Uint8Array;
}

/** The owner's part of this very node. */
export interface OwnReplica {
  load(partition: number, key: Key): OwnRow | typeof DAMAGED;
  recordBytes(partition: number, key: Key): Uint8Array | undefined | typeof DAMAGED;
  nextDot(
    key: Key,
    row: OwnRow,
    context: Context | undefined,
  ): { readonly epoch: number; readonly n: number } | undefined;
  storeOwn(
    place: Place,
    row: OwnRow,
    delta: Record,
    waiting: { readonly to: NodeId; readonly id: number },
  ): Uint8Array;
  apply(
    place: Place,
    incoming: EncodedRecord,
    waiting: { readonly to: NodeId; readonly id: number },
  ): Refusal | undefined;
  repair(place: Place, incoming: EncodedRecord): void;
}

/** A request that was admitted: since when, until when, and how large. */
export interface Begun {
  readonly startedAt: Instant;
  readonly deadlineAt: Instant;
  readonly bytes: number;
}

export interface Desk {
  readonly self: NodeId;
  /** This node's half of an actor; the other half is the epoch of the dot. */
  readonly identity: { readonly high: number; readonly low: number };
  readonly config: NodeConfig;
  readonly secret: SipKey;
  readonly effects: Effects;
  readonly liveness: Liveness;
  readonly replica: OwnReplica;
  readonly hints: OwnHints;
  readonly standIns: StandIns;
  readonly deadlines: DeadlineWheel;
  /** What reads may ask beyond what they need. */
  readonly hedges: ShareBudget;
  /** This node has so much to do that it asks nobody twice. */
  readonly isBusy: boolean;
  layout(): Layout;
  /** What has expired is gone for this node. */
  readonly wall: WallTime;
  /** So many answered operations still wait for late owners that further ones do not. */
  readonly isCrowded: boolean;
  /** The operation is over: nothing will be waited for any more. */
  close(id: number): void;
  /** The operation has answered: it no longer counts as in flight. */
  answered(now: Instant, request: Begun): void;
  /** Whether there is time to mend an owner that a read has found behind. */
  mayRepair(now: Instant): boolean;
}
