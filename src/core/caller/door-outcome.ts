/**
 * How a request ended for whoever asked: what a node answered, or that no answer came.
 *
 * Between the caller and the node there is a way that may fail. What fails there is said in the
 * words of a node: a write that had left has `OUTCOME_UNKNOWN`, and whatever had no effect is
 * `UNAVAILABLE`.
 */
import { EMPTY_BYTES } from "../base/bytes.ts";
import type { Failed, FailureCode, Outcome } from "../outcomes.ts";
import { failed } from "../outcomes.ts";

/**
 * `UNAVAILABLE`: no node could be reached, or none answered a read in time. Nothing has been
 * changed.
 */
export type DoorFailureCode = FailureCode | "UNAVAILABLE";

/**
 * Why a client asked no node, though it might have: its budget for asking again was empty, or the
 * nodes are overloaded and it asks less of them.
 */
export type HeldBack = "retry-budget" | "throttle";

export interface DoorFailed extends Omit<Failed, "code"> {
  readonly code: DoorFailureCode;
  readonly heldBack?: HeldBack;
}

export type DoorOutcome = Exclude<Outcome, Failed> | DoorFailed;

export function unavailable(detail: string, retryAfterMs = 0): DoorFailed {
  return {
    kind: "failed",
    code: "UNAVAILABLE",
    needed: 1,
    got: 0,
    retryAfterMs,
    detail,
    context: EMPTY_BYTES,
  };
}

/** A failure that would have been no failure yet, had the client not kept to its bounds. */
export function heldBack(
  reason: HeldBack,
  code: FailureCode,
  detail: string,
  numbers: Parameters<typeof failed>[2],
): DoorFailed {
  return { ...failed(code, detail, numbers), heldBack: reason };
}
