/**
 * What an operator may ask of a node about the hints it keeps, and what the node says.
 *
 *     list      how much for whom, and what is being done about it
 *     deliver   those who can be reached are told now, whoever was to be left in peace for a while
 *     drop      what is kept for one target is forgotten, for ever
 *
 * Each is answered at once, with a list: to follow a delivery or a drop is to ask again.
 */
import type { NodeId } from "./ring/node-id.ts";

/** Order is the wire's: append only. */
export const HINT_ORDERS = ["list", "deliver", "drop"] as const;

export type HintOrder =
  | { readonly kind: "list" }
  /** Without a target for all of them. */
  | { readonly kind: "deliver"; readonly target: NodeId | undefined }
  | { readonly kind: "drop"; readonly target: NodeId };

/**
 * `waiting`: for the target, or until it has been left in peace. `resting`: the target has refused,
 * or did not answer. Order is the wire's: append only.
 */
export const HINT_STATES = ["waiting", "delivering", "resting", "dropping"] as const;
export type HintState = (typeof HINT_STATES)[number];

/** What is kept for one target. */
export interface HintsFor {
  readonly target: NodeId;
  readonly keys: number;
  /** Of keys and records. */
  readonly bytes: number;
  readonly state: HintState;
  /** How long it could not be reached, in this life of the node that says so; nothing if it can. */
  readonly awayMs: number | undefined;
  /** Hints that the target has acknowledged, in about the last second. */
  readonly rowsPerSecond: number;
}

export interface HintReport {
  /** What a start has found is counted; before, there may be more than it says. */
  readonly isCounted: boolean;
  /** Ascending by id. */
  readonly targets: readonly HintsFor[];
}
