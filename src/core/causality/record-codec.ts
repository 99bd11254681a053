/**
 * A record as bytes: what is stored, what travels, and what is compared.
 *
 *     version    u8       1
 *     identity   varint   length in bytes of the next part
 *     ┌ entries  varint   count, then each: high u32, low u32, epoch varint, n varint,
 *     │                   ranges varint, then each: gap to what is before varint, length - 1 varint
 *     └ dots     varint   count, then each: entry index varint, n varint, kind u8,
 *                         path (varint length, bytes)
 *     payloads            per dot: varint length, bytes
 *
 * The encoding is canonical: one record has one form. So the *identity* part decides whether two
 * copies are the same, and the digest is a hash over it, taken without decoding. Payloads are left
 * out: a dot names its payload, and a payload that expires on one copy before the other must not
 * make them differ. The version vector alone would not do: two copies can have seen the same dots
 * and kept different ones.
 *
 * Example: actor 00000001 00000002 in epoch 3, one dot numbered 1, value "hi" (2 bytes of payload):
 *
 *     01 | 11 | 01 00000001 00000002 03 01 00 | 01 00 01 01 00 | 02 6869
 *     version, 17 bytes of identity, one entry, one dot, its payload
 *
 * Decoding never trusts: order, ranges, indexes and counts are checked, a malformed record is
 * `undefined`.
 */
import { ByteReader, ByteWriter, momentaryBytes, varintBytes } from "../base/bytes.ts";
import { hash32 } from "../base/hash.ts";
import { EPOCH_MAX, compareActors } from "./actor.ts";
import type { Context, Entry } from "./context.ts";
import { contains, entryOf } from "./context.ts";
import type { Dot } from "./record.ts";
import { compareDots, EXPIRING, Record } from "./record.ts";

export const RECORD_VERSION = 1;
/** No record of ours comes near; a count above it is not worth an allocation. */
export const ENTRIES_MAX = 65_536;
const DOTS_MAX = 65_536;

export interface Digest {
  readonly high: number;
  readonly low: number;
}

/**
 * The digest of a key that is not held, and of a record that has seen nothing, which is the same.
 * No other record has it but by chance of 2^-64.
 */
export const ABSENT_DIGEST: Digest = { high: 0, low: 0 };

/** No entries, no dots. */
const EMPTY_IDENTITY_BYTES = 2;
const DIGEST_SEED_HIGH = 0x6772616d;
const DIGEST_SEED_LOW = 0x6d652d31;

export function encodeRecord(record: Record): Uint8Array {
  const writer = new ByteWriter(momentaryBytes(recordBytes(record)));
  writeRecord(writer, record);
  return writer.filled();
}

export function writeRecord(writer: ByteWriter, record: Record): void {
  writer.u8(RECORD_VERSION);
  writer.varint(identitySize(record));
  writeEntries(writer, record.context);
  writeDots(writer, record);
  for (const dot of record.dots) writer.blob(dot.payload);
}

/** The exact size of the encoding: it is allocated once. */
export function recordBytes(record: Record): number {
  const identity = identitySize(record);
  let bytes = 1 + varintBytes(identity) + identity;
  for (const { payload } of record.dots) bytes += varintBytes(payload.length) + payload.length;
  return bytes;
}

function identitySize({ context, dots }: Record): number {
  let bytes = entriesBytes(context) + varintBytes(dots.length);
  let index = 0;
  for (const dot of dots) {
    while (compareActors(context[index]!, dot) !== 0) index++;
    const { path } = dot;
    bytes += varintBytes(index) + varintBytes(dot.n) + 1 + varintBytes(path.length) + path.length;
  }
  return bytes;
}

export function entriesBytes(context: Context): number {
  let bytes = varintBytes(context.length);
  for (const { epoch, n, ahead } of context) {
    bytes += 8 + varintBytes(epoch) + varintBytes(n) + varintBytes(ahead.length >> 1);
    let before = n;
    for (let i = 0; i < ahead.length; i += 2) {
      bytes += varintBytes(ahead[i]! - before) + varintBytes(ahead[i + 1]! - ahead[i]!);
      before = ahead[i + 1]!;
    }
  }
  return bytes;
}

export function decodeRecord(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): Record | undefined {
  const reader = new ByteReader(bytes, start, end);
  if (reader.u8() !== RECORD_VERSION) return undefined;
  const identityBytes = reader.varint();
  const identityEnd = reader.offset + identityBytes;
  if (reader.failed || identityEnd > end) return undefined;
  const context = readContext(reader, ENTRIES_MAX);
  if (context === undefined) return undefined;
  const payloads = new ByteReader(bytes, identityEnd, end);
  const dots = readDots(reader, context, payloads);
  if (dots === undefined || reader.offset !== identityEnd) return undefined;
  return payloads.finished ? new Record(context, dots) : undefined;
}

/**
 * The digest of an encoded record, read off its identity part. Malformed bytes digest to something,
 * never throw.
 */
export function digestOf(bytes: Uint8Array, start = 0, end: number = bytes.length): Digest {
  const reader = new ByteReader(bytes, start, end);
  reader.u8();
  const identityBytes = reader.varint();
  const identityStart = reader.offset;
  if (identityBytes === EMPTY_IDENTITY_BYTES) return ABSENT_DIGEST;
  const identityEnd = Math.min(identityStart + identityBytes, end);
  return {
    high: hash32(bytes, identityStart, identityEnd, DIGEST_SEED_HIGH),
    low: hash32(bytes, identityStart, identityEnd, DIGEST_SEED_LOW),
  };
}

/**
 * Whether an encoded record may be over, now or at some time: it knows something, and ends with its
 * identity, or its last dot is one that expires. (Or has a path that looks like one: who wants to
 * know decodes it.) Every row that is stored is asked, so no reader is made.
 */
export function mayBeOver(bytes: Uint8Array, start = 0): boolean {
  let identityBytes = 0;
  let factor = 1;
  for (let at = start + 1; at < bytes.length && factor < 2 ** 35; factor *= 128) {
    const byte = bytes[at++]!;
    identityBytes += (byte & 0x7f) * factor;
    if (byte >= 0x80) continue;
    const end = at + identityBytes;
    if (identityBytes <= EMPTY_IDENTITY_BYTES || end > bytes.length) return false;
    return end === bytes.length || bytes[end - 2] === EXPIRING;
  }
  return false;
}

export function writeEntries(writer: ByteWriter, context: Context): void {
  writer.varint(context.length);
  for (const entry of context) {
    writer.u32(entry.high);
    writer.u32(entry.low);
    writer.varint(entry.epoch);
    writer.varint(entry.n);
    writer.varint(entry.ahead.length >> 1);
    let before = entry.n;
    for (let i = 0; i < entry.ahead.length; i += 2) {
      const from = entry.ahead[i]!;
      const to = entry.ahead[i + 1]!;
      writer.varint(from - before);
      writer.varint(to - from);
      before = to;
    }
  }
}

/**
 * A context at the reader's place; undefined when it is malformed or has more entries than
 * `entriesMax`.
 */
export function readContext(reader: ByteReader, entriesMax: number): Context | undefined {
  const count = reader.varint();
  if (reader.failed || count > entriesMax || count > reader.remaining) return undefined;
  // Of the right length from the start: a list that grows starts with room for seventeen.
  const context = new Array<Entry>(count);
  for (let i = 0; i < count; i++) {
    const entry = readEntry(reader);
    if (entry === undefined) return undefined;
    if (i > 0 && compareActors(context[i - 1]!, entry) >= 0) return undefined;
    context[i] = entry;
  }
  return context;
}

function readEntry(reader: ByteReader): Entry | undefined {
  const high = reader.i32();
  const low = reader.i32();
  const epoch = reader.varint();
  const n = reader.varint();
  const ranges = reader.varint();
  if (reader.failed || epoch > EPOCH_MAX || ranges > reader.remaining) return undefined;
  if (ranges === 0) return n === 0 ? undefined : entryOf({ high, low, epoch }, n);
  const ahead: number[] = [];
  let before = n;
  for (let i = 0; i < ranges; i++) {
    const gap = reader.varint();
    const from = before + gap;
    const to = from + reader.varint();
    if (reader.failed || gap < 2 || to > Number.MAX_SAFE_INTEGER) return undefined;
    ahead.push(from, to);
    before = to;
  }
  return entryOf({ high, low, epoch }, n, ahead);
}

function writeDots(writer: ByteWriter, record: Record): void {
  writer.varint(record.dots.length);
  let index = 0;
  for (const dot of record.dots) {
    while (compareActors(record.context[index]!, dot) !== 0) index++;
    writer.varint(index);
    writer.varint(dot.n);
    writer.u8(dot.kind);
    writer.binary(dot.path);
  }
}

/** Identities and payloads stand apart; two readers walk them side by side. */
function readDots(
  reader: ByteReader,
  context: Context,
  payloads: ByteReader,
): readonly Dot[] | undefined {
  const count = reader.varint();
  if (reader.failed || count > DOTS_MAX || count > reader.remaining) return undefined;
  const dots = new Array<Dot>(count);
  for (let i = 0; i < count; i++) {
    const entry = context[reader.varint()];
    const n = reader.varint();
    const kind = reader.u8();
    const path = reader.binary();
    const payload = payloads.blob();
    if (reader.failed || entry === undefined || n === 0) return undefined;
    if (!contains(context, entry, n)) return undefined;
    const { high, low, epoch } = entry;
    const dot: Dot = { high, low, epoch, n, kind, path, payload };
    if (i > 0 && compareDots(dots[i - 1]!, dot) >= 0) return undefined;
    dots[i] = dot;
  }
  return dots;
}
