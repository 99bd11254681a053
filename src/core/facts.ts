/**
 * Facts: what a node observed, typed. One stream feeds log lines, metrics, the simulator's trace
 * and tests.
 *
 * The host may add the time and the node; the core states only what happened.
 */
import type { MembershipFact } from "./membership-facts.ts";
import type { PurgeFact } from "./purge-facts.ts";
import type { RepairFact } from "./repair-facts.ts";
import type { Key } from "./ring/key.ts";
import type { NodeId } from "./ring/node-id.ts";
import type { FailureCode } from "./outcomes.ts";
import type { Operation } from "./requests.ts";

/** Why a node took a new epoch for a key; `notes` of the causality room explain each. */
export type EpochReason = "first" | "context-ahead" | "boot-floor" | "replica-ahead" | "damaged";

export type DropReason =
  | "expired"
  | "malformed"
  | "unknown-id"
  | "not-owner"
  | "stale-epoch"
  | "late"
  | "old-generation";

export type Fact =
  | MembershipFact
  | RepairFact
  | PurgeFact
  | { readonly kind: "peer-linked"; readonly peer: NodeId; readonly generation: number }
  | { readonly kind: "peer-lost"; readonly peer: NodeId }
  | { readonly kind: "layout-adopted"; readonly epoch: number }
  | {
      readonly kind: "dot-minted";
      readonly key: Key;
      readonly high: number;
      readonly low: number;
      readonly epoch: number;
      readonly n: number;
    }
  | {
      readonly kind: "epoch-taken";
      readonly key: Key;
      readonly epoch: number;
      readonly reason: EpochReason;
    }
  | { readonly kind: "row-damaged"; readonly key: Key }
  | { readonly kind: "digest-differed"; readonly key: Key; readonly peer: NodeId }
  | {
      readonly kind: "read-repaired";
      readonly key: Key;
      readonly target: NodeId;
      readonly late: boolean;
    }
  | { readonly kind: "hint-kept"; readonly key: Key; readonly target: NodeId }
  | { readonly kind: "hint-delivered"; readonly key: Key; readonly target: NodeId }
  | {
      readonly kind: "stand-in-asked";
      readonly key: Key;
      readonly owner: NodeId;
      readonly peer: NodeId;
    }
  | { readonly kind: "spare-asked"; readonly key: Key; readonly peer: NodeId }
  | { readonly kind: "hedge-asked"; readonly key: Key; readonly peer: NodeId }
  | { readonly kind: "hedge-won"; readonly key: Key; readonly peer: NodeId }
  | { readonly kind: "read-written-back"; readonly key: Key; readonly target: NodeId }
  | { readonly kind: "request-forwarded"; readonly key: Key; readonly to: NodeId }
  | { readonly kind: "message-dropped"; readonly from: NodeId; readonly reason: DropReason }
  /** The own disk is slow, compared with the others: this node steps back; or does so no more. */
  | { readonly kind: "disk-degraded"; readonly latencyMs: number; readonly medianMs: number }
  | { readonly kind: "disk-recovered"; readonly latencyMs: number; readonly medianMs: number }
  | { readonly kind: "siblings-seen"; readonly key: Key; readonly count: number }
  | {
      readonly kind: "request-finished";
      readonly operation: Operation;
      readonly outcome: "found" | "not-found" | "stored" | "deleted" | FailureCode;
      readonly elapsedMs: number;
    };
