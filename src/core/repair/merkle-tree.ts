/**
 * What one owner holds of one partition, as sums: two owners compare a few numbers instead of their
 * keys.
 *
 *     root        the sum of the branches
 *     64 branches the sum of 64 leaves each
 *     4096 leaves the sum, modulo 2^64, of the entries of their keys (see key-hasher.ts)
 *
 * A sum, not an exclusive or: of those, a key that came to be counted twice would vanish, and so
 * would two equal changes. Order does not matter, and what is no longer true is subtracted, so a
 * write costs the same in a tree of ten keys and of ten million. Leaves are kept, everything above
 * is added up when somebody asks.
 *
 * An absent key and a record that has seen nothing add zero. A tombstone is a record like any
 * other.
 *
 *     bytes    version u8 │ count │ count × (leaf u16 │ sum u64)      ascending, none of them zero
 */
import { ByteReader, ByteWriter } from "../base/bytes.ts";
import type { SipHash } from "../base/siphash.ts";
import type { Digest } from "../causality/record-codec.ts";
import { BRANCHES, LEAVES, LEAVES_PER_BRANCH } from "../repair-messages.ts";
import type { Key } from "../ring/key.ts";
import type { KeyHasher } from "./key-hasher.ts";
import { leafOfHash } from "./key-hasher.ts";
import { LeafSums } from "./leaf-sums.ts";

const TREE_VERSION = 1;
const LEAF_BYTES = 10;

export class MerkleTree {
  readonly #hasher: KeyHasher;
  readonly #leaves: LeafSums = new LeafSums();

  constructor(hasher: KeyHasher) {
    this.#hasher = hasher;
  }

  /** Memory of the sums. */
  get bytes(): number {
    return this.#leaves.bytes;
  }

  update(key: Key, before: Digest, after: Digest): void {
    this.updateHashed(this.#hasher.of(key), before, after);
  }

  /** For who has hashed the key already. */
  updateHashed(key: SipHash, before: Digest, after: Digest): void {
    const leaf = leafOfHash(key);
    if (!isAbsent(before)) {
      const entry = this.#hasher.entry(key, before);
      this.#leaves.subtract(leaf, entry.hi, entry.lo);
    }
    if (!isAbsent(after)) {
      const entry = this.#hasher.entry(key, after);
      this.#leaves.add(leaf, entry.hi, entry.lo);
    }
  }

  get root(): SipHash {
    const sum = { hi: 0, lo: 0 };
    for (let leaf = 0; leaf < LEAVES; leaf++) this.#addLeaf(sum, leaf);
    return sum;
  }

  /** High and low half of each branch, in turn. */
  branchSums(): Uint32Array {
    const sums = new Uint32Array(BRANCHES * 2);
    for (let branch = 0; branch < BRANCHES; branch++) {
      const sum = { hi: 0, lo: 0 };
      const first = branch * LEAVES_PER_BRANCH;
      for (let leaf = first; leaf < first + LEAVES_PER_BRANCH; leaf++) this.#addLeaf(sum, leaf);
      sums[branch * 2] = sum.hi;
      sums[branch * 2 + 1] = sum.lo;
    }
    return sums;
  }

  /** High and low half of each leaf of these branches, in turn. */
  leafSums(branches: readonly number[]): Uint32Array {
    const sums = new Uint32Array(branches.length * LEAVES_PER_BRANCH * 2);
    let at = 0;
    for (const branch of branches) {
      const first = branch * LEAVES_PER_BRANCH;
      for (let leaf = first; leaf < first + LEAVES_PER_BRANCH; leaf++) {
        sums[at++] = this.#leaves.high(leaf);
        sums[at++] = this.#leaves.low(leaf);
      }
    }
    return sums;
  }

  /** Adds what another tree counts: of two trees of different keys it makes the tree of both. */
  merge(other: MerkleTree): void {
    for (let leaf = 0; leaf < LEAVES; leaf++) {
      const high = other.#leaves.high(leaf);
      const low = other.#leaves.low(leaf);
      if (high !== 0 || low !== 0) this.#leaves.add(leaf, high, low);
    }
  }

  clear(leaf: number): void {
    this.#leaves.clear(leaf);
  }

  differingLeaves(other: MerkleTree): number {
    let count = 0;
    for (let leaf = 0; leaf < LEAVES; leaf++) if (!this.#agrees(other, leaf)) count++;
    return count;
  }

  equals(other: MerkleTree): boolean {
    for (let leaf = 0; leaf < LEAVES; leaf++) if (!this.#agrees(other, leaf)) return false;
    return true;
  }

  encode(): Uint8Array {
    const used: number[] = [];
    for (let leaf = 0; leaf < LEAVES; leaf++) {
      if (this.#leaves.high(leaf) !== 0 || this.#leaves.low(leaf) !== 0) used.push(leaf);
    }
    const writer = new ByteWriter(3 + used.length * LEAF_BYTES);
    writer.u8(TREE_VERSION);
    writer.varint(used.length);
    for (const leaf of used) {
      writer.u16(leaf);
      writer.u32(this.#leaves.high(leaf));
      writer.u32(this.#leaves.low(leaf));
    }
    return writer.finish();
  }

  static decode(hasher: KeyHasher, bytes: Uint8Array): MerkleTree | undefined {
    const reader = new ByteReader(bytes);
    if (reader.u8() !== TREE_VERSION) return undefined;
    const count = reader.varint();
    if (count > LEAVES || reader.remaining !== count * LEAF_BYTES) return undefined;
    const tree = new MerkleTree(hasher);
    let before = -1;
    for (let i = 0; i < count; i++) {
      const leaf = reader.u16();
      const high = reader.u32();
      const low = reader.u32();
      if (leaf <= before || leaf >= LEAVES || (high === 0 && low === 0)) return undefined;
      tree.#leaves.add(leaf, high, low);
      before = leaf;
    }
    return reader.finished ? tree : undefined;
  }

  #agrees(other: MerkleTree, leaf: number): boolean {
    const low = this.#leaves.low(leaf) === other.#leaves.low(leaf);
    return low && this.#leaves.high(leaf) === other.#leaves.high(leaf);
  }

  #addLeaf(sum: { hi: number; lo: number }, leaf: number): void {
    const low = this.#leaves.low(leaf);
    sum.lo = (sum.lo + low) >>> 0;
    sum.hi = (sum.hi + this.#leaves.high(leaf) + (sum.lo < low ? 1 : 0)) >>> 0;
  }
}

function isAbsent({ high, low }: Digest): boolean {
  return high === 0 && low === 0;
}
