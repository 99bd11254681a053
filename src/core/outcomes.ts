/**
 * How a request ended. Absent, not enough replies, and unknown are different answers (law 4).
 *
 *     found      the live values, newest first, and the context that covers them
 *     not-found  enough owners answered and none holds a live value
 *     stored     W distinct owners hold the write as durably as the policy says
 *     deleted    W distinct owners hold the deletion; `existed` tells whether it removed anything
 *     failed     a code and both numbers; only OUTCOME_UNKNOWN may have had an effect
 */
import type { NodeId } from "./ring/node-id.ts";
import { EMPTY_BYTES } from "./base/bytes.ts";
import type { Sibling } from "./causality/register.ts";

/** What stands behind an answer. Bit i of a mask is the i-th owner of the key's preference list. */
export interface Receipt {
  readonly coordinator: NodeId;
  /** Epoch of the layout that the owners were taken from. */
  readonly epoch: number;
  readonly needed: number;
  /** Owners that answered in time. */
  readonly answered: number;
  /** Owners that hold the write durably; for a read, owners that hold exactly what was returned. */
  readonly held: number;
  /** Owners that could not be reached, and for which another node holds it until they can. */
  readonly hinted: number;
  readonly siblings: number;
}

export interface Found {
  readonly kind: "found";
  readonly siblings: readonly Sibling[];
  readonly context: Uint8Array;
  readonly receipt: Receipt;
}

export interface NotFound {
  readonly kind: "not-found";
  readonly context: Uint8Array;
  readonly receipt: Receipt;
}

export interface Stored {
  readonly kind: "stored";
  readonly context: Uint8Array;
  readonly receipt: Receipt;
}

export interface Deleted {
  readonly kind: "deleted";
  readonly existed: boolean;
  readonly context: Uint8Array;
  readonly receipt: Receipt;
}

/** Order is the wire's: append only. */
export const FAILURE_CODES = [
  "INVALID_REQUEST",
  "CONTEXT_INVALID",
  "VALUE_TOO_LARGE",
  "TOO_MANY_SIBLINGS",
  "QUORUM_NOT_MET",
  "OUTCOME_UNKNOWN",
  "OVERLOADED",
  "NOT_OWNER",
  "STALE_EPOCH",
  "DAMAGED",
] as const;

export type FailureCode = (typeof FAILURE_CODES)[number];

export interface Failed {
  readonly kind: "failed";
  readonly code: FailureCode;
  readonly needed: number;
  readonly got: number;
  readonly retryAfterMs: number;
  /** What happened, for a person; says which field, limit or owner. */
  readonly detail: string;
  /** The current context where a refusal can be mended by a read and a put; else empty. */
  readonly context: Uint8Array;
}

export type Outcome = Found | NotFound | Stored | Deleted | Failed;

export function failed(
  code: FailureCode,
  detail: string,
  numbers: { needed?: number; got?: number; retryAfterMs?: number; context?: Uint8Array } = {},
): Failed {
  return {
    kind: "failed",
    code,
    needed: numbers.needed ?? 0,
    got: numbers.got ?? 0,
    retryAfterMs: numbers.retryAfterMs ?? 0,
    detail,
    context: numbers.context ?? EMPTY_BYTES,
  };
}
