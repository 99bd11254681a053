/**
 * What a backup and a restore ask of a node over a client's connection. The core never sees these:
 * the host answers.
 *
 *     rows-ask     │ id u64 │ epoch │ partition u16 │ bytesMax │ position bytes │
 *     rows-told    │ id u64 │ next bytes │ count │ count × key │ key, record bytes │ …
 *     join-ask     │ id u64 │ epoch │ key, record bytes │ …
 *     join-told    │ id u64 │ count │ count × result u8 │
 *     copy-refused │ id u64 │ reason u8 │ epoch │
 *
 * A frame does not look inside a record, nor inside a position, which only the node that made it
 * can read. Bytes in what is decoded are views of the frame.
 */
import { unreachable } from "../base/assert.ts";
import type { ByteWriter } from "../base/bytes.ts";
import { ByteReader } from "../base/bytes.ts";
import type { Key } from "../ring/key.ts";
import { PARTITION_COUNT_MAX } from "../ring/slot.ts";
import { readBytes } from "./field-codec.ts";
import { FRAME_KIND } from "./frame-kind.ts";
import { beginFrame, endFrame } from "./frame.ts";
import { readKey, writeKey } from "./key-codec.ts";

/** A key and its encoded record. */
export interface KeyRecord {
  readonly key: Key;
  readonly record: Uint8Array;
}

export interface RowsAsk {
  readonly kind: "rows-ask";
  readonly id: number;
  readonly epoch: number;
  readonly partition: number;
  /** About so many bytes of keys and records. */
  readonly bytesMax: number;
  /** Where to go on, as told; no bytes for the beginning. */
  readonly position: Uint8Array;
}

export interface RowsTold {
  readonly kind: "rows-told";
  readonly id: number;
  /** No bytes when this was the last slice. */
  readonly next: Uint8Array;
  /** Their rows cannot be read. */
  readonly damaged: readonly Key[];
  readonly records: readonly KeyRecord[];
}

export interface JoinAsk {
  readonly kind: "join-ask";
  readonly id: number;
  readonly epoch: number;
  readonly records: readonly KeyRecord[];
}

/** Order is the wire's: append only. */
export const JOIN_RESULTS = [
  "held",
  "not-owner",
  "stale-epoch",
  "damaged",
  "full",
  "epochs-exhausted",
  "malformed",
] as const;
export type JoinResult = (typeof JOIN_RESULTS)[number];

export interface JoinTold {
  readonly kind: "join-told";
  readonly id: number;
  /** One for each record, in their order. */
  readonly results: readonly JoinResult[];
}

/** Order is the wire's: append only. */
export const COPY_REFUSALS = ["not-owner", "stale-epoch", "unknown-position", "busy"] as const;
export type CopyRefusal = (typeof COPY_REFUSALS)[number];

/** Nothing was done. */
export interface CopyRefused {
  readonly kind: "copy-refused";
  readonly id: number;
  readonly reason: CopyRefusal;
  /** Of the refuser's layout. */
  readonly epoch: number;
}

export type CopyAsk = RowsAsk | JoinAsk;
export type CopyAnswer = RowsTold | JoinTold | CopyRefused;

export const POSITION_BYTES_MAX: number = 8 * 1024;
export const JOIN_RECORDS_MAX = 1024;
export const DAMAGED_KEYS_MAX = 4096;

export function encodeCopy(writer: ByteWriter, frame: CopyAsk | CopyAnswer): void {
  switch (frame.kind) {
    case "rows-ask":
      return encodeRowsAsk(writer, frame);
    case "rows-told":
      return encodeRowsTold(writer, frame);
    case "join-ask":
      return encodeJoinAsk(writer, frame);
    case "join-told":
      return encodeJoinTold(writer, frame);
    case "copy-refused":
      return encodeCopyRefused(writer, frame);
    default:
      unreachable(frame);
  }
}

/** Undefined when the body is malformed, or no question of these. */
export function decodeCopyAsk(
  kind: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): CopyAsk | undefined {
  const reader = new ByteReader(bytes, start, end);
  if (kind === FRAME_KIND.rowsAsk) return decodeRowsAsk(reader);
  return kind === FRAME_KIND.joinAsk ? decodeJoinAsk(reader) : undefined;
}

/** Undefined when the body is malformed, or no answer of these. */
export function decodeCopyAnswer(
  kind: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): CopyAnswer | undefined {
  const reader = new ByteReader(bytes, start, end);
  if (kind === FRAME_KIND.rowsTold) return decodeRowsTold(reader);
  if (kind === FRAME_KIND.joinTold) return decodeJoinTold(reader);
  return kind === FRAME_KIND.copyRefused ? decodeCopyRefused(reader) : undefined;
}

function encodeRowsAsk(writer: ByteWriter, ask: RowsAsk): void {
  const frame = beginFrame(writer, FRAME_KIND.rowsAsk);
  writer.u64(ask.id);
  writer.varint(ask.epoch);
  writer.u16(ask.partition);
  writer.varint(ask.bytesMax);
  writer.blob(ask.position);
  endFrame(writer, frame);
}

function decodeRowsAsk(reader: ByteReader): RowsAsk | undefined {
  const id = reader.u64();
  const epoch = reader.varint();
  const partition = reader.u16();
  const bytesMax = reader.varint();
  const position = readBytes(reader);
  if (!reader.finished || partition >= PARTITION_COUNT_MAX) return undefined;
  if (position.length > POSITION_BYTES_MAX) return undefined;
  return { kind: "rows-ask", id, epoch, partition, bytesMax, position };
}

function encodeRowsTold(writer: ByteWriter, told: RowsTold): void {
  const frame = beginFrame(writer, FRAME_KIND.rowsTold);
  writer.u64(told.id);
  writer.blob(told.next);
  writer.varint(told.damaged.length);
  for (const key of told.damaged) writeKey(writer, key);
  writeRecords(writer, told.records);
  endFrame(writer, frame);
}

function decodeRowsTold(reader: ByteReader): RowsTold | undefined {
  const id = reader.u64();
  const next = readBytes(reader);
  if (next.length > POSITION_BYTES_MAX) return undefined;
  const count = reader.varint();
  if (count > DAMAGED_KEYS_MAX || count > reader.remaining) return undefined;
  const damaged: Key[] = [];
  for (let i = 0; i < count; i++) damaged.push(readKey(reader));
  const records = readRecords(reader, Infinity);
  return reader.finished ? { kind: "rows-told", id, next, damaged, records } : undefined;
}

function encodeJoinAsk(writer: ByteWriter, ask: JoinAsk): void {
  const frame = beginFrame(writer, FRAME_KIND.joinAsk);
  writer.u64(ask.id);
  writer.varint(ask.epoch);
  writeRecords(writer, ask.records);
  endFrame(writer, frame);
}

function decodeJoinAsk(reader: ByteReader): JoinAsk | undefined {
  const id = reader.u64();
  const epoch = reader.varint();
  const records = readRecords(reader, JOIN_RECORDS_MAX);
  if (!reader.finished || records.length === 0) return undefined;
  return { kind: "join-ask", id, epoch, records };
}

function encodeJoinTold(writer: ByteWriter, told: JoinTold): void {
  const frame = beginFrame(writer, FRAME_KIND.joinTold);
  writer.u64(told.id);
  writer.varint(told.results.length);
  for (const result of told.results) writer.u8(JOIN_RESULTS.indexOf(result));
  endFrame(writer, frame);
}

function decodeJoinTold(reader: ByteReader): JoinTold | undefined {
  const id = reader.u64();
  const count = reader.varint();
  if (count > JOIN_RECORDS_MAX || count !== reader.remaining) return undefined;
  const results: JoinResult[] = [];
  for (let i = 0; i < count; i++) {
    const result = JOIN_RESULTS[reader.u8()];
    if (result === undefined) return undefined;
    results.push(result);
  }
  return reader.finished ? { kind: "join-told", id, results } : undefined;
}

function encodeCopyRefused(writer: ByteWriter, refused: CopyRefused): void {
  const frame = beginFrame(writer, FRAME_KIND.copyRefused);
  writer.u64(refused.id);
  writer.u8(COPY_REFUSALS.indexOf(refused.reason));
  writer.varint(refused.epoch);
  endFrame(writer, frame);
}

function decodeCopyRefused(reader: ByteReader): CopyRefused | undefined {
  const id = reader.u64();
  const reason = COPY_REFUSALS[reader.u8()];
  const epoch = reader.varint();
  if (!reader.finished || reason === undefined) return undefined;
  return { kind: "copy-refused", id, reason, epoch };
}

function writeRecords(writer: ByteWriter, records: readonly KeyRecord[]): void {
  for (const { key, record } of records) {
    writeKey(writer, key);
    writer.blob(record);
  }
}

/** Up to the end of the frame; one too many fails the reader. */
function readRecords(reader: ByteReader, countMax: number): readonly KeyRecord[] {
  const records: KeyRecord[] = [];
  while (reader.remaining > 0) {
    if (records.length === countMax) reader.fail();
    const key = readKey(reader);
    records.push({ key, record: readBytes(reader) });
  }
  return records;
}
