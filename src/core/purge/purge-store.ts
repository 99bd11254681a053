/** What purging needs of whoever holds the rows and the hints of this node. */
import type { Digest } from "../causality/record-codec.ts";
import type { Key } from "../ring/key.ts";
import type { RowReader, RowWrite, ScanPosition, ScanSlice } from "../storage/engine.ts";

export interface PurgeStore extends RowReader {
  /** As `Engine.scan`. */
  scan(partition: number, from: ScanPosition | undefined, limit: number): ScanSlice;
  /** Whether nothing is alive in a row, or nothing will be at some time; quickly, so maybe. */
  mayBeOver(row: Uint8Array): boolean;
  /** The digest of a row in which nothing is alive: deleted, or expired; undefined of others. */
  tombstoneIn(row: Uint8Array): Digest | undefined;
  /** Whether this node holds exactly that tombstone. */
  isTombstone(partition: number, key: Key, digest: Digest): boolean;
  /** Whether anything is kept of the key for an owner that cannot be reached. */
  keepsHint(partition: number, key: Key): boolean;
  /**
   * Removes the row, if it is that tombstone. One that cannot be read any more is, if
   * `isVouchedFor`.
   */
  remove(partition: number, key: Key, digest: Digest, isVouchedFor: boolean): void;
  persist(write: RowWrite, token: number): void;
}
