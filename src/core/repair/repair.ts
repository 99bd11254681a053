/**
 * Anti-entropy of a node: finds out what its partitions lack, here or at the other owners, without
 * being told, and mends it.
 *
 *     writes ──▶ trees ◀── rows        sums of every partition, always true
 *                  │
 *     schedule ─▶ exchange ⇄ responder of a peer
 *                  └── records, merged on both sides
 *
 * It begins one exchange at a time and answers a few. All that it does by itself is paced: scans
 * come in slices, keys out of a budget, and nothing of it happens while the node says that it is
 * busy. It decides nothing that a lost message could make wrong: what it does is merging.
 */
import type { Random } from "../base/random.ts";
import type { SipKey } from "../base/siphash.ts";
import { unreachable } from "../base/assert.ts";
import type { Instant } from "../effects.ts";
import type { ExchangeResult, RepairFact } from "../repair-facts.ts";
import type { ExchangeAnswer, ExchangeMessage } from "../repair-messages.ts";
import type { RepairOrder, RepairReport } from "../repair-orders.ts";
import type { Key } from "../ring/key.ts";
import type { RowRead } from "../storage/engine.ts";
import type { Layout } from "../ring/layout.ts";
import type { NodeId } from "../ring/node-id.ts";
import { Exchange } from "./exchange.ts";
import type { ExchangeNode } from "./exchange-node.ts";
import { KeyBudget } from "./key-budget.ts";
import { KeyHasher } from "./key-hasher.ts";
import type { LeafListing } from "./leaf-listing.ts";
import type { MerkleTree } from "./merkle-tree.ts";
import { PartitionTrees } from "./partition-trees.ts";
import type { RepairConfig } from "./repair-config.ts";
import type { RepairStore } from "./repair-store.ts";
import { Responder } from "./responder.ts";
import type { Tell } from "./untold-writes.ts";
import { UntoldWrites } from "./untold-writes.ts";
import type { Pair, RepairProgress } from "./schedule.ts";
import { Schedule } from "./schedule.ts";

export interface RepairEffects {
  send(to: NodeId, message: ExchangeMessage): void;
  note(fact: RepairFact): void;
}

export interface RepairSetup {
  readonly self: NodeId;
  /** The cluster's: all owners must agree. */
  readonly secret: SipKey;
  readonly config: RepairConfig;
  readonly random: Random;
  readonly store: RepairStore;
  readonly effects: RepairEffects;
  readonly isUp: (peer: NodeId) => boolean;
  /** Whether there is time for background work. */
  readonly mayWork: (now: Instant) => boolean;
  /** Some was done, after which it usually pauses for so long. */
  readonly onWorked: (now: Instant, usualMs: number) => void;
  readonly layout: () => Layout;
  readonly era: () => number;
  /** Whether nobody listens any more to what bears this era; who sent it learns why. */
  readonly isOver: (from: NodeId, era: number) => boolean;
}

const NEVER = Number.POSITIVE_INFINITY;
/** Trees are told of writes after so long, in slices of so many; at once of more than so many. */
const TELL_AFTER_MS = 2_000;
const TOLD_AT_ONCE = 256;
const UNTOLD_MAX = 65_536;
const ID_START_MAX: number = 2 ** 48;

export class Repair {
  readonly #setup: RepairSetup;
  readonly #node: ExchangeNode;
  readonly #trees: PartitionTrees;
  readonly #schedule: Schedule;
  readonly #responder: Responder;
  readonly #budget: KeyBudget;
  #exchange: Exchange | undefined = undefined;
  #nextId: number;
  /** No exchange begins before. */
  #startAt: Instant = 0;
  /** No slice of a scan before. */
  #sliceAt: Instant = 0;
  /** Whose turn it is among those that scan. */
  #turn = 0;
  readonly #untold: UntoldWrites;
  #tellAt: Instant = 0;
  /** Of the input that is being run. */
  #now: Instant = 0;

  constructor(setup: RepairSetup) {
    const { config, random, store, effects } = setup;
    this.#setup = setup;
    const hasher = new KeyHasher(setup.secret);
    this.#nextId = random.integer(ID_START_MAX);
    this.#budget = new KeyBudget(config.keysPerSecond, config.keysPerSecond);
    this.#schedule = new Schedule(config, random, setup.isUp);
    this.#trees = new PartitionTrees({
      hasher,
      rows: store,
      random,
      limits: config,
      rebuildMs: config.rebuildMs,
      doubtMs: config.doubtMs,
      recentMs: config.recentMs,
      note: (fact) => effects.note(fact),
    });
    this.#untold = new UntoldWrites(store);
    this.#node = {
      hasher,
      store,
      config,
      tree: (partition) => this.tree(partition),
      isRecent: (now, key) => {
        this.#untold.tellOf(setup.layout().partitioner.of(key), this.#tell);
        return this.#trees.isRecent(now, key);
      },
      partitionOf: (key) => setup.layout().partitioner.of(key),
    };
    this.#responder = new Responder({
      ...this.#node,
      epoch: () => setup.layout().epoch,
      isOver: setup.isOver,
      areOwners: (partition, peer) => this.#areOwners(partition, peer),
      isOursToAsk: (partition, peer) => this.#isOursToAsk(partition, peer),
      send: (to, answer) => effects.send(to, answer),
      note: (fact) => effects.note(fact),
      onInSync: (now, partition, peer) => this.#onInSync(now, { partition, peer }, now),
    });
  }

  /** A row is about to be stored in place of another, or to be removed. */
  onRow(now: Instant, partition: number, key: Key, before: RowRead): void {
    if (this.#untold.count === 0) this.#tellAt = now + TELL_AFTER_MS;
    this.#untold.add(partition, key, before);
    if (this.#untold.count > UNTOLD_MAX) this.#tellSome(now);
  }

  /** To be called at the start, after `restore`, and whenever the layout has changed. */
  onLayout(now: Instant): void {
    const layout = this.#setup.layout();
    const pairs: Pair[] = [];
    const shared: number[] = [];
    for (let partition = 0; partition < layout.partitionCount; partition++) {
      if (!layout.isOwner(this.#setup.self, partition)) continue;
      const peers = layout.owners(partition).filter((owner) => owner !== this.#setup.self);
      if (peers.length > 0) shared.push(partition);
      for (const peer of peers) pairs.push({ partition, peer });
    }
    this.#trees.own(now, shared);
    this.#schedule.own(now, pairs);
    if (this.#exchange?.epoch !== layout.epoch) this.#endExchange(now, "moved");
  }

  /** An exchange of an earlier era has read what others may have forgotten since. */
  endBefore(now: Instant, era: number): void {
    this.#responder.endBefore(era);
    if (this.#exchange !== undefined && this.#exchange.era < era) this.#endExchange(now, "late");
  }

  /** A peer can be reached, for the first time or again. */
  onPeerUp(now: Instant, peer: NodeId): void {
    this.#schedule.onPeerUp(now, peer);
  }

  onPeerLost(now: Instant, peer: NodeId): void {
    this.#responder.onPeerLost(peer);
    if (this.#exchange?.peer === peer) this.#endExchange(now, "moved");
  }

  receive(now: Instant, from: NodeId, message: ExchangeMessage): void {
    this.#now = now;
    switch (message.kind) {
      case "roots-ask":
      case "leaves-ask":
      case "keys-ask":
      case "trade":
        return this.#responder.onQuestion(now, from, message);
      case "exchange-done":
        return this.#responder.onDone(from, message.id);
      case "roots-same":
      case "branches-told":
      case "leaves-told":
      case "keys-told":
      case "traded":
      case "exchange-refused":
        return this.#onAnswer(now, from, message);
      default:
        return unreachable(message);
    }
  }

  advance(now: Instant): void {
    this.#now = now;
    if (now >= this.#nextTell) this.#tellSome(now);
    this.#responder.advance(now);
    const mayWork = this.#setup.mayWork(now);
    this.#exchange?.advance(now, mayWork);
    this.#finishExchange(now);
    if (this.#exchange === undefined && now >= this.#nextStart) this.#start(now, mayWork);
    if (now >= this.#nextSlice) this.#slice(now, mayWork);
  }

  /** When to call `advance` next; early is harmless. */
  get nextDeadline(): Instant | undefined {
    const own = this.#exchange?.nextDeadline ?? this.#nextStart;
    const background = Math.min(this.#nextSlice, this.#nextTell);
    const at = Math.min(own, this.#responder.nextDeadline, background);
    return at === NEVER ? undefined : at;
  }

  /** Begun here or answered here. Zero when the node is at rest. */
  get openExchanges(): number {
    return (this.#exchange === undefined ? 0 : 1) + this.#responder.openCount;
  }

  /**
   * Compares one partition, or all, as soon as may be, and answers how many pairs of a partition
   * and a peer that are.
   */
  ask(now: Instant, partition?: number): number {
    return this.#schedule.ask(now, partition);
  }

  /** Does what an operator asks, and tells how things are then. */
  obey(now: Instant, generation: number, order: RepairOrder): RepairReport {
    if (order.kind === "compare") this.ask(now, order.partition);
    return this.#schedule.report(now, generation, order);
  }

  progress(now: Instant): RepairProgress {
    return this.#schedule.progress(now);
  }

  provenAt(partition: number, peer: NodeId): Instant | undefined {
    return this.#schedule.provenAt(partition, peer);
  }

  tree(partition: number): MerkleTree | undefined {
    this.#untold.tellOf(partition, this.#tell);
    return this.#trees.get(partition);
  }

  /** Builds a tree anew, to find rows that have rotted. */
  check(now: Instant, partition: number): void {
    this.#trees.check(now, partition);
  }

  /** Undefined when there are none. */
  snapshot(): Uint8Array | undefined {
    this.#untold.tellSome(Infinity, this.#tell);
    return this.#trees.snapshot();
  }

  /** See `PartitionTrees.restore`. */
  restore(snapshot: Uint8Array): boolean {
    return this.#trees.restore(snapshot);
  }

  get #nextTell(): Instant {
    return this.#untold.count === 0 ? NEVER : this.#tellAt;
  }

  #tellSome(now: Instant): void {
    this.#now = now;
    this.#untold.tellSome(TOLD_AT_ONCE, this.#tell);
    this.#tellAt = now + this.#setup.config.slicePauseMs;
  }

  readonly #tell: Tell = (partition, key, before) => {
    const after = this.#setup.store.digest(partition, key);
    this.#trees.onWrite(this.#now, partition, key, before, after);
  };

  get #nextStart(): Instant {
    return Math.max(this.#schedule.nextDue, this.#startAt);
  }

  get #nextSlice(): Instant {
    const isListing = this.#listings().length > 0;
    return Math.max(isListing ? 0 : this.#trees.nextDue, this.#sliceAt);
  }

  #listings(): readonly LeafListing[] {
    const own = this.#exchange?.listing;
    const others = this.#responder.listings();
    return own === undefined || own.isComplete ? others : [own, ...others];
  }

  #start(now: Instant, mayWork: boolean): void {
    const { config, effects, layout } = this.#setup;
    if (!mayWork) {
      this.#startAt = now + config.busyPauseMs;
      return;
    }
    const pair = this.#schedule.take(now);
    if (pair === undefined) return;
    const { partition, peer } = pair;
    const tree = this.tree(partition);
    if (tree === undefined) {
      this.#startAt = now + config.gapMs;
      return this.#schedule.onResult(now, pair, "no-tree");
    }
    const setup = {
      ...this.#node,
      id: ++this.#nextId,
      peer,
      partition,
      epoch: layout().epoch,
      era: this.#setup.era(),
      budget: this.#budget,
      send: (question: ExchangeMessage) => effects.send(peer, question),
    };
    this.#setup.onWorked(now, config.gapMs);
    this.#exchange = new Exchange(now, setup, tree);
  }

  #slice(now: Instant, mayWork: boolean): void {
    const { sliceRows, slicePauseMs, busyPauseMs } = this.#setup.config;
    this.#sliceAt = now + (mayWork ? slicePauseMs : busyPauseMs);
    if (!mayWork) return;
    this.#setup.onWorked(now, slicePauseMs);
    const listings = this.#listings();
    const isBuilding = this.#trees.nextDue <= now;
    const turn = this.#turn++ % (listings.length + (isBuilding ? 1 : 0));
    const listing = listings[turn];
    if (listing === undefined) {
      // Whoever speaks of a key first counts it: the scan, or the write that came before it.
      this.#untold.tellSome(Infinity, this.#tell);
      const built = this.#trees.work(now);
      if (built !== undefined) this.#schedule.onTree(now, built);
      return;
    }
    listing.work(sliceRows);
    this.#responder.onListed(now);
    this.#exchange?.onListed(now);
    this.#finishExchange(now);
  }

  #onAnswer(now: Instant, from: NodeId, answer: ExchangeAnswer): void {
    const exchange = this.#exchange;
    if (exchange !== undefined && exchange.id === answer.id && exchange.peer === from) {
      exchange.onAnswer(now, answer);
      if (answer.kind === "traded") this.#setup.onWorked(now, this.#setup.config.gapMs);
      return this.#finishExchange(now);
    }
    // An exchange that a late question has opened again: nobody here will ever ask it anything.
    if (answer.kind === "roots-same" || answer.kind === "exchange-refused") return;
    this.#setup.effects.send(from, { kind: "exchange-done", id: answer.id });
  }

  #endExchange(now: Instant, result: ExchangeResult): void {
    this.#exchange?.end(result);
    this.#finishExchange(now);
  }

  #finishExchange(now: Instant): void {
    const exchange = this.#exchange;
    if (exchange?.result === undefined) return;
    const { id, peer, partition, startedAt, result } = exchange;
    this.#exchange = undefined;
    this.#startAt = now + this.#setup.config.gapMs;
    if (result !== "in-sync") this.#setup.effects.send(peer, { kind: "exchange-done", id });
    this.#setup.effects.note({
      kind: "exchange-finished",
      partition,
      peer,
      result,
      keysCompared: exchange.keysCompared,
      keysMoved: exchange.keysMoved,
      keysUnchanged: exchange.keysUnchanged,
      keysRecent: exchange.keysRecent,
      keysStuck: exchange.keysStuck,
      elapsedMs: now - startedAt,
    });
    this.#schedule.onMoved(exchange, exchange.keysMoved, exchange.keysUnchanged);
    if (result === "in-sync") this.#onInSync(now, exchange, startedAt);
    else this.#schedule.onResult(now, exchange, result);
  }

  /** Equal sums prove nothing about rows that could not be read. */
  #onInSync(now: Instant, pair: Pair, at: Instant): void {
    const { partition, peer } = pair;
    if (!this.#trees.isWhole(partition)) return this.#schedule.onResult(now, pair, "stuck");
    this.#setup.effects.note({ kind: "proven-in-sync", partition, peer });
    this.#schedule.onInSync(now, pair, at);
  }

  /** Two owners that ask each other at one time would move records twice: the lesser id goes on. */
  #isOursToAsk(partition: number, peer: NodeId): boolean {
    const exchange = this.#exchange;
    const isSame = exchange?.partition === partition && exchange.peer === peer;
    return isSame && this.#setup.self < peer;
  }

  #areOwners(partition: number, peer: NodeId): boolean {
    const layout = this.#setup.layout();
    if (partition >= layout.partitionCount) return false;
    return layout.isOwner(this.#setup.self, partition) && layout.isOwner(peer, partition);
  }
}
