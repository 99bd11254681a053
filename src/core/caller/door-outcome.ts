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
  /** The node that was asked is gone: this says nothing of how busy the others are. */
  readonly isOfLoss?: true;
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

/** Nothing came back of what had left: a read is lost, a write may have been done. */
export function unanswered(isRead: boolean, detail: string): DoorFailed {
  return isRead ? unavailable(detail) : failed("OUTCOME_UNKNOWN", detail);
}

/** So it ended because the node that was asked is gone. */
export function ofLoss(failure: DoorFailed): DoorFailed {
  return { ...failure, isOfLoss: true };
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
