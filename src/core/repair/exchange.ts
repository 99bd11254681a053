/**
 * One exchange, on the side that began it: is what we hold of a partition the same, and if not,
 * which keys differ?
 *
 *     roots ─▶ first ─▶ settling ─▶ second ─▶ keys ─▶ trade ─▶ done
 *       └─ equal: in sync
 *
 * Most differences between two owners are writes on their way, and repairing those would double the
 * traffic of every write. So leaves are compared twice, with time for every write to arrive in
 * between, and only those are looked into whose two sums are the same as before and still not
 * equal. Keys that were written in the last seconds, here or there, are left out even then.
 *
 * Records go both ways and are merged by who receives them. The initiator offers what it holds, the
 * responder merges that and answers what it holds then, where that is something else:
 *
 *     here   there               offer      answer
 *     newer  older, or nothing   record     same
 *     older  newer               record     record
 *     none   some                —          record
 *     damaged, and there is some —          record
 *     some   damaged             record     same
 *
 * A damaged row counts as needing the other's copy, never as absent, and a tombstone is a record.
 *
 * Questions are repeated until they are answered, and an answer that is not to the question of the
 * moment is ignored. The exchange ends, whatever happens: by its deadline, or by the silence of the
 * peer.
 */
import { unreachable } from "../base/assert.ts";
import { EMPTY_BYTES } from "../base/bytes.ts";
import type { Instant } from "../effects.ts";
import type { ExchangeResult } from "../repair-facts.ts";
import type {
  BranchesTold,
  ExchangeAnswer,
  ExchangeQuestion,
  KeysAsk,
  KeysTold,
  LeavesTold,
  Offer,
  Traded,
} from "../repair-messages.ts";
import { EXCHANGE_LEAVES_MAX, TRADE_KEYS_MAX } from "../repair-messages.ts";
import type { Key } from "../ring/key.ts";
import type { NodeId } from "../ring/node-id.ts";
import { DAMAGED } from "../storage/engine.ts";
import type { ExchangeNode } from "./exchange-node.ts";
import type { KeyBudget } from "./key-budget.ts";
import { KeyComparison } from "./key-comparison.ts";
import type { LeafDifference } from "./leaf-difference.ts";
import { branchesOf, differingPlaces, lastingLeaves, leafDifferences } from "./leaf-difference.ts";
import type { LeafListing } from "./leaf-listing.ts";
import type { MerkleTree } from "./merkle-tree.ts";
import { mergeInto } from "./repair-store.ts";

export interface ExchangeSetup extends ExchangeNode {
  readonly id: number;
  readonly peer: NodeId;
  readonly partition: number;
  readonly epoch: number;
  /** In which it begins. */
  readonly era: number;
  readonly budget: KeyBudget;
  send(question: ExchangeQuestion): void;
}

type Phase = "roots" | "first" | "settling" | "second" | "keys" | "trade";

export class Exchange {
  readonly id: number;
  readonly peer: NodeId;
  readonly partition: number;
  readonly epoch: number;
  readonly era: number;
  readonly startedAt: Instant;
  keysCompared = 0;
  keysMoved = 0;
  keysUnchanged = 0;
  keysRecent = 0;
  keysStuck = 0;
  /** Set when it is over. */
  result: ExchangeResult | undefined = undefined;
  readonly #setup: ExchangeSetup;
  #phase: Phase = "roots";
  /** What the peer is to answer; nothing while this side is the one to speak. */
  #question: ExchangeQuestion | undefined = undefined;
  /** When to ask again, or else to go on. */
  #wakeAt: Instant = Number.POSITIVE_INFINITY;
  #heardAt: Instant;
  #branches: readonly number[] = [];
  #differences: readonly LeafDifference[] = [];
  #keys: KeyComparison | undefined = undefined;
  #moves: readonly Key[] = [];
  #moved = 0;
  #step = 0;

  constructor(now: Instant, setup: ExchangeSetup, tree: MerkleTree) {
    const { id, peer, partition, epoch, era } = setup;
    this.id = id;
    this.peer = peer;
    this.partition = partition;
    this.epoch = epoch;
    this.era = era;
    this.startedAt = now;
    this.#setup = setup;
    this.#heardAt = now;
    const { hi, lo } = tree.root;
    this.#ask(now, { kind: "roots-ask", id, epoch, era, partition, rootHigh: hi, rootLow: lo });
  }

  get nextDeadline(): Instant {
    return Math.min(this.#wakeAt, this.#silentAt, this.#lateAt);
  }

  /** To be worked on by whoever paces the scans. */
  get listing(): LeafListing | undefined {
    return this.#keys?.listing;
  }

  /** Ends it for a reason from outside. */
  end(result: ExchangeResult): void {
    this.result ??= result;
  }

  onAnswer(now: Instant, answer: ExchangeAnswer): void {
    if (this.result !== undefined) return;
    this.#heardAt = now;
    switch (answer.kind) {
      case "roots-same":
        return this.#phase === "roots" ? this.end("in-sync") : undefined;
      case "branches-told":
        return this.#onBranches(now, answer);
      case "leaves-told":
        return this.#onLeaves(now, answer);
      case "keys-told":
        return this.#onKeys(now, answer);
      case "traded":
        return this.#onTraded(now, answer);
      case "exchange-refused":
        return this.end(answer.reason);
      default:
        return unreachable(answer);
    }
  }

  /** `mayWork`: whether the node has time for more than to listen. */
  advance(now: Instant, mayWork: boolean): void {
    if (this.result !== undefined) return;
    if (now >= this.#lateAt) return this.end("late");
    if (now >= this.#silentAt) return this.end("silent");
    if (now < this.#wakeAt) return;
    if (this.#question !== undefined) return this.#ask(now, this.#question);
    if (this.#phase === "keys") this.#stayOpen(now);
    else if (!mayWork) this.#pauseUntil(now + this.#setup.config.busyPauseMs);
    else if (this.#phase === "settling") this.#compareAgain(now);
    else this.#trade(now);
  }

  /** The own listing has got further. */
  onListed(now: Instant): void {
    if (this.#keys?.isComplete === true) this.#startTrade(now, this.#keys);
  }

  get #lateAt(): Instant {
    return this.startedAt + this.#setup.config.exchangeMs;
  }

  get #silentAt(): Instant {
    const isAsking = this.#question !== undefined;
    return isAsking ? this.#heardAt + this.#setup.config.silenceMs : Number.POSITIVE_INFINITY;
  }

  #ask(now: Instant, question: ExchangeQuestion): void {
    if (this.#question === undefined) this.#heardAt = now;
    this.#question = question;
    this.#wakeAt = now + this.#setup.config.repeatMs;
    this.#setup.send(question);
  }

  /** It is for this side to go on. */
  #pauseUntil(at: Instant): void {
    this.#question = undefined;
    this.#wakeAt = at;
  }

  #onBranches(now: Instant, { sums }: BranchesTold): void {
    const tree = this.#tree();
    if (this.#phase !== "roots" || tree === undefined) return;
    const differing = differingPlaces(tree.branchSums(), sums);
    if (differing.length === 0) return this.end("unsettled");
    this.#phase = "first";
    this.#branches = differing;
    this.#ask(now, { kind: "leaves-ask", id: this.id, round: 1, branches: differing });
  }

  #onLeaves(now: Instant, { round, branches, sums }: LeavesTold): void {
    const isAwaited = this.#phase === (round === 1 ? "first" : "second");
    const tree = this.#tree();
    if (!isAwaited || tree === undefined || !isSameList(branches, this.#branches)) return;
    const differing = leafDifferences(branches, tree.leafSums(branches), sums);
    if (round === 1) this.#onFirst(now, differing);
    else this.#onSecond(now, differing);
  }

  /** Of too many, the next exchange takes others: what cannot be mended holds up nothing else. */
  #onFirst(now: Instant, differing: readonly LeafDifference[]): void {
    if (differing.length === 0) return this.end("unsettled");
    const start = ((this.id % differing.length) * EXCHANGE_LEAVES_MAX) % differing.length;
    const turned = [...differing.slice(start), ...differing.slice(0, start)];
    this.#differences = turned.slice(0, EXCHANGE_LEAVES_MAX);
    this.#phase = "settling";
    this.#pauseUntil(now + this.#setup.config.settleMs);
  }

  #compareAgain(now: Instant): void {
    this.#branches = branchesOf(this.#differences);
    this.#phase = "second";
    this.#ask(now, { kind: "leaves-ask", id: this.id, round: 2, branches: this.#branches });
  }

  #onSecond(now: Instant, differing: readonly LeafDifference[]): void {
    const leaves = lastingLeaves(this.#differences, differing);
    if (leaves.length === 0) return this.end("unsettled");
    this.#keys = new KeyComparison(this.#setup, this.partition, leaves);
    this.#phase = "keys";
    this.#ask(now, { kind: "keys-ask", id: this.id, from: 0, leaves });
  }

  #onKeys(now: Instant, told: KeysTold): void {
    const keys = this.#keys;
    if (this.#phase !== "keys" || keys === undefined) return;
    const result = keys.add(told);
    if (result === "known") return;
    if (result === "wrong") return this.end("ended");
    if (!keys.isToldAll) return this.#ask(now, this.#keysAsk(keys));
    this.#pauseUntil(now + this.#setup.config.repeatMs);
    this.onListed(now);
  }

  /** The own scan takes longer than that of the peer, which is to know that we are still here. */
  #stayOpen(now: Instant): void {
    if (this.#keys !== undefined) this.#setup.send(this.#keysAsk(this.#keys));
    this.#pauseUntil(now + this.#setup.config.repeatMs);
  }

  #keysAsk({ toldCount, listing }: KeyComparison): KeysAsk {
    return { kind: "keys-ask", id: this.id, from: toldCount, leaves: listing.leaves };
  }

  #startTrade(now: Instant, keys: KeyComparison): void {
    this.#moves = keys.moves(now);
    this.keysCompared = keys.comparedCount;
    this.keysRecent = keys.recentCount;
    this.keysStuck = keys.stuckCount;
    this.#keys = undefined;
    this.#phase = "trade";
    this.#trade(now);
  }

  #trade(now: Instant): void {
    const left = this.#moves.length - this.#moved;
    if (left === 0) return this.end(this.#finalResult());
    const { budget, config } = this.#setup;
    const allowed = budget.take(now, Math.min(left, TRADE_KEYS_MAX));
    if (allowed === 0) return this.#pauseUntil(budget.nextAt(now));
    const offers: Offer[] = [];
    let bytes = 0;
    for (const key of this.#moves.slice(this.#moved, this.#moved + allowed)) {
      const held = this.#setup.store.record(this.partition, key);
      const record = held === undefined || held === DAMAGED ? EMPTY_BYTES : held;
      bytes += key.length + record.length;
      if (offers.length > 0 && bytes > config.messageBytesMax) break;
      offers.push({ key, record });
    }
    budget.giveBack(allowed - offers.length);
    this.#ask(now, { kind: "trade", id: this.id, era: this.era, step: ++this.#step, offers });
  }

  #onTraded(now: Instant, { step, taken }: Traded): void {
    const question = this.#question;
    if (question?.kind !== "trade" || step !== this.#step) return;
    const { offers } = question;
    const { store, budget } = this.#setup;
    if (taken.length === 0 || taken.length > offers.length) return this.end("ended");
    for (const [index, { changed, record }] of taken.entries()) {
      const changedHere = mergeInto(store, this.partition, offers[index]!.key, record);
      if (!changed && !changedHere) this.keysUnchanged++;
      this.keysMoved++;
    }
    this.#moved += taken.length;
    budget.giveBack(offers.length - taken.length);
    this.#pauseUntil(now);
  }

  #finalResult(): ExchangeResult {
    if (this.keysMoved > this.keysUnchanged) return "repaired";
    return this.keysMoved + this.keysStuck > 0 ? "stuck" : "unsettled";
  }

  /** The tree may be gone by now, with the partition. */
  #tree(): MerkleTree | undefined {
    const tree = this.#setup.tree(this.partition);
    if (tree === undefined) this.end("moved");
    return tree;
  }
}

function isSameList(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((item, index) => item === right[index]);
}
