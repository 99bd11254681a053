/**
 * The port to whatever keeps the rows of a node. One conformance suite runs on every
 * implementation.
 *
 * Reading is synchronous, so that read, join and write of one key happen inside one input of the
 * node and nothing can come in between. Writing is visible to the next `get` at once and durable
 * later: a message that promises durability leaves only after the completion of its write.
 *
 * A row that cannot be read is not an absent row. To say "absent" of a damaged row would let the
 * node mint a dot that it has handed out before, and an acknowledged write would be lost.
 */
import type { Key } from "../ring/key.ts";

export const DAMAGED = "damaged";

/**
 * The bytes of a row (never changed, so a caller may keep them), nothing, or the word that it
 * cannot be read.
 */
export type RowRead = Uint8Array | undefined | typeof DAMAGED;

export interface RowWrite {
  readonly partition: number;
  readonly key: Key;
  /** Short-lived bytes: an engine copies what it keeps. The caller never changes them. */
  readonly row: Uint8Array;
}

export interface RowEntry {
  readonly key: Key;
  readonly row: Uint8Array;
}

/**
 * `durable`: the write survives what the sync policy promises. `full`: nothing was written, there
 * is no room.
 */
export type DiskAnswer = "durable" | "full";

export interface EngineStats {
  readonly keys: number;
  /** Bytes of keys and rows together, without the engine's own structures. */
  readonly bytes: number;
}

export interface RowReader {
  get(partition: number, key: Key): RowRead;
}

export interface Engine extends RowReader {
  /**
   * All or nothing. The token comes back, once, through the completion given to the engine at its
   * making.
   */
  write(writes: readonly RowWrite[], token: number): void;
  /**
   * Up to `limit` rows of a partition in a fixed order, those after `after`. A short answer is the
   * last.
   */
  scan(partition: number, after: Key | undefined, limit: number): readonly RowEntry[];
  stats(): EngineStats;
  close(): void;
}
