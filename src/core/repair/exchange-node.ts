/**
 * What both sides of an exchange need of their node.
 */
import type { Instant } from "../effects.ts";
import type { Key } from "../ring/key.ts";
import type { KeyHasher } from "./key-hasher.ts";
import type { MerkleTree } from "./merkle-tree.ts";
import type { RepairConfig } from "./repair-config.ts";
import type { RepairStore } from "./repair-store.ts";

export interface ExchangeNode {
  readonly hasher: KeyHasher;
  readonly store: RepairStore;
  readonly config: RepairConfig;
  tree(partition: number): MerkleTree | undefined;
  /** Written in the last seconds: its record is probably on its way to other owners. */
  isRecent(now: Instant, key: Key): boolean;
  partitionOf(key: Key): number;
}
