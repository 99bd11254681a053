/**
 * What an operator may ask of a node about anti-entropy, and what the node says.
 *
 *     look      how far it is: numbers
 *     compare   all pairs, or those of a partition, are compared now, and each is left to do until
 *               it is proven in sync; the same numbers
 *     list      the same numbers, and pair by pair what is known of it
 *
 * A pair is a partition that the node owns and another owner of it. Each order is answered at once:
 * to follow a comparison is to look again.
 */
import type { ExchangeResult } from "./repair-facts.ts";
import type { NodeId } from "./ring/node-id.ts";

/** Order is the wire's: append only. */
export const REPAIR_ORDERS = ["look", "compare", "list"] as const;

export interface RepairOrder {
  readonly kind: (typeof REPAIR_ORDERS)[number];
  /** Only of this one; else of all. */
  readonly partition: number | undefined;
  /** Where a list goes on: pairs of lower partitions are not told. */
  readonly from: number;
}

/**
 * How it is with a pair. Order is the wire's: append only.
 *
 *     waiting    for its turn; comparing: it is
 *     away       the peer cannot be reached
 *     building   one of the two still makes its tree from its rows
 *     busy       the peer has others to answer first
 *     unsettled  what differed did not hold still
 *     repaired   records moved; another comparison has to prove it
 *     stuck      what differs cannot be read here or there, or cannot be mended
 *     silent     the peer did not answer in time
 *     moved      the layout or the peer changed meanwhile
 *     proven     in sync, when it was last compared
 */
export const PAIR_STATES = [
  "waiting",
  "comparing",
  "away",
  "building",
  "busy",
  "unsettled",
  "repaired",
  "stuck",
  "silent",
  "moved",
  "proven",
] as const;
export type PairState = (typeof PAIR_STATES)[number];

export interface PairTold {
  readonly partition: number;
  readonly peer: NodeId;
  readonly state: PairState;
  /** A comparison was asked for that has not proven it yet. */
  readonly isLeft: boolean;
  /** How long ago it was last proven in sync; nothing if never in this life of the node. */
  readonly provenMs: number | undefined;
}

export interface RepairReport {
  /** Of the node: another life knows nothing of what was asked before. */
  readonly generation: number;
  readonly pairs: number;
  /** Pairs proven in sync in this life, and how long ago the oldest of those proofs was. */
  readonly proven: number;
  readonly oldestMs: number | undefined;
  /** Pairs that somebody asked to compare and that are not proven yet, by state. */
  readonly left: ReadonlyMap<PairState, number>;
  /** Undefined while nothing tells. */
  readonly etaMs: number | undefined;
  /** That exchanges of these pairs have moved, in this life: those that this node began. */
  readonly keysMoved: number;
  /** Of those: moved for nothing. */
  readonly keysUnchanged: number;
  /** Of a list, ascending by partition. */
  readonly told: readonly PairTold[];
  /** The partition to list on from; undefined when all were told. */
  readonly next: number | undefined;
}

/** Of one answer. */
export const PAIRS_TOLD_MAX = 4096;

export function leftOf({ left }: RepairReport): number {
  let count = 0;
  for (const pairs of left.values()) count += pairs;
  return count;
}

/** Of a node that does not run. */
export function nothingTold(generation: number): RepairReport {
  return {
    generation,
    pairs: 0,
    proven: 0,
    oldestMs: undefined,
    left: new Map(),
    etaMs: undefined,
    keysMoved: 0,
    keysUnchanged: 0,
    told: [],
    next: undefined,
  };
}

export function stateOf(result: ExchangeResult): PairState {
  switch (result) {
    case "in-sync":
      return "proven";
    case "no-tree":
      return "building";
    case "late":
      return "silent";
    case "ended":
    case "not-owner":
    case "stale-epoch":
      return "moved";
    default:
      return result;
  }
}
