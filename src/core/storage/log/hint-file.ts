/**
 * A hint file: where the records of a sealed segment lie that were current when it was written, so
 * that a start need not read the rows, and which keys the segment removes. Drawn in
 * `docs/log-format.md`.
 */
import { ByteReader, ByteWriter } from "../../base/bytes.ts";
import { crc32c } from "../../base/crc32c.ts";
import type { Key } from "../../ring/key.ts";
import { LOG_VERSION } from "./segment.ts";

const MAGIC = 0x47524d48;
const HEAD_BYTES = 14;
const TAIL_BYTES = 10;
const FIRST_BYTES = 64 * 1024;

/** Fills up while a segment is read. */
export class HintWriter {
  readonly #writer = new ByteWriter(FIRST_BYTES);

  constructor(segment: number, segmentBytes: number) {
    const writer = this.#writer;
    writer.u32(MAGIC);
    writer.u16(LOG_VERSION);
    writer.u32(segment);
    writer.u32(segmentBytes);
  }

  add(partition: number, key: Key, offset: number, length: number): void {
    const writer = this.#writer;
    writer.u16(partition);
    writer.u32(offset);
    writer.u32(length);
    writer.binary(key);
  }

  finish(lastSequence: number): Uint8Array {
    const writer = this.#writer;
    writer.u48(lastSequence);
    writer.u32(crc32c(writer.bytes, 0, writer.length, 0));
    return writer.finish();
  }
}

/** Who reads the entries of a hint file hears of them one after the other. */
export type HintVisitor = (partition: number, key: Key, offset: number, length: number) => void;

/**
 * Visits every entry and answers the last sequence number of the segment; nothing is visited when
 * the bytes are not the hint file of a segment with this number and length.
 */
export function readHints(
  bytes: Uint8Array,
  segment: number,
  segmentBytes: number,
  visit: HintVisitor,
): number | undefined {
  const entriesEnd = bytes.length - TAIL_BYTES;
  if (entriesEnd < HEAD_BYTES) return undefined;
  const tail = new ByteReader(bytes, entriesEnd);
  const lastSequence = tail.u48();
  if (tail.u32() !== crc32c(bytes, 0, bytes.length - 4, 0)) return undefined;
  const reader = new ByteReader(bytes, 0, entriesEnd);
  if (reader.u32() !== MAGIC || reader.u16() !== LOG_VERSION) return undefined;
  if (reader.u32() !== segment || reader.u32() !== segmentBytes) return undefined;
  while (!reader.finished && !reader.failed) {
    const partition = reader.u16();
    const offset = reader.u32();
    const length = reader.u32();
    const key = reader.binary() as Key;
    if (!reader.failed) visit(partition, key, offset, length);
  }
  return lastSequence;
}
