/**
 * One record of the log: a row behind a head that tells where it belongs. The layout is drawn in
 * `docs/log-format.md`.
 *
 * Both checksums are made when the record is made. The one of the head begins with the place of the
 * record, so that a good record at a wrong place, left there by a lost or a misdirected write, is
 * no record.
 */
import { crc32c } from "../../base/crc32c.ts";
import type { Key } from "../../ring/key.ts";
import { BUCKET_LENGTH_MAX, USER_KEY_BYTES_MAX } from "../../ring/key.ts";

export const RECORD_HEAD_BYTES = 28;
export const KIND_ROW = 1;
/** The row of this key was damaged, and nothing of it is left here. */
export const KIND_DAMAGED = 2;
/** The key has no row from here on. */
export const KIND_REMOVED = 3;
const FLAG_MORE = 1;
const KEY_BYTES_MAX = BUCKET_LENGTH_MAX + 1 + USER_KEY_BYTES_MAX;
const U32 = 0x1_0000_0000;

/** What the next record is, besides its key and its row. */
export interface RecordPlace {
  segment: number;
  offset: number;
  sequence: number;
  /** So much of the segment is durable now. */
  durable: number;
}

/** The head of a record, in place of the one before it: a scan makes no objects. */
export class RecordHead {
  sequence = 0;
  kind = 0;
  hasMore = false;
  partition = 0;
  keyLength = 0;
  rowLength = 0;
  durable = 0;

  get length(): number {
    return RECORD_HEAD_BYTES + this.keyLength + this.rowLength;
  }
}

export function recordLength(key: Key, rowLength: number): number {
  return RECORD_HEAD_BYTES + key.length + rowLength;
}

/** Writes the record at `at`, where there is room for it. */
export function writeRecord(
  bytes: Uint8Array,
  at: number,
  place: RecordPlace,
  kind: number,
  hasMore: boolean,
  partition: number,
  key: Key,
  row: Uint8Array,
): void {
  const keyAt = at + RECORD_HEAD_BYTES;
  const rowAt = keyAt + key.length;
  for (let i = 0; i < key.length; i++) bytes[keyAt + i] = key.charCodeAt(i);
  bytes.set(row, rowAt);
  putU16(bytes, at + 8, Math.floor(place.sequence / U32));
  putU32(bytes, at + 10, place.sequence);
  bytes[at + 14] = kind;
  bytes[at + 15] = hasMore ? FLAG_MORE : 0;
  putU16(bytes, at + 16, partition);
  putU16(bytes, at + 18, key.length);
  putU32(bytes, at + 20, row.length);
  putU32(bytes, at + 24, place.durable);
  putU32(bytes, at + 4, crc32c(bytes, rowAt, rowAt + row.length, 0));
  putU32(bytes, at, headChecksum(bytes, at, key.length, place.segment, place.offset));
}

/**
 * Reads the head of the record at `at`, which says that it is the one at `offset` of this segment.
 * False when it is none, or does not end before `end`.
 */
export function readHead(
  head: RecordHead,
  bytes: Uint8Array,
  at: number,
  end: number,
  segment: number,
  offset: number,
): boolean {
  if (at + RECORD_HEAD_BYTES > end) return false;
  const kind = bytes[at + 14]!;
  if (kind < KIND_ROW || kind > KIND_REMOVED) return false;
  const keyLength = u16At(bytes, at + 18);
  if (keyLength === 0 || keyLength > KEY_BYTES_MAX) return false;
  // Before the checksum, which is dear: who looks for a record tries every byte of a large row.
  if (u32At(bytes, at + 24) > offset || bytes[at + 15]! > FLAG_MORE) return false;
  if (at + RECORD_HEAD_BYTES + keyLength > end) return false;
  if (headChecksum(bytes, at, keyLength, segment, offset) !== u32At(bytes, at)) return false;
  head.sequence = u16At(bytes, at + 8) * U32 + u32At(bytes, at + 10);
  head.kind = kind;
  head.hasMore = (bytes[at + 15]! & FLAG_MORE) !== 0;
  head.partition = u16At(bytes, at + 16);
  head.keyLength = keyLength;
  head.rowLength = u32At(bytes, at + 20);
  head.durable = u32At(bytes, at + 24);
  return true;
}

/** Whether the row of a record with a good head is all there, as it was written. */
export function isRowIntact(head: RecordHead, bytes: Uint8Array, at: number, end: number): boolean {
  const rowAt = at + RECORD_HEAD_BYTES + head.keyLength;
  const rowEnd = rowAt + head.rowLength;
  return rowEnd <= end && crc32c(bytes, rowAt, rowEnd, 0) === u32At(bytes, at + 4);
}

const HEAD = new RecordHead();

/** Whether the bytes are the whole, undamaged record that is meant. */
export function isRecordOf(
  bytes: Uint8Array,
  segment: number,
  offset: number,
  partition: number,
  length: number,
): boolean {
  return (
    bytes.length === length &&
    readHead(HEAD, bytes, 0, length, segment, offset) &&
    HEAD.partition === partition &&
    HEAD.length === length &&
    isRowIntact(HEAD, bytes, 0, length)
  );
}

const PLACE = new Uint8Array(8);

function headChecksum(
  bytes: Uint8Array,
  at: number,
  keyLength: number,
  segment: number,
  offset: number,
): number {
  putU32(PLACE, 0, segment);
  putU32(PLACE, 4, offset);
  const seed = crc32c(PLACE, 0, PLACE.length, 0);
  return crc32c(bytes, at + 8, at + RECORD_HEAD_BYTES + keyLength, seed);
}

function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function u16At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function u32At(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  );
}
