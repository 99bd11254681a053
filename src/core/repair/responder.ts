/**
 * The side that is asked. It answers from its tree and its rows, and keeps little: per open
 * exchange the keys of the leaves that were asked for, found by one scan, and the flags of the last
 * trade, so that a question that is asked twice has the same answer twice.
 *
 * An exchange is open from a `roots-ask` that differs to its `exchange-done`, or until nothing was
 * asked for a while. Few are open at one time and one for each peer; others are refused politely,
 * and come back. Equal roots need none.
 */
import type { Instant } from "../effects.ts";
import { EMPTY_BYTES } from "../base/bytes.ts";
import { unreachable } from "../base/assert.ts";
import { digestOf } from "../causality/record-codec.ts";
import type { RepairFact } from "../repair-facts.ts";
import type {
  ExchangeAnswer,
  ExchangeQuestion,
  ExchangeRefusal,
  KeysAsk,
  KeyState,
  ListedKey,
  RootsAsk,
  Taken,
  Trade,
} from "../repair-messages.ts";
import { KEYS_TOLD_MAX } from "../repair-messages.ts";
import type { Key } from "../ring/key.ts";
import type { NodeId } from "../ring/node-id.ts";
import { DAMAGED } from "../storage/engine.ts";
import type { ExchangeNode } from "./exchange-node.ts";
import { LeafListing } from "./leaf-listing.ts";
import { isSameDigest, mergeInto } from "./repair-store.ts";

export interface ResponderSetup extends ExchangeNode {
  /** Of the layout in force. */
  epoch(): number;
  /** Whether nobody listens any more to what bears this era; who sent it learns why. */
  isOver(from: NodeId, era: number): boolean;
  /** Whether both this node and the peer own the partition. */
  areOwners(partition: number, peer: NodeId): boolean;
  /** Whether this node is asking the peer about the same partition, and goes first. */
  isOursToAsk(partition: number, peer: NodeId): boolean;
  send(to: NodeId, answer: ExchangeAnswer): void;
  note(fact: RepairFact): void;
  /** The sums of the whole partition are those of the peer. */
  onInSync(now: Instant, partition: number, peer: NodeId): void;
}

interface Session {
  readonly peer: NodeId;
  readonly id: number;
  readonly epoch: number;
  /** In which it began. */
  readonly era: number;
  readonly partition: number;
  askedAt: Instant;
  listing: LeafListing | undefined;
  /** To be answered when the listing is complete. */
  waiting: KeysAsk | undefined;
  /** Keys in the order of the scan, when it is complete. */
  keys: readonly Key[];
  step: number;
  /** What the offers of that step changed when they first came. */
  changed: readonly boolean[];
}

/** Of a listed key: its state and the length of its length. */
const KEY_OVERHEAD_BYTES = 11;

const NO_LISTINGS: readonly LeafListing[] = [];

export class Responder {
  readonly #setup: ResponderSetup;
  readonly #sessions: Map<NodeId, Session> = new Map();

  constructor(setup: ResponderSetup) {
    this.#setup = setup;
  }

  get openCount(): number {
    return this.#sessions.size;
  }

  /** Scans to be worked on by whoever paces them. */
  listings(): readonly LeafListing[] {
    if (this.#sessions.size === 0) return NO_LISTINGS;
    const open: LeafListing[] = [];
    for (const { listing } of this.#sessions.values()) {
      if (listing !== undefined && !listing.isComplete) open.push(listing);
    }
    return open;
  }

  get nextDeadline(): Instant {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { askedAt } of this.#sessions.values()) earliest = Math.min(earliest, askedAt);
    return earliest + this.#idleMs;
  }

  onQuestion(now: Instant, from: NodeId, question: ExchangeQuestion): void {
    // What it offers, or what its answer would ask for, may have been forgotten meanwhile.
    const isTimed = question.kind === "roots-ask" || question.kind === "trade";
    if (isTimed && this.#setup.isOver(from, question.era)) {
      return this.#refuse(from, question.id, "ended");
    }
    if (question.kind === "roots-ask") return this.#onRoots(now, from, question);
    const session = this.#sessions.get(from);
    if (session?.id !== question.id) return this.#refuse(from, question.id, "ended");
    if (session.epoch !== this.#setup.epoch()) {
      this.#sessions.delete(from);
      return this.#refuse(from, question.id, "stale-epoch");
    }
    session.askedAt = now;
    switch (question.kind) {
      case "leaves-ask": {
        const { id, round, branches } = question;
        const sums = this.#setup.tree(session.partition)?.leafSums(branches);
        if (sums === undefined) return this.#refuse(from, id, "no-tree");
        return this.#setup.send(from, { kind: "leaves-told", id, round, branches, sums });
      }
      case "keys-ask":
        return this.#onKeys(now, session, question);
      case "trade":
        return this.#onTrade(session, question);
      default:
        return unreachable(question);
    }
  }

  /** The listings have got further: whoever waits for one that is complete is answered. */
  onListed(now: Instant): void {
    for (const session of this.#sessions.values()) {
      const { waiting, listing } = session;
      if (waiting !== undefined && listing?.isComplete === true) {
        this.#onKeys(now, session, waiting);
      }
    }
  }

  onDone(from: NodeId, id: number): void {
    if (this.#sessions.get(from)?.id === id) this.#sessions.delete(from);
  }

  endBefore(era: number): void {
    for (const session of this.#sessions.values()) {
      if (session.era < era) this.#sessions.delete(session.peer);
    }
  }

  onPeerLost(peer: NodeId): void {
    this.#sessions.delete(peer);
  }

  advance(now: Instant): void {
    for (const { peer, askedAt } of this.#sessions.values()) {
      if (now >= askedAt + this.#idleMs) this.#sessions.delete(peer);
    }
  }

  /** Longer than an initiator is silent: between its questions it waits for writes to settle. */
  get #idleMs(): number {
    const { settleMs, silenceMs } = this.#setup.config;
    return settleMs + silenceMs;
  }

  #onRoots(now: Instant, from: NodeId, ask: RootsAsk): void {
    const { id, epoch, partition, rootHigh, rootLow } = ask;
    const tree = this.#setup.tree(partition);
    const problem = this.#problem(from, epoch, partition);
    if (problem !== undefined || tree === undefined) {
      return this.#decline(from, ask, problem ?? "no-tree");
    }
    const { hi, lo } = tree.root;
    if (hi === rootHigh && lo === rootLow) {
      this.#setup.send(from, { kind: "roots-same", id });
      return this.#setup.onInSync(now, partition, from);
    }
    const open = this.#sessions.get(from);
    // Numbers of a peer ascend: this question is older than the exchange that is open.
    if (open !== undefined && open.id > id) return;
    if (this.#setup.isOursToAsk(partition, from)) return this.#decline(from, ask, "busy");
    const isFull = this.#sessions.size >= this.#setup.config.respondersMax;
    if (open === undefined && isFull) return this.#decline(from, ask, "busy");
    if (open?.id !== id) this.#sessions.set(from, newSession(now, from, ask));
    this.#setup.send(from, { kind: "branches-told", id, sums: tree.branchSums() });
  }

  #problem(peer: NodeId, epoch: number, partition: number): ExchangeRefusal | undefined {
    if (epoch !== this.#setup.epoch()) return "stale-epoch";
    return this.#setup.areOwners(partition, peer) ? undefined : "not-owner";
  }

  #onKeys(now: Instant, session: Session, ask: KeysAsk): void {
    const { id, from, leaves } = ask;
    const { hasher, store, config } = this.#setup;
    if (session.listing?.isOf(leaves) !== true) {
      const max = config.listingKeysMax;
      session.listing = new LeafListing(session.partition, leaves, hasher, store, max);
      session.keys = [];
    }
    const { peer, listing } = session;
    session.waiting = listing.isComplete ? undefined : ask;
    if (!listing.isComplete) {
      const keys: readonly ListedKey[] = [];
      const none = { from, covered: 0, isLast: false, keys };
      return this.#setup.send(peer, { kind: "keys-told", id, ...none });
    }
    if (session.keys.length === 0) session.keys = [...listing.states.keys()];
    const keys = this.#page(now, session.keys, from, listing);
    const isLast = from + keys.length >= session.keys.length;
    const { covered } = listing;
    this.#setup.send(peer, { kind: "keys-told", id, from, covered, isLast, keys });
  }

  #page(
    now: Instant,
    all: readonly Key[],
    from: number,
    listing: LeafListing,
  ): readonly ListedKey[] {
    const page: ListedKey[] = [];
    let bytes = 0;
    for (let at = from; at < all.length && page.length < KEYS_TOLD_MAX; at++) {
      const key = all[at]!;
      bytes += key.length + KEY_OVERHEAD_BYTES;
      if (page.length > 0 && bytes > this.#setup.config.messageBytesMax) break;
      const isRecent = this.#setup.isRecent(now, key);
      const state: KeyState = isRecent ? "recent" : listing.states.get(key)!;
      page.push({ key, state });
    }
    return page;
  }

  #onTrade(session: Session, { id, step, offers }: Trade): void {
    // An older trade was answered already, or nobody would have made this one.
    if (step < session.step) return;
    const before = step === session.step ? session.changed : [];
    const taken: Taken[] = [];
    let bytes = 0;
    for (const [index, { key, record }] of offers.entries()) {
      if (this.#setup.partitionOf(key) !== session.partition) break;
      const isMerged = mergeInto(this.#setup.store, session.partition, key, record);
      const changed = isMerged || before[index] === true;
      const answer = this.#answerTo(session.partition, key, record);
      bytes += answer.length;
      taken.push({ changed, record: answer });
      if (bytes > this.#setup.config.messageBytesMax) break;
    }
    session.step = step;
    session.changed = taken.map(({ changed }) => changed);
    if (taken.length === 0) return this.#refuse(session.peer, id, "ended");
    this.#setup.send(session.peer, { kind: "traded", id, step, taken });
  }

  /** What is held here, where it is not what was offered. */
  #answerTo(partition: number, key: Key, offered: Uint8Array): Uint8Array {
    const { store } = this.#setup;
    const digest = store.digest(partition, key);
    if (offered.length > 0 && isSameDigest(digest, digestOf(offered))) return EMPTY_BYTES;
    const record = store.record(partition, key);
    return record === undefined || record === DAMAGED ? EMPTY_BYTES : record;
  }

  #decline(to: NodeId, { id, partition }: RootsAsk, reason: ExchangeRefusal): void {
    this.#setup.note({ kind: "exchange-declined", peer: to, partition, reason });
    this.#refuse(to, id, reason);
  }

  #refuse(to: NodeId, id: number, reason: ExchangeRefusal): void {
    const epoch = this.#setup.epoch();
    this.#setup.send(to, { kind: "exchange-refused", id, reason, epoch });
  }
}

function newSession(now: Instant, peer: NodeId, ask: RootsAsk): Session {
  const { id, epoch, era, partition } = ask;
  return {
    peer,
    id,
    epoch,
    era,
    partition,
    askedAt: now,
    listing: undefined,
    waiting: undefined,
    keys: [],
    step: 0,
    changed: [],
  };
}
