/**
 * What anti-entropy needs of whoever holds the rows of this node.
 *
 * A row that cannot be read is not an absent one: it needs the other's copy, and says so.
 */
import type { Digest } from "../causality/record-codec.ts";
import { digestOf } from "../causality/record-codec.ts";
import type { Key } from "../ring/key.ts";
import type { DAMAGED, ScanPosition, ScanSlice } from "../storage/engine.ts";

export interface RowScan {
  /** As `Engine.scan`. */
  scan(partition: number, from: ScanPosition | undefined, limit: number): ScanSlice;
  /** The digest of the record in a row. */
  rowDigest(row: Uint8Array): Digest;
}

/** A readable record, or the word that it cannot be read. An absent one has the absent digest. */
export type DigestRead = Digest | typeof DAMAGED;

export interface RepairStore extends RowScan {
  digest(partition: number, key: Key): DigestRead;
  /** The encoded record. */
  record(partition: number, key: Key): Uint8Array | undefined | typeof DAMAGED;
  /** Joins a record of a peer with what is held; visible to `digest` at once. */
  merge(partition: number, key: Key, record: Uint8Array): void;
}

export function isSameDigest(left: DigestRead, right: DigestRead): boolean {
  if (typeof left === "string" || typeof right === "string") return left === right;
  return left.high === right.high && left.low === right.low;
}

export function isAbsentDigest({ high, low }: Digest): boolean {
  return high === 0 && low === 0;
}

/** Merges a record that came, if it is one; whether it changed anything. */
export function mergeInto(
  store: RepairStore,
  partition: number,
  key: Key,
  record: Uint8Array,
): boolean {
  if (record.length === 0) return false;
  const before = store.digest(partition, key);
  if (isSameDigest(before, digestOf(record))) return false;
  store.merge(partition, key, record);
  return !isSameDigest(before, store.digest(partition, key));
}
