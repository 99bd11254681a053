/**
 * An identity as bytes: one copy of it, as it stands in a file of its own.
 *
 *     0      4    5       6      14      22           30         38          46     62
 *     ┌──────┬────┬───────┬──────┬───────┬────────────┬──────────┬───────────┬──────┬─ ─ ─┬─────┐
 *     │ GrId │ 02 │ flags │ copy │ actor │ generation │ leaseEnd │ bootFloor │ rows │texts│ crc │
 *     └──────┴────┴───────┴──────┴───────┴────────────┴──────────┴───────────┴──────┴─ ─ ─┴─────┘
 *       magic version      number  hi lo                                               CRC-32C
 *
 * Integers are big-endian; the texts are `clusterId`, `nodeId`, `place` and `layout`, each UTF-8
 * behind its length as a varint. The flags are 1 for clean, 4 for not settled, 8 when such a one
 * may know a later era than its rows, and 2 when `rows` are known: the name of their store, eight
 * bytes, and their writes, u64; both zero otherwise. The checksum is over everything before it, and
 * the file ends behind it:
 *
 *     47 72 49 64  02  01  00 00 00 00 00 00 00 02 ...  02 63 31  02 6e 31  00  00  xx xx xx xx
 *     magic        v2  clean                 copy 2     "c1"      "n1"      ""  ""
 *
 * Version 1 has neither `rows`, so that its texts begin at 46, nor `layout`. Version 3 is version 2
 * with flag 4, and is written only where that is set: a release that does not know the flag must
 * not start on such a directory, and may start on any other.
 *
 * Magic, version and checksum stay where they are in every version to come. So a copy of a later
 * version is told from a damaged one, and is never overwritten by a program that cannot read it.
 */
import { assert } from "../base/assert.ts";
import { ByteReader, ByteWriter } from "../base/bytes.ts";
import { crc32c } from "../base/crc32c.ts";
import { utf8Decode, utf8Encode } from "../base/utf8.ts";
import { EPOCH_MAX } from "../causality/actor.ts";
import { STORE_NAME_BYTES, type StoreMark } from "../storage/store-mark.ts";
import type { Identity } from "./identity.ts";

export const IDENTITY_VERSION = 3;
/** More than any copy has: a file that is longer is none. */
export const IDENTITY_BYTES_MAX: number = 4096;

const MAGIC = 0x47724964;
const FLAG_CLEAN = 1;
const FLAG_ROWS = 2;
const FLAG_UNSETTLED = 4;
const FLAG_LATER_ERA = 8;
/** Of all identities that are settled. */
const SETTLED_VERSION = 2;
const NO_STORE = new Uint8Array(STORE_NAME_BYTES);
const HEAD_BYTES = 6;
const CRC_BYTES = 4;
const TEXT_BYTES_MAX = 1024;

/** Copies are numbered as they are written: of two, the higher one is the later. */
export interface IdentityCopy {
  readonly copy: number;
  readonly identity: Identity;
}

export function encodeIdentity({ copy, identity }: IdentityCopy): Uint8Array {
  const writer = new ByteWriter();
  writer.u32(MAGIC);
  const { rows, isClean, isSettled, hasLaterEra } = identity;
  writer.u8(isSettled ? SETTLED_VERSION : IDENTITY_VERSION);
  const flags = (isClean ? FLAG_CLEAN : 0) | (rows === undefined ? 0 : FLAG_ROWS);
  const doubts = FLAG_UNSETTLED | (hasLaterEra === true ? FLAG_LATER_ERA : 0);
  writer.u8(isSettled ? flags : flags | doubts);
  writer.u64(copy);
  writer.u32(identity.actor.high);
  writer.u32(identity.actor.low);
  writer.u64(identity.generation);
  writer.u64(identity.leaseEnd);
  writer.u64(identity.bootFloor);
  writer.raw(rows?.store ?? NO_STORE);
  writer.u64(rows?.writes ?? 0);
  for (const text of [identity.clusterId, identity.nodeId, identity.place, identity.layout]) {
    const bytes = utf8Encode(text);
    assert(bytes.length <= TEXT_BYTES_MAX, `${bytes.length} bytes of text in an identity`);
    writer.blob(bytes);
  }
  writer.u32(crc32c(writer.bytes, 0, writer.length, 0));
  return writer.finish();
}

/** Undefined when these bytes are no copy, or no longer one; a number is a later version. */
export function decodeIdentity(bytes: Uint8Array): IdentityCopy | number | undefined {
  if (bytes.length < HEAD_BYTES + CRC_BYTES || bytes.length > IDENTITY_BYTES_MAX) return undefined;
  const end = bytes.length - CRC_BYTES;
  if (new ByteReader(bytes, end).u32() !== crc32c(bytes, 0, end, 0)) return undefined;
  const reader = new ByteReader(bytes, 0, end);
  if (reader.u32() !== MAGIC) return undefined;
  const version = reader.u8();
  if (version > IDENTITY_VERSION) return version;
  return version === 0 ? undefined : decodeFields(reader, version);
}

function decodeFields(reader: ByteReader, version: number): IdentityCopy | undefined {
  const flags = reader.u8();
  const copy = reader.u64();
  const actor = { high: reader.i32(), low: reader.i32() };
  const generation = reader.u64();
  const leaseEnd = reader.u64();
  const bootFloor = reader.u64();
  const rows = version === 1 ? undefined : rowsOf(reader, (flags & FLAG_ROWS) !== 0);
  const clusterId = textOf(reader);
  const nodeId = textOf(reader);
  const place = textOf(reader);
  const layout = version === 1 ? "" : textOf(reader);
  const isSettled = version <= SETTLED_VERSION;
  const known = flags & (isSettled ? ~0 : ~(FLAG_UNSETTLED | FLAG_LATER_ERA));
  const flagsMax = version === 1 ? FLAG_CLEAN : FLAG_CLEAN | FLAG_ROWS;
  if (!reader.finished || known > flagsMax || copy === 0) return undefined;
  if (!isSettled && (flags & FLAG_UNSETTLED) === 0) return undefined;
  if (leaseEnd > EPOCH_MAX || bootFloor >= leaseEnd) return undefined;
  if (clusterId === undefined || nodeId === undefined) return undefined;
  if (place === undefined || layout === undefined) return undefined;
  const isClean = (flags & FLAG_CLEAN) !== 0;
  const numbers = { actor, generation, leaseEnd, bootFloor };
  const state = { isClean, isSettled, place, rows, layout };
  const identity = { clusterId, nodeId, ...numbers, ...state };
  if ((flags & FLAG_LATER_ERA) === 0) return { copy, identity };
  return { copy, identity: { ...identity, hasLaterEra: true } };
}

function rowsOf(reader: ByteReader, areKnown: boolean): StoreMark | undefined {
  const store = reader.raw(STORE_NAME_BYTES).slice();
  const writes = reader.u64();
  return areKnown ? { store, writes } : undefined;
}

function textOf(reader: ByteReader): string | undefined {
  const bytes = reader.blob();
  return bytes.length > TEXT_BYTES_MAX ? undefined : utf8Decode(bytes);
}
