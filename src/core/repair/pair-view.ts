/**
 * What is told of pairs: numbers of all that are asked about, and some of them one by one.
 */
import type { Instant } from "../effects.ts";
import type { ExchangeResult } from "../repair-facts.ts";
import type { PairState, PairTold, RepairOrder, RepairReport } from "../repair-orders.ts";
import { PAIRS_TOLD_MAX, stateOf } from "../repair-orders.ts";
import type { NodeId } from "../ring/node-id.ts";

/** What a schedule knows of a pair. */
export interface KnownPair {
  readonly partition: number;
  readonly peer: NodeId;
  readonly provenAt: Instant | undefined;
  /** Of the last exchange, since somebody asked if somebody did. */
  readonly result: ExchangeResult | undefined;
  readonly keysMoved: number;
  readonly keysUnchanged: number;
}

export interface PairsView {
  readonly pairs: Iterable<KnownPair>;
  readonly isUp: (peer: NodeId) => boolean;
  readonly isLeft: (pair: KnownPair) => boolean;
  /** The pair that is being compared. */
  readonly taken: KnownPair | undefined;
  readonly etaMs: number | undefined;
}

export function reportOf(
  now: Instant,
  generation: number,
  order: RepairOrder,
  view: PairsView,
): RepairReport {
  const left = new Map<PairState, number>();
  const told: PairTold[] = [];
  let pairs = 0;
  let proven = 0;
  let oldestAt = now;
  let keysMoved = 0;
  let keysUnchanged = 0;
  for (const pair of view.pairs) {
    if (order.partition !== undefined && pair.partition !== order.partition) continue;
    pairs++;
    keysMoved += pair.keysMoved;
    keysUnchanged += pair.keysUnchanged;
    if (pair.provenAt !== undefined) {
      proven++;
      oldestAt = Math.min(oldestAt, pair.provenAt);
    }
    const isLeft = view.isLeft(pair);
    const isTold = order.kind === "list" && pair.partition >= order.from;
    if (!isLeft && !isTold) continue;
    const state = stateIn(view, pair);
    if (isLeft) left.set(state, (left.get(state) ?? 0) + 1);
    if (isTold) told.push(pairTold(now, pair, state, isLeft));
  }
  const oldestMs = proven === 0 ? undefined : wholeMs(now - oldestAt);
  const numbers = { generation, pairs, proven, oldestMs, left, etaMs: view.etaMs };
  return { ...numbers, keysMoved, keysUnchanged, ...firstOf(told) };
}

function pairTold(now: Instant, pair: KnownPair, state: PairState, isLeft: boolean): PairTold {
  const { partition, peer, provenAt } = pair;
  const provenMs = provenAt === undefined ? undefined : wholeMs(now - provenAt);
  return { partition, peer, state, isLeft, provenMs };
}

function stateIn({ taken, isUp }: PairsView, pair: KnownPair): PairState {
  if (taken === pair) return "comparing";
  if (!isUp(pair.peer)) return "away";
  return pair.result === undefined ? "waiting" : stateOf(pair.result);
}

/** Whole partitions, as many as may be told at once. */
function firstOf(told: PairTold[]): Pick<RepairReport, "told" | "next"> {
  told.sort(isBefore);
  const next = told[PAIRS_TOLD_MAX]?.partition;
  if (next === undefined) return { told, next };
  return { told: told.filter(({ partition }) => partition < next), next };
}

function isBefore(one: PairTold, other: PairTold): number {
  return one.partition - other.partition || (one.peer < other.peer ? -1 : 1);
}

/** A proof may be of a moment that a coarser reading of the time has not come to yet. */
function wholeMs(ms: number): number {
  return Math.max(0, Math.round(ms));
}
