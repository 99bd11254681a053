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
  /**
   * Short-lived bytes: an engine copies what it keeps. The caller never changes them. Nothing, to
   * remove the row: the key is as if it had never been written. It need not have a row.
   */
  readonly row: Uint8Array | undefined;
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

/**
 * Where a scan goes on. Only the engine that made it can read it, and it stays good while rows are
 * written and removed.
 */
export type ScanPosition = number | string;

export interface ScanSlice {
  readonly entries: readonly RowEntry[];
  /** Nothing when this slice was the last. */
  readonly next: ScanPosition | undefined;
  /** Keys of this slice whose rows cannot be read, where there are any. */
  readonly damaged?: readonly Key[];
}

/** What an engine says by itself, later: never from inside a call, but for the memory engine. */
export interface EngineEvents {
  completed(token: number, answer: DiskAnswer): void;
  /**
   * The disk failed: nothing that is not completed yet will ever be, and the node must stop. The
   * text is for its operator.
   */
  failed(problem: string): void;
}

export interface RowReader {
  get(partition: number, key: Key): RowRead;
}

export interface Engine extends RowReader {
  /** All or nothing. The token comes back, once, through `EngineEvents`. */
  write(writes: readonly RowWrite[], token: number): void;
  /**
   * Sends what was written since the last time on its way to the disk, in one piece. The host calls
   * it at the end of each of its turns: writers of one turn share a sync.
   */
  flush(): void;
  /**
   * About `limit` rows of a partition in an order of the engine's own. A row that was there before
   * the first slice and is neither written nor removed meanwhile comes exactly once; a damaged one
   * is only named.
   */
  scan(partition: number, from: ScanPosition | undefined, limit: number): ScanSlice;
  stats(): EngineStats;
  /** What was written before is completed first; then nothing is touched any more. */
  close(closed: () => void): void;
}
