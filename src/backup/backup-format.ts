/**
 * The data files of a backup as bytes: `docs/backup-format.md` draws them, and a change here is a
 * change there first.
 *
 *     file    "GRMB" │ version u16 │ 0 u16 │ id u8 x 8 │ number u32 │ checksum u32 │ block …
 *     block   length u32 │ partition u16 │ 0 u16 │ checksum u32 │ entries │ checksum u32
 *     entry   key: varint length, bytes │ record: varint length, bytes
 *
 * Example, the block of one entry, "b/k" with a record of two bytes:
 *
 *     00 00 00 07 | 00 05 | 00 00 | .. .. .. .. | 03 62 2f 6b | 02 01 02 | .. .. .. ..
 *     length        partition 5     of the head   key           record     of the entries
 *
 * The checksum of a file's head begins that of each block's head, which covers where the block lies
 * and begins that of its entries. So bytes that are right in themselves but lie elsewhere than they
 * were written are found too.
 */
import { assert } from "../core/base/assert.ts";
import { ByteReader, ByteWriter } from "../core/base/bytes.ts";
import { crc32c } from "../core/base/crc32c.ts";
import type { Key } from "../core/ring/key.ts";
import { PARTITION_COUNT_MAX } from "../core/ring/slot.ts";
import { readKey, writeKey } from "../core/wire/key-codec.ts";

export const BACKUP_VERSION = 1;
export const FILE_HEAD_BYTES = 24;
export const BLOCK_HEAD_BYTES = 12;
/** Of a block without its entries. */
export const BLOCK_FRAME_BYTES: number = BLOCK_HEAD_BYTES + 4;

const MAGIC = 0x4752_4d42;
const ID_BYTES = 8;
const CHECKSUM_BYTES = 4;

/** An entry inside the bytes of its block. */
export interface BlockEntry {
  readonly key: Key;
  readonly record: Uint8Array;
  /** Where all of the entry lies. */
  readonly start: number;
  readonly end: number;
}

export interface BlockHead {
  /** Of the entries. */
  readonly length: number;
  readonly partition: number;
  /** What the checksum of the entries begins with. */
  readonly checksum: number;
}

export function encodeFileHead(id: Uint8Array, number: number): Uint8Array {
  assert(id.length === ID_BYTES, `a backup's id has ${ID_BYTES} bytes, got ${id.length}`);
  const writer = new ByteWriter(new Uint8Array(FILE_HEAD_BYTES));
  writer.u32(MAGIC);
  writer.u16(BACKUP_VERSION);
  writer.u16(0);
  writer.raw(id);
  writer.u32(number);
  writer.u32(crc32c(writer.bytes, 0, writer.length, 0));
  return writer.filled();
}

/** What the checksums of the blocks of this file begin with. */
export function checksumOfFileHead(head: Uint8Array): number {
  return crc32c(head, 0, FILE_HEAD_BYTES - CHECKSUM_BYTES, 0);
}

/** A block that is being filled. */
export class Block {
  readonly partition: number;
  readonly #writer: ByteWriter = new ByteWriter(64 * 1024);

  constructor(partition: number) {
    this.partition = partition;
    this.clear();
  }

  clear(): void {
    this.#writer.reset();
    for (let at = 0; at < BLOCK_HEAD_BYTES; at++) this.#writer.u8(0);
  }

  get length(): number {
    return this.#writer.length - BLOCK_HEAD_BYTES;
  }

  /** Answers the bytes of the entry: a view that is good until the next one. */
  add(key: Key, record: Uint8Array): Uint8Array {
    const start = this.#writer.length;
    writeKey(this.#writer, key);
    this.#writer.blob(record);
    return this.#writer.bytes.subarray(start, this.#writer.length);
  }

  /** The block as it lies at this offset of a file: a view until the block is cleared. */
  sealed(fileChecksum: number, offset: number): Uint8Array {
    const writer = this.#writer;
    const { length } = this;
    writer.patchU32(0, length);
    writer.patchU32(4, this.partition * 0x1_0000);
    const head = headChecksum(writer.bytes, fileChecksum, offset);
    writer.patchU32(8, head);
    writer.u32(crc32c(writer.bytes, BLOCK_HEAD_BYTES, BLOCK_HEAD_BYTES + length, head));
    return writer.bytes.subarray(0, writer.length);
  }
}

/** Undefined for bytes that are not the head of a block at this place. */
export function decodeBlockHead(
  head: Uint8Array,
  fileChecksum: number,
  offset: number,
): BlockHead | undefined {
  const reader = new ByteReader(head);
  const length = reader.u32();
  const partition = reader.u16();
  const reserved = reader.u16();
  const checksum = reader.u32();
  if (reader.failed || reserved !== 0 || partition >= PARTITION_COUNT_MAX) return undefined;
  if (checksum !== headChecksum(head, fileChecksum, offset)) return undefined;
  return { length, partition, checksum };
}

/** True when these are the entries, with their checksum behind them, of the block of that head. */
export function isBodyOf(head: BlockHead, body: Uint8Array): boolean {
  if (body.length !== head.length + CHECKSUM_BYTES) return false;
  const reader = new ByteReader(body, head.length);
  return reader.u32() === crc32c(body, 0, head.length, head.checksum);
}

/** The entries in bytes[0, length); where they are malformed, undefined, and no more. */
export function* entriesIn(
  body: Uint8Array,
  length: number,
): IterableIterator<BlockEntry | undefined> {
  const reader = new ByteReader(body, 0, length);
  while (reader.remaining > 0) {
    const start = reader.offset;
    const key = readKey(reader);
    const record = reader.blob();
    if (reader.failed) return yield undefined;
    yield { key, record, start, end: reader.offset };
  }
}

function headChecksum(head: Uint8Array, fileChecksum: number, offset: number): number {
  const place = new ByteWriter(new Uint8Array(6));
  place.u48(offset);
  const before = crc32c(place.bytes, 0, 6, fileChecksum);
  return crc32c(head, 0, BLOCK_HEAD_BYTES - CHECKSUM_BYTES, before);
}
