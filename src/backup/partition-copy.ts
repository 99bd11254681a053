/**
 * One partition on its way into a backup: what its owners hold, joined by key, until it is written.
 *
 *     n1 ─▶ {a: 1, b: 2}  ┐
 *     n2 ─▶ {a: 1, c: 3}  ├─▶ a, b ⊔ b', c ─▶ blocks
 *     n3 ─▶ {b': 4}       ┘
 *
 * Owners scan in orders of their own, so a partition is held until all have been read; and since it
 * may be larger than memory, only up to a bound. Beyond it what is held is written, and of each key
 * the digest is kept: a copy that is the same is passed over, one that differs becomes another
 * entry, which the restore joins.
 */
import type { Digest } from "../core/causality/record-codec.ts";
import { decodeRecord, digestOf, encodeRecord } from "../core/causality/record-codec.ts";
import type { Key } from "../core/ring/key.ts";
import type { KeyRecord } from "../core/wire/copy-codec.ts";
import { Block } from "./backup-format.ts";
import { PartitionSum } from "./partition-sum.ts";

/** Where blocks go: `BackupWriter`. */
export interface BlockSink {
  append(block: Block): Promise<void>;
}

export const HELD_BYTES_MAX: number = 64 * 1024 * 1024;
const BLOCK_BYTES: number = 256 * 1024;

export class PartitionCopy {
  readonly partition: number;
  readonly sum: PartitionSum = new PartitionSum();
  readonly #sink: BlockSink;
  readonly #heldBytesMax: number;
  readonly #block: Block;
  #held: Map<Key, Uint8Array> = new Map();
  #heldBytes = 0;
  /** The digests of what was written of a key, when it was written before the end. */
  readonly #written: Map<Key, Digest[]> = new Map();
  #keys = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(partition: number, sink: BlockSink, heldBytesMax: number = HELD_BYTES_MAX) {
    this.partition = partition;
    this.#sink = sink;
    this.#heldBytesMax = heldBytesMax;
    this.#block = new Block(partition);
  }

  /** So far; every key once. */
  get keys(): number {
    return this.#keys;
  }

  has(key: Key): boolean {
    return this.#held.has(key) || this.#written.has(key);
  }

  /** False for a record that is malformed: nothing of it is taken. */
  add({ key, record }: KeyRecord): boolean {
    const held = this.#held.get(key);
    if (held === undefined) return this.#addFirst(key, record);
    if (sameDigest(digestOf(held), digestOf(record))) return true;
    const incoming = decodeRecord(record);
    if (incoming === undefined) return false;
    const joined = encodeRecord(decodeRecord(held)!.join(incoming));
    this.#heldBytes += joined.length - held.length;
    this.#held.set(key, joined);
    return true;
  }

  /** Resolves when there is room for more. */
  async room(): Promise<void> {
    if (this.#heldBytes > this.#heldBytesMax) await this.#write(true);
  }

  /** Writes what is left. */
  async end(): Promise<void> {
    await this.#write(false);
  }

  #addFirst(key: Key, record: Uint8Array): boolean {
    if (decodeRecord(record) === undefined) return false;
    const written = this.#written.get(key);
    const digest = written === undefined ? undefined : digestOf(record);
    if (digest !== undefined && written!.some((other) => sameDigest(other, digest))) return true;
    if (written === undefined) this.#keys++;
    this.#held.set(key, record);
    this.#heldBytes += key.length + record.length;
    return true;
  }

  #write(isMoreToCome: boolean): Promise<void> {
    const held = this.#held;
    this.#held = new Map();
    this.#heldBytes = 0;
    if (isMoreToCome) {
      for (const [key, record] of held) {
        const digests = this.#written.get(key);
        if (digests === undefined) this.#written.set(key, [digestOf(record)]);
        else digests.push(digestOf(record));
      }
    }
    // The block is one: whoever writes waits for whoever wrote before.
    this.#writing = this.#writing.then(() => this.#writeBlocks(held));
    return this.#writing;
  }

  async #writeBlocks(held: ReadonlyMap<Key, Uint8Array>): Promise<void> {
    const block = this.#block;
    for (const [key, record] of held) {
      const isLong = block.length + record.length > BLOCK_BYTES;
      if (isLong && block.length > 0) await this.#append(block);
      const entry = block.add(key, record);
      this.sum.add(entry, 0, entry.length, key.length + record.length);
    }
    if (block.length > 0) await this.#append(block);
  }

  async #append(block: Block): Promise<void> {
    await this.#sink.append(block);
    block.clear();
  }
}

function sameDigest(left: Digest, right: Digest): boolean {
  return left.high === right.high && left.low === right.low;
}
