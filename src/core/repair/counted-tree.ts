/**
 * A tree, and which of its keys are counted as nothing because their rows could not be read.
 *
 * To subtract what a key has added, one must know what that was. The row that is replaced says it,
 * unless it cannot be read:
 *
 *     was unreadable when it was counted       added nothing; its key is remembered
 *     was read then, and has rotted since      added something that nobody knows any more
 *
 * After the second the tree is in doubt: at worst one leaf differs from the other owners' for no
 * reason, which makes them compare the keys of that leaf and find nothing. It is built again.
 */
import type { SipHash } from "../base/siphash.ts";
import { ABSENT_DIGEST } from "../causality/record-codec.ts";
import type { Key } from "../ring/key.ts";
import { DAMAGED } from "../storage/engine.ts";
import type { KeyHasher } from "./key-hasher.ts";
import { MerkleTree } from "./merkle-tree.ts";
import type { DigestRead } from "./repair-store.ts";

const DAMAGED_KEYS_MAX = 4096;

export class CountedTree {
  readonly tree: MerkleTree;
  readonly damaged: Set<Key> = new Set();
  isDoubtful = false;

  constructor(hasher: KeyHasher, tree: MerkleTree = new MerkleTree(hasher)) {
    this.tree = tree;
  }

  /** A key that was not counted before. */
  count(key: Key, hash: SipHash, state: DigestRead): void {
    if (state === DAMAGED) this.#remember(key);
    else this.tree.updateHashed(hash, ABSENT_DIGEST, state);
  }

  /** A key that was counted as `before`. */
  recount(key: Key, hash: SipHash, before: DigestRead, after: DigestRead): void {
    const wasDamaged = this.damaged.delete(key);
    if (before === DAMAGED && !wasDamaged) this.isDoubtful = true;
    const counted = before === DAMAGED || wasDamaged ? ABSENT_DIGEST : before;
    if (after === DAMAGED) this.#remember(key);
    this.tree.updateHashed(hash, counted, after === DAMAGED ? ABSENT_DIGEST : after);
  }

  #remember(key: Key): void {
    if (this.damaged.size < DAMAGED_KEYS_MAX) this.damaged.add(key);
    else this.isDoubtful = true;
  }
}
