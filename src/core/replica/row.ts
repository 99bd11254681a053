/**
 * A row: what one node stores for a key. It is the record, which is the same on every owner, behind
 * what is this node's own business and never leaves it:
 *
 *     reserved epoch   varint   the epoch this node must use for its next dot of the key, or 0
 *     record           bytes    to the end of the row
 */
import { ByteReader, ByteWriter, momentaryBytes, varintBytes } from "../base/bytes.ts";
import type { Digest } from "../causality/record-codec.ts";
import { decodeRecord, digestOf, mayBeOver } from "../causality/record-codec.ts";
import { recordBytes, writeRecord } from "../causality/record-codec.ts";
import type { Record } from "../causality/record.ts";
import { isOver } from "../causality/register.ts";

export interface Row {
  readonly reservedEpoch: number;
  readonly record: Record;
}

export function encodeRow(reservedEpoch: number, record: Record): Uint8Array {
  const size = varintBytes(reservedEpoch) + recordBytes(record);
  const writer = new ByteWriter(momentaryBytes(size));
  writer.varint(reservedEpoch);
  writeRecord(writer, record);
  return writer.filled();
}

/** A row around a record that is already encoded. */
export function wrapRecord(reservedEpoch: number, record: Uint8Array): Uint8Array {
  const head = varintBytes(reservedEpoch);
  const row = momentaryBytes(head + record.length);
  if (reservedEpoch !== 0) new ByteWriter(row).varint(reservedEpoch);
  row.set(record, head);
  return row;
}

export function decodeRow(row: Uint8Array): Row | undefined {
  const reader = new ByteReader(row);
  const reservedEpoch = reader.varint();
  if (reader.failed) return undefined;
  const record = decodeRecord(row, reader.offset);
  return record === undefined ? undefined : { reservedEpoch, record };
}

/** Where the record of a row begins that reserves no epoch. */
export const UNRESERVED_HEAD_BYTES = 1;

/** Whether an epoch is reserved, or the row is not one. */
export function hasReservation(row: Uint8Array): boolean {
  return row[0] !== 0;
}

/** The encoded record inside a row, as a view. */
export function recordBytesOf(row: Uint8Array): Uint8Array {
  return row.subarray(recordStart(row));
}

export function rowDigest(row: Uint8Array): Digest {
  return digestOf(row, recordStart(row));
}

/** Whether nothing is alive in it, or nothing will be at some time: maybe, but quickly said. */
export function mayBeOverRow(row: Uint8Array): boolean {
  return mayBeOver(row, recordStart(row));
}

/** Whether nothing is alive in it: deleted, or expired. */
export function isOverRow(row: Uint8Array, wallMs: number): boolean {
  if (!mayBeOverRow(row)) return false;
  const decoded = decodeRow(row);
  return decoded !== undefined && isOver(decoded.record, wallMs);
}

function recordStart(row: Uint8Array): number {
  let at = 0;
  while (at < row.length && row[at]! >= 0x80) at++;
  return Math.min(at + 1, row.length);
}
