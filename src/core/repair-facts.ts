/**
 * What anti-entropy observes of itself. `keysUnchanged` of an exchange should tend to zero: those
 * are records that travelled and changed nothing.
 */
import type { ExchangeRefusal } from "./repair-messages.ts";
import type { NodeId } from "./ring/node-id.ts";

/**
 * How an exchange ended for the node that began it. Only `in-sync` proves anything.
 *
 *     in-sync    the sums of the whole partition were equal
 *     repaired   records moved
 *     unsettled  what differed did not hold still, or is younger than what is looked at
 *     stuck      what differs cannot be read, or moved and changed nothing
 *     silent     the peer did not answer; `late`: it did, but it took too long
 *     moved      the layout, or the peer, or the own tree went away
 */
export type ExchangeResult =
  | "in-sync"
  | "repaired"
  | "unsettled"
  | "stuck"
  | "silent"
  | "late"
  | "moved"
  | ExchangeRefusal;

export type RepairFact =
  /** The last life has left them. */
  | { readonly kind: "trees-restored"; readonly partitions: number }
  | {
      readonly kind: "tree-built";
      readonly partition: number;
      readonly damaged: number;
      readonly passes: number;
    }
  /** A rebuilt tree is not what the writes had made of it: rot, or a bug. */
  | { readonly kind: "tree-differed"; readonly partition: number; readonly leaves: number }
  | {
      readonly kind: "exchange-finished";
      readonly partition: number;
      readonly peer: NodeId;
      readonly result: ExchangeResult;
      readonly keysCompared: number;
      readonly keysMoved: number;
      readonly keysUnchanged: number;
      /** Changed too recently to be looked at. */
      readonly keysRecent: number;
      /** Unreadable here and not to be had from the peer, or the other way round. */
      readonly keysStuck: number;
      readonly elapsedMs: number;
    }
  | { readonly kind: "proven-in-sync"; readonly partition: number; readonly peer: NodeId }
  | {
      readonly kind: "exchange-declined";
      readonly peer: NodeId;
      readonly partition: number;
      readonly reason: ExchangeRefusal;
    };
