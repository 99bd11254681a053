/**
 * What two owners of a partition say to each other to find out whether they hold the same, and to
 * mend it where they do not.
 *
 *     initiator                              responder
 *        │── roots-ask (sum of all) ─────────▶│
 *        │◀──────── roots-same │ branches-told│   equal: this is all
 *        │── leaves-ask ─────────────────────▶│   of the branches that differ
 *        │◀──────────────────── leaves-told ──│
 *        │        … what is on its way arrives …
 *        │── leaves-ask ─────────────────────▶│   the same again
 *        │◀──────────────────── leaves-told ──│
 *        │── keys-ask ───────────────────────▶│   of the leaves that differ in the same way
 *        │◀────────────────────── keys-told ──│   page by page
 *        │── trade (records) ────────────────▶│   merges, and answers what is still different
 *        │◀───────────────────────── traded ──│
 *        │── exchange-done ──────────────────▶│
 *
 * Every message names its exchange. The initiator repeats a question until it is answered, and
 * every question may be answered twice: messages may be lost, doubled, reordered and very late.
 */
import type { Digest } from "./causality/record-codec.ts";
import type { Key } from "./ring/key.ts";

export const BRANCHES = 64;
export const LEAVES_PER_BRANCH = 64;
export const LEAVES: number = BRANCHES * LEAVES_PER_BRANCH;
/** Differing leaves that one exchange looks into. */
export const EXCHANGE_LEAVES_MAX = 256;
export const KEYS_TOLD_MAX = 1024;
export const TRADE_KEYS_MAX = 128;

export interface RootsAsk {
  readonly kind: "roots-ask";
  /** Never used twice by a node: a random beginning at every boot, then one more each time. */
  readonly id: number;
  readonly epoch: number;
  /** In which the exchange began. */
  readonly era: number;
  readonly partition: number;
  readonly rootHigh: number;
  readonly rootLow: number;
}

export interface RootsSame {
  readonly kind: "roots-same";
  readonly id: number;
}

export interface BranchesTold {
  readonly kind: "branches-told";
  readonly id: number;
  /** High and low half of each branch, in turn. */
  readonly sums: Uint32Array;
}

export interface LeavesAsk {
  readonly kind: "leaves-ask";
  readonly id: number;
  /** Which of the two comparisons this is: 1 or 2. */
  readonly round: number;
  /** Ascending. */
  readonly branches: readonly number[];
}

export interface LeavesTold {
  readonly kind: "leaves-told";
  readonly id: number;
  readonly round: number;
  readonly branches: readonly number[];
  /** High and low half of each leaf of each branch, in turn. */
  readonly sums: Uint32Array;
}

export interface KeysAsk {
  readonly kind: "keys-ask";
  readonly id: number;
  /** How many keys were told before. */
  readonly from: number;
  /** In any order; when they hold too many keys, only the first of them are told. */
  readonly leaves: readonly number[];
}

/** A key whose record is still on its way to other owners, or one whose row cannot be read. */
export type KeyState = Digest | "recent" | "damaged";

export interface ListedKey {
  readonly key: Key;
  readonly state: KeyState;
}

export interface KeysTold {
  readonly kind: "keys-told";
  readonly id: number;
  readonly from: number;
  /** So many of the leaves asked for are told of in full; zero while the responder still scans. */
  readonly covered: number;
  readonly isLast: boolean;
  readonly keys: readonly ListedKey[];
}

export interface Offer {
  readonly key: Key;
  /** No bytes: nothing is held here, or it cannot be read. */
  readonly record: Uint8Array;
}

export interface Trade {
  readonly kind: "trade";
  readonly id: number;
  /** In which the exchange began. */
  readonly era: number;
  /** 1 for the first trade of an exchange. */
  readonly step: number;
  readonly offers: readonly Offer[];
}

export interface Taken {
  /** Whether the offer changed anything. */
  readonly changed: boolean;
  /** What the responder holds now, where it is not what was offered. */
  readonly record: Uint8Array;
}

export interface Traded {
  readonly kind: "traded";
  readonly id: number;
  readonly step: number;
  /** For the first of the offers, at least one of them, in their order. */
  readonly taken: readonly Taken[];
}

/** Order is the wire's: append only. `no-tree`: it is being built. `ended`: no such exchange. */
export const EXCHANGE_REFUSALS = ["busy", "not-owner", "stale-epoch", "no-tree", "ended"] as const;
export type ExchangeRefusal = (typeof EXCHANGE_REFUSALS)[number];

export interface ExchangeRefused {
  readonly kind: "exchange-refused";
  readonly id: number;
  readonly reason: ExchangeRefusal;
  /** The layout epoch of the refuser. */
  readonly epoch: number;
}

export interface ExchangeDone {
  readonly kind: "exchange-done";
  readonly id: number;
}

export type ExchangeQuestion = RootsAsk | LeavesAsk | KeysAsk | Trade;
export type ExchangeAnswer =
  | RootsSame
  | BranchesTold
  | LeavesTold
  | KeysTold
  | Traded
  | ExchangeRefused;
export type ExchangeMessage = ExchangeQuestion | ExchangeAnswer | ExchangeDone;
