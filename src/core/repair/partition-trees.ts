/**
 * The trees of a node: which partitions have one, which is being built, and when each is built
 * again.
 *
 * A tree is true from the moment it is built, because every write is told. It is kept over a clean
 * stop (`snapshot`, `restore`) and built from the rows after any other, so it is never ahead of
 * them. Now and then each is built anew beside the one in use: when the two differ, rows have
 * rotted or there is a bug; a fact says so, and the one made of the rows is taken.
 *
 *     snapshot   version u8 │ secret's fingerprint u32 │ count
 *                count × (partition │ tree bytes) │ CRC-32C u32
 */
import { ByteReader, ByteWriter } from "../base/bytes.ts";
import { crc32c } from "../base/crc32c.ts";
import { Heap } from "../base/heap.ts";
import type { Random } from "../base/random.ts";
import type { Instant } from "../effects.ts";
import type { RepairFact } from "../repair-facts.ts";
import type { Key } from "../ring/key.ts";
import { CountedTree } from "./counted-tree.ts";
import type { KeyHasher } from "./key-hasher.ts";
import { MerkleTree } from "./merkle-tree.ts";
import { RecentWrites } from "./recent-writes.ts";
import type { DigestRead, RowScan } from "./repair-store.ts";
import { isSameDigest } from "./repair-store.ts";
import type { BuildLimits } from "./tree-build.ts";
import { TreeBuild } from "./tree-build.ts";

export interface TreesSetup {
  readonly hasher: KeyHasher;
  readonly rows: RowScan;
  readonly random: Random;
  readonly limits: BuildLimits;
  /** A tree is built again after so long, or half of it. */
  readonly rebuildMs: number;
  /** A tree in doubt is built again after so long. */
  readonly doubtMs: number;
  /** A write counts as recent for so long, or twice as long. */
  readonly recentMs: number;
  readonly note: (fact: RepairFact) => void;
}

interface Due {
  readonly partition: number;
  readonly at: Instant;
}

interface Building {
  readonly build: TreeBuild;
  readonly job: Generator<void, void>;
}

const SNAPSHOT_VERSION = 1;
const CHECKSUM_BYTES = 4;
/** About two thousand full trees: a stop must not take long. */
const SNAPSHOT_BYTES_MAX: number = 64 * 1024 * 1024;

export class PartitionTrees {
  readonly #setup: TreesSetup;
  readonly #recent: RecentWrites;
  readonly #known: Map<number, CountedTree> = new Map();
  /** When each owned partition is built next; others are in no hurry. */
  readonly #dueAt: Map<number, Instant> = new Map();
  /** Entries that no longer say what `dueAt` says are passed over. */
  readonly #queue: Heap<Due> = new Heap(isBefore);
  #building: Building | undefined = undefined;

  constructor(setup: TreesSetup) {
    this.#setup = setup;
    this.#recent = new RecentWrites(setup.recentMs);
  }

  /** The tree of a partition, when there is one that can be believed. */
  get(partition: number): MerkleTree | undefined {
    return this.#known.get(partition)?.tree;
  }

  /** Whether every row that the tree stands for could be read. */
  isWhole(partition: number): boolean {
    const counted = this.#known.get(partition);
    return counted !== undefined && counted.damaged.size === 0 && !counted.isDoubtful;
  }

  isRecent(now: Instant, key: Key): boolean {
    return this.#recent.has(now, this.#setup.hasher.of(key));
  }

  /**
   * Every write of a row, at once: what `digest` said before it and what it says after, also when
   * that is the same: a scan may miss a row that was written. A removal is a write too, and leaves
   * the absent digest.
   */
  onWrite(now: Instant, partition: number, key: Key, before: DigestRead, after: DigestRead): void {
    const hash = this.#setup.hasher.of(key);
    const building = this.#building?.build;
    if (building?.partition === partition) building.onWrite(key, hash, before, after);
    if (isSameDigest(before, after)) return;
    this.#recent.onWrite(now, hash);
    const known = this.#known.get(partition);
    if (known === undefined) return;
    const wasDoubtful = known.isDoubtful;
    known.recount(key, hash, before, after);
    if (known.isDoubtful && !wasDoubtful) this.#setDue(partition, now + this.#setup.doubtMs);
  }

  /** Which partitions need a tree from now on: the owned ones that somebody else owns too. */
  own(now: Instant, partitions: readonly number[]): void {
    const owned = new Set(partitions);
    for (const partition of [...this.#dueAt.keys()]) {
      if (owned.has(partition)) continue;
      this.#dueAt.delete(partition);
      this.#known.delete(partition);
    }
    const building = this.#building?.build.partition;
    if (building !== undefined && !owned.has(building)) this.#building = undefined;
    for (const partition of partitions) {
      if (this.#dueAt.has(partition)) continue;
      this.#setDue(partition, this.#known.has(partition) ? this.#anyTime(now) : now);
    }
    for (const partition of this.#known.keys()) {
      if (!owned.has(partition)) this.#known.delete(partition);
    }
  }

  /** To be built again now, whatever its age. */
  check(now: Instant, partition: number): void {
    if (this.#dueAt.has(partition)) this.#setDue(partition, now);
  }

  /** When there is something to do for `work`. */
  get nextDue(): Instant {
    if (this.#building !== undefined) return Number.NEGATIVE_INFINITY;
    for (let due = this.#queue.peek(); due !== undefined; due = this.#queue.peek()) {
      if (this.#dueAt.get(due.partition) === due.at) return due.at;
      this.#queue.pop();
    }
    return Number.POSITIVE_INFINITY;
  }

  /** One slice of a build, if one is due. Answers the partition whose tree is done with it. */
  work(now: Instant): number | undefined {
    if (this.nextDue > now) return undefined;
    this.#building ??= this.#begin(this.#queue.pop()!.partition);
    const { build, job } = this.#building;
    if (job.next().done !== true) return undefined;
    this.#building = undefined;
    this.#onBuilt(now, build);
    return build.partition;
  }

  /**
   * Trees that cannot be trusted in every leaf are left out, and those that there is no room for:
   * they are built again.
   */
  snapshot(): Uint8Array | undefined {
    const trees: (readonly [partition: number, tree: Uint8Array])[] = [];
    let left = SNAPSHOT_BYTES_MAX;
    for (const [partition, { tree }] of this.#known) {
      if (!this.isWhole(partition)) continue;
      const bytes = tree.encode();
      left -= bytes.length;
      if (left < 0) break;
      trees.push([partition, bytes]);
    }
    if (trees.length === 0) return undefined;
    const writer = new ByteWriter();
    writer.u8(SNAPSHOT_VERSION);
    writer.u32(this.#setup.hasher.fingerprint);
    writer.varint(trees.length);
    for (const [partition, tree] of trees) {
      writer.varint(partition);
      writer.blob(tree);
    }
    writer.u32(crc32c(writer.bytes, 0, writer.length, 0));
    return writer.finish();
  }

  /**
   * The trees of a snapshot, for a new node whose rows are those that it was taken of: after a
   * clean stop, and before the first write. Call it before `own`. False when it is not one, or of
   * another secret; nothing is taken then.
   */
  restore(bytes: Uint8Array): boolean {
    const trees = this.#decode(bytes);
    if (trees === undefined) return false;
    for (const [partition, tree] of trees) {
      this.#known.set(partition, new CountedTree(this.#setup.hasher, tree));
    }
    this.#setup.note({ kind: "trees-restored", partitions: trees.size });
    return true;
  }

  #decode(bytes: Uint8Array): Map<number, MerkleTree> | undefined {
    const end = bytes.length - CHECKSUM_BYTES;
    if (end < 0) return undefined;
    if (new ByteReader(bytes, end).u32() !== crc32c(bytes, 0, end, 0)) return undefined;
    const { hasher } = this.#setup;
    const reader = new ByteReader(bytes, 0, end);
    if (reader.u8() !== SNAPSHOT_VERSION || reader.u32() !== hasher.fingerprint) return undefined;
    const trees = new Map<number, MerkleTree>();
    for (let left = reader.varint(); left > 0 && !reader.failed; left--) {
      const partition = reader.varint();
      const tree = MerkleTree.decode(hasher, reader.blob());
      if (tree === undefined) return undefined;
      trees.set(partition, tree);
    }
    return reader.finished ? trees : undefined;
  }

  #begin(partition: number): Building {
    const { hasher, rows, limits } = this.#setup;
    const build = new TreeBuild(partition, hasher, rows, limits);
    return { build, job: build.run() };
  }

  #onBuilt(now: Instant, build: TreeBuild): void {
    const { partition, counted, passes } = build;
    const known = this.#known.get(partition);
    const isTrusted = known !== undefined && !known.isDoubtful;
    const differing = isTrusted ? known.tree.differingLeaves(counted.tree) : 0;
    this.#known.set(partition, counted);
    const { note, doubtMs } = this.#setup;
    note({ kind: "tree-built", partition, damaged: counted.damaged.size, passes });
    if (differing > 0) note({ kind: "tree-differed", partition, leaves: differing });
    this.#setDue(partition, counted.isDoubtful ? now + doubtMs : this.#later(now));
  }

  #later(now: Instant): Instant {
    const half = Math.floor(this.#setup.rebuildMs / 2);
    return now + half + this.#setup.random.integer(half + 1);
  }

  /** For a tree that a clean stop has left: it may be of any age. */
  #anyTime(now: Instant): Instant {
    const { random, rebuildMs } = this.#setup;
    return now + random.integer(rebuildMs + 1);
  }

  #setDue(partition: number, at: Instant): void {
    this.#dueAt.set(partition, at);
    this.#queue.push({ partition, at });
  }
}

function isBefore(left: Due, right: Due): boolean {
  return left.at !== right.at ? left.at < right.at : left.partition < right.partition;
}
