/**
 * The sums of the leaves of one tree, modulo 2^64, as halves of 32 bits.
 *
 * A node has as many trees as it owns partitions, up to sixteen thousand, and most of a large ring
 * is nearly empty. So a tree begins as nothing, then is a small table with open addressing, and
 * only with some eight hundred leaves in use a column of all 4,096:
 *
 *     small   [leaf + 1 | high | low] × 8, 16, … 1024     the slot is leaf mod size: leaves are
 *                                                         hashes already
 *     full    [high | low] × 4096
 *
 * A leaf that was used once keeps its slot, also when its sum comes back to zero.
 */
import { assert } from "../base/assert.ts";
import { LEAVES } from "../repair-messages.ts";

const SLOT_WORDS = 3;
const SLOTS_MIN = 8;
const SLOTS_MAX = 1024;
const NO_WORDS: Uint32Array = new Uint32Array(0);
const NO_SLOT = -1;

export class LeafSums {
  #words: Uint32Array = NO_WORDS;
  /** Of the small form; zero slots when there is nothing, or when it is full. */
  #slots = 0;
  #used = 0;
  #isFull = false;

  get bytes(): number {
    return this.#words.byteLength;
  }

  high(leaf: number): number {
    const at = this.#find(leaf);
    return at === NO_SLOT ? 0 : this.#words[at]!;
  }

  low(leaf: number): number {
    const at = this.#find(leaf);
    return at === NO_SLOT ? 0 : this.#words[at + 1]!;
  }

  add(leaf: number, high: number, low: number): void {
    const at = this.#place(leaf);
    const sum = (this.#words[at + 1]! + low) >>> 0;
    const carry = sum < low >>> 0 ? 1 : 0;
    this.#words[at] = this.#words[at]! + high + carry;
    this.#words[at + 1] = sum;
  }

  subtract(leaf: number, high: number, low: number): void {
    const at = this.#place(leaf);
    const borrow = this.#words[at + 1]! < low >>> 0 ? 1 : 0;
    this.#words[at] = this.#words[at]! - high - borrow;
    this.#words[at + 1] = this.#words[at + 1]! - low;
  }

  clear(leaf: number): void {
    const at = this.#find(leaf);
    if (at === NO_SLOT) return;
    this.#words[at] = 0;
    this.#words[at + 1] = 0;
  }

  /** Where the sum of a leaf stands, if it has a place. */
  #find(leaf: number): number {
    if (this.#isFull) return leaf * 2;
    if (this.#slots === 0) return NO_SLOT;
    const slot = this.#probe(leaf);
    return this.#words[slot] === 0 ? NO_SLOT : slot + 1;
  }

  #place(leaf: number): number {
    assert(leaf >= 0 && leaf < LEAVES, `leaf ${leaf} of ${LEAVES}`);
    const found = this.#find(leaf);
    if (found !== NO_SLOT) return found;
    if (this.#used >= this.#slots * (3 / 4)) this.#grow();
    if (this.#isFull) return leaf * 2;
    const slot = this.#probe(leaf);
    this.#words[slot] = leaf + 1;
    this.#used++;
    return slot + 1;
  }

  /** The slot of a leaf, or the free one where it would go. */
  #probe(leaf: number): number {
    const mask = this.#slots - 1;
    for (let slot = leaf & mask; ; slot = (slot + 1) & mask) {
      const name = this.#words[slot * SLOT_WORDS]!;
      if (name === leaf + 1 || name === 0) return slot * SLOT_WORDS;
    }
  }

  #grow(): void {
    const before = this.#words;
    this.#isFull = this.#slots === SLOTS_MAX;
    this.#slots = this.#isFull ? 0 : Math.max(SLOTS_MIN, this.#slots * 2);
    this.#words = new Uint32Array(this.#isFull ? LEAVES * 2 : this.#slots * SLOT_WORDS);
    for (let old = 0; old < before.length; old += SLOT_WORDS) {
      const name = before[old]!;
      if (name === 0) continue;
      const slot = this.#isFull ? (name - 1) * 2 : this.#probe(name - 1);
      if (!this.#isFull) this.#words[slot] = name;
      const at = this.#isFull ? slot : slot + 1;
      this.#words[at] = before[old + 1]!;
      this.#words[at + 1] = before[old + 2]!;
    }
  }
}
