/**
 * Whom to compare what with next.
 *
 * Every pair of an owned partition and another owner has a time when it is due. The first is at
 * once, and at once again when the peer comes back after it was away. Then it depends on how the
 * last exchange ended:
 *
 *     in sync               after a round; after twice, four, … times as long when that repeats
 *     repaired              soon: to prove it, and to find what there was no room for
 *     unsettled, busy       soon: it says nothing of the pair but that somebody writes
 *     anything else         soon, then after twice, four, … times as long
 *
 * Pairs of a peer that is away rest. When the peer compared with us and found no difference, that
 * counts as if we had asked: in a quiet cluster every pair is compared once, not from both ends.
 *
 * Somebody may ask for repair: then all pairs concerned are due at once, and each is done when it
 * is proven in sync. Done, total and the time per pair so far make the estimate.
 */
import { Heap } from "../base/heap.ts";
import type { Random } from "../base/random.ts";
import type { Instant } from "../effects.ts";
import type { ExchangeResult } from "../repair-facts.ts";
import type { RepairOrder, RepairReport } from "../repair-orders.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { KnownPair } from "./pair-view.ts";
import { reportOf } from "./pair-view.ts";
import type { RepairConfig } from "./repair-config.ts";

export interface Pair {
  readonly partition: number;
  readonly peer: NodeId;
}

/** Of the repair that was asked for; zero of zero when none was. */
export interface RepairProgress {
  readonly done: number;
  readonly total: number;
  /** Pairs left whose peer is away. */
  readonly waiting: number;
  /** Undefined until the first pair is done. */
  readonly etaMs: number | undefined;
}

interface PairState extends KnownPair {
  /** Breaks ties: the order in which pairs came to be. */
  readonly number: number;
  dueAt: Instant;
  /** How often in a row it was in sync, or was not. */
  cleanCount: number;
  failedCount: number;
  provenAt: Instant | undefined;
  /** When somebody last asked to compare it. */
  askedAt: Instant;
  result: ExchangeResult | undefined;
  keysMoved: number;
  keysUnchanged: number;
}

interface Due {
  readonly at: Instant;
  readonly pair: PairState;
}

/** Failed pairs are tried again after retryMs × 2^3 at the latest, if that is within a round. */
const DOUBLINGS_MAX = 3;

export class Schedule {
  readonly #config: RepairConfig;
  readonly #random: Random;
  readonly #isUp: (peer: NodeId) => boolean;
  readonly #pairs: Map<NodeId, Map<number, PairState>> = new Map();
  /** Entries that no longer say what their pair says are passed over. */
  readonly #queue: Heap<Due> = new Heap(isBefore);
  #madeCount = 0;
  /** The pair that is being compared. */
  #taken: PairState | undefined = undefined;
  #asked: Set<PairState> = new Set();
  #askedTotal = 0;
  #askedAt: Instant = 0;

  constructor(config: RepairConfig, random: Random, isUp: (peer: NodeId) => boolean) {
    this.#config = config;
    this.#random = random;
    this.#isUp = isUp;
  }

  /** All pairs there are from now on. Those that there were stay as they are. */
  own(now: Instant, pairs: readonly Pair[]): void {
    const before = new Map(this.#pairs);
    this.#pairs.clear();
    // Each node in an order of its own, or two would always ask each other at one time.
    const shuffled = [...pairs];
    this.#random.shuffle(shuffled);
    for (const { partition, peer } of shuffled) {
      const known = before.get(peer)?.get(partition);
      const pair = known ?? this.#newPair(partition, peer);
      let ofPeer = this.#pairs.get(peer);
      if (ofPeer === undefined) this.#pairs.set(peer, (ofPeer = new Map()));
      ofPeer.set(partition, pair);
      if (known === undefined) this.#setDue(pair, now);
    }
    for (const pair of this.#asked) {
      if (this.#find(pair.partition, pair.peer) === pair) continue;
      this.#asked.delete(pair);
      this.#askedTotal--;
    }
  }

  onPeerUp(now: Instant, peer: NodeId): void {
    for (const pair of this.#pairs.get(peer)?.values() ?? []) {
      pair.cleanCount = 0;
      pair.failedCount = 0;
      this.#setDue(pair, now);
    }
  }

  /** The partition has a tree now, so it can be compared. */
  onTree(now: Instant, partition: number): void {
    for (const ofPeer of this.#pairs.values()) {
      const pair = ofPeer.get(partition);
      if (pair !== undefined && pair.provenAt === undefined) this.#setDue(pair, now);
    }
  }

  /** The pair that has been due for longest, if its peer is up. It is not due again until told. */
  take(now: Instant): Pair | undefined {
    const due = this.#peek();
    if (due === undefined || due.at > now) return undefined;
    this.#queue.pop();
    due.pair.dueAt = Number.POSITIVE_INFINITY;
    this.#taken = due.pair;
    return due.pair;
  }

  get nextDue(): Instant {
    return this.#peek()?.at ?? Number.POSITIVE_INFINITY;
  }

  onResult(now: Instant, { partition, peer }: Pair, result: ExchangeResult): void {
    const pair = this.#find(partition, peer);
    if (pair === undefined) return;
    if (this.#taken === pair) this.#taken = undefined;
    pair.result = result;
    pair.cleanCount = 0;
    if (result === "repaired") {
      pair.failedCount = 0;
      return this.#setDue(pair, now + this.#spread(this.#config.settleMs));
    }
    const { retryMs, roundMs } = this.#config;
    const isPassing = result === "unsettled" || result === "busy";
    const doublings = isPassing ? 0 : Math.min(pair.failedCount++, DOUBLINGS_MAX);
    this.#setDue(pair, now + this.#spread(Math.min(retryMs * (1 << doublings), roundMs)));
  }

  /** `at`: of when the sums were that were equal. */
  onInSync(now: Instant, { partition, peer }: Pair, at: Instant): void {
    const pair = this.#find(partition, peer);
    if (pair === undefined) return;
    const { roundMs, roundsMax } = this.#config;
    const rounds = Math.min(1 << Math.min(pair.cleanCount++, 20), roundsMax);
    pair.failedCount = 0;
    pair.provenAt = at;
    pair.result = "in-sync";
    if (this.#taken === pair) this.#taken = undefined;
    if (at >= pair.askedAt) this.#asked.delete(pair);
    // A proof from before somebody asked is not what was asked for.
    const isStillAsked = this.#asked.has(pair);
    this.#setDue(pair, isStillAsked ? now : now + this.#spread(roundMs * rounds));
  }

  /** An exchange that this node began has moved so many keys, some of them for nothing. */
  onMoved({ partition, peer }: Pair, keysMoved: number, keysUnchanged: number): void {
    const pair = this.#find(partition, peer);
    if (pair === undefined) return;
    pair.keysMoved += keysMoved;
    pair.keysUnchanged += keysUnchanged;
  }

  /** When the partition was last proven to be the same here and there. */
  provenAt(partition: number, peer: NodeId): Instant | undefined {
    return this.#find(partition, peer)?.provenAt;
  }

  /** Compares one partition, or all of them, now. Answers how many pairs that are. */
  ask(now: Instant, partition: number | undefined): number {
    if (this.#asked.size === 0) {
      this.#askedTotal = 0;
      this.#askedAt = now;
    }
    let count = 0;
    for (const pair of this.#all()) {
      if (partition !== undefined && pair.partition !== partition) continue;
      count++;
      if (!this.#asked.has(pair)) this.#askedTotal++;
      this.#asked.add(pair);
      pair.askedAt = now;
      pair.result = undefined;
      pair.failedCount = 0;
      if (pair !== this.#taken) this.#setDue(pair, now);
    }
    return count;
  }

  progress(now: Instant): RepairProgress {
    const total = this.#askedTotal;
    const left = this.#asked.size;
    const done = total - left;
    let waiting = 0;
    for (const { peer } of this.#asked) if (!this.#isUp(peer)) waiting++;
    const elapsedMs = now - this.#askedAt;
    const etaMs = left === 0 ? 0 : done === 0 ? undefined : Math.round((elapsedMs / done) * left);
    return { done, total, waiting, etaMs };
  }

  report(now: Instant, generation: number, order: RepairOrder): RepairReport {
    const { etaMs } = this.progress(now);
    return reportOf(now, generation, order, {
      pairs: this.#all(),
      isUp: this.#isUp,
      isLeft: (pair) => this.#asked.has(pair as PairState),
      taken: this.#taken,
      etaMs,
    });
  }

  /** The first entry that is still true, of a peer that is up. Those of others rest till it is. */
  #peek(): Due | undefined {
    for (let due = this.#queue.peek(); due !== undefined; due = this.#queue.peek()) {
      const { at, pair } = due;
      const isKnown = this.#find(pair.partition, pair.peer) === pair;
      if (isKnown && pair.dueAt === at && this.#isUp(pair.peer)) return due;
      this.#queue.pop();
      if (isKnown && pair.dueAt === at) pair.dueAt = Number.POSITIVE_INFINITY;
    }
    return undefined;
  }

  #newPair(partition: number, peer: NodeId): PairState {
    return {
      partition,
      peer,
      number: this.#madeCount++,
      dueAt: Number.POSITIVE_INFINITY,
      cleanCount: 0,
      failedCount: 0,
      provenAt: undefined,
      askedAt: Number.NEGATIVE_INFINITY,
      result: undefined,
      keysMoved: 0,
      keysUnchanged: 0,
    };
  }

  #setDue(pair: PairState, at: Instant): void {
    pair.dueAt = at;
    this.#queue.push({ at, pair });
  }

  /** Three quarters to all of it, so that pairs that became due together do not stay together. */
  #spread(intervalMs: number): number {
    const quarter = Math.floor(intervalMs / 4);
    return intervalMs - this.#random.integer(quarter + 1);
  }

  #find(partition: number, peer: NodeId): PairState | undefined {
    return this.#pairs.get(peer)?.get(partition);
  }

  *#all(): IterableIterator<PairState> {
    for (const ofPeer of this.#pairs.values()) yield* ofPeer.values();
  }
}

function isBefore(left: Due, right: Due): boolean {
  return left.at !== right.at ? left.at < right.at : left.pair.number < right.pair.number;
}
