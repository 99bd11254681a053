/**
 * The keys of a few leaves, as the peer tells them page by page and as a scan finds them here:
 * which of them need to move?
 *
 *     here           there         moves
 *     a digest       another one   yes
 *     some record    none          yes      and the other way round
 *     damaged        some record   yes      and the other way round
 *     damaged        none          no: nobody can help nobody
 *     written in the last seconds, here or there      no: it is on its way
 *
 * Only leaves that both sides listed in full are compared.
 */
import type { Instant } from "../effects.ts";
import type { KeysTold, KeyState } from "../repair-messages.ts";
import type { Key } from "../ring/key.ts";
import { DAMAGED } from "../storage/engine.ts";
import type { ExchangeNode } from "./exchange-node.ts";
import { LeafListing } from "./leaf-listing.ts";
import type { DigestRead } from "./repair-store.ts";
import { isAbsentDigest, isSameDigest } from "./repair-store.ts";

/** A peer may tell so many times the keys that it should. */
const PATIENCE = 4;

export class KeyComparison {
  readonly partition: number;
  /** To be worked on by whoever paces the scans. */
  readonly listing: LeafListing;
  comparedCount = 0;
  recentCount = 0;
  /** Keys that are unreadable on one side and not to be had from the other. */
  stuckCount = 0;
  readonly #node: ExchangeNode;
  readonly #theirs: Map<Key, KeyState> = new Map();
  #theirCovered = 0;
  #isToldAll = false;

  constructor(node: ExchangeNode, partition: number, leaves: readonly number[]) {
    const { hasher, store, config } = node;
    this.partition = partition;
    this.listing = new LeafListing(partition, leaves, hasher, store, config.listingKeysMax);
    this.#node = node;
  }

  /** How many keys the peer has told. */
  get toldCount(): number {
    return this.#theirs.size;
  }

  get isToldAll(): boolean {
    return this.#isToldAll;
  }

  get isComplete(): boolean {
    return this.#isToldAll && this.listing.isComplete;
  }

  /**
   * Takes a page. `known`: it was told before, or says that the peer still scans. `wrong`: no
   * honest peer tells that, and pages without anything new would have no end.
   */
  add({ from, covered, isLast, keys }: KeysTold): "added" | "known" | "wrong" {
    if (this.#isToldAll || from !== this.#theirs.size || covered === 0) return "known";
    if (covered > this.listing.leaves.length || (keys.length === 0 && !isLast)) return "wrong";
    for (const { key, state } of keys) this.#theirs.set(key, state);
    if (this.#theirs.size !== from + keys.length) return "wrong";
    if (this.#theirs.size > this.#node.config.listingKeysMax * PATIENCE) return "wrong";
    this.#theirCovered = covered;
    this.#isToldAll = isLast;
    return "added";
  }

  /** The keys whose records have to move, when it is complete. */
  moves(now: Instant): readonly Key[] {
    const { listing } = this;
    const covered = Math.min(this.#theirCovered, listing.covered);
    const moves: Key[] = [];
    for (const [key, state] of this.#theirs) {
      if (this.#node.partitionOf(key) !== this.partition) continue;
      if (!listing.covers(key, covered)) continue;
      this.comparedCount++;
      const ours = listing.states.get(key);
      if (ours !== undefined && isSameState(ours, state)) continue;
      if (this.#isToMove(now, key, state)) moves.push(key);
    }
    for (const key of listing.states.keys()) {
      if (this.#theirs.has(key) || !listing.covers(key, covered)) continue;
      this.comparedCount++;
      if (this.#isToMove(now, key, undefined)) moves.push(key);
    }
    return moves;
  }

  /** `undefined`: the peer holds nothing. */
  #isToMove(now: Instant, key: Key, theirs: KeyState | undefined): boolean {
    // Read again: it may have changed since it was listed.
    const ours = this.#node.store.digest(this.partition, key);
    if (isSameState(ours, theirs)) return false;
    if (theirs === "recent" || this.#node.isRecent(now, key)) {
      this.recentCount++;
      return false;
    }
    const isReadableThere = typeof theirs === "object";
    const isReadableHere = ours !== DAMAGED && !isAbsentDigest(ours);
    if (isReadableThere || isReadableHere) return true;
    if (theirs === "damaged" || ours === DAMAGED) this.stuckCount++;
    return false;
  }
}

function isSameState(ours: DigestRead, theirs: KeyState | undefined): boolean {
  return typeof theirs === "object" && isSameDigest(ours, theirs);
}
