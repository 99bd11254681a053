/**
 * How a request ended for whoever asked: what a node answered, or that no answer came.
 *
 * Between the caller and the node there is a way that may fail. What fails there is said in the
 * words of a node: a write that had left has `OUTCOME_UNKNOWN`, and whatever had no effect is
 * `UNAVAILABLE`.
 */
import { EMPTY_BYTES } from "../base/bytes.ts";
import type { Failed, FailureCode, Outcome } from "../outcomes.ts";

/**
 * `UNAVAILABLE`: no node could be reached, or none answered a read in time. Nothing has been
 * changed.
 */
export type DoorFailureCode = FailureCode | "UNAVAILABLE";

export interface DoorFailed extends Omit<Failed, "code"> {
  readonly code: DoorFailureCode;
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
