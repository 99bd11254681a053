/**
 * A segment: one file of the log. The last one grows, all others are sealed and never change again.
 * The head of the file is drawn in `docs/log-format.md`.
 */
import { ByteReader, ByteWriter } from "../../base/bytes.ts";
import { crc32c } from "../../base/crc32c.ts";

export const SEGMENT_HEAD_BYTES = 30;
export const STORE_BYTES = 8;
export const LOG_VERSION = 1;
const MAGIC = 0x47524d53;
const CHECKED_BYTES = SEGMENT_HEAD_BYTES - 4;
const NUMBER_MAX = 0xffff_ffff;
const NAME = /^segment-([0-9]{10})\.(log|hint)$/;

export class Segment {
  readonly number: number;
  /** The sequence number of its first record. */
  readonly first: number;
  readonly file: string;
  readonly hintFile: string;
  /** Where the next record goes; of a sealed one, its length. */
  end: number = SEGMENT_HEAD_BYTES;
  /** So much of it is durable for certain. */
  durable = 0;
  /** Bytes of records that are the current ones of their keys. */
  live = 0;
  /** Bytes of records that remove keys. They count until this is the first segment. */
  removalBytes = 0;
  /** Its file has a head that is durable: only then the manifest may know of it. */
  isBegun = false;
  isSealed = false;
  /** All that is current in it is durable elsewhere: the next manifest is without it. */
  isMoved = false;
  hasHint = false;
  /** A current row in it could not be read, which may pass: kept as it is until the next scrub. */
  isUnreadable = false;
  /** A record was there that removed a key, or may have been, and cannot be read any more. */
  hidesRemovals = false;

  constructor(number: number, first: number) {
    this.number = number;
    this.first = first;
    this.file = segmentFile(number);
    this.hintFile = fileName(number, "hint");
  }
}

export interface SegmentHead {
  readonly number: number;
  readonly first: number;
  readonly store: Uint8Array;
}

export function encodeSegmentHead({ number, first, store }: SegmentHead): Uint8Array {
  const writer = new ByteWriter(new Uint8Array(SEGMENT_HEAD_BYTES));
  writer.u32(MAGIC);
  writer.u16(LOG_VERSION);
  writer.u16(0);
  writer.u32(number);
  writer.u48(first);
  writer.raw(store);
  writer.u32(crc32c(writer.bytes, 0, CHECKED_BYTES, 0));
  return writer.filled();
}

/** A version that this program does not know is a problem to tell, and no damage. */
export function decodeSegmentHead(
  bytes: Uint8Array,
): SegmentHead | { readonly version: number } | undefined {
  if (bytes.length < SEGMENT_HEAD_BYTES) return undefined;
  const reader = new ByteReader(bytes, 0, SEGMENT_HEAD_BYTES);
  const magic = reader.u32();
  const version = reader.u16();
  reader.u16();
  const number = reader.u32();
  const first = reader.u48();
  const store = reader.raw(STORE_BYTES).slice();
  if (magic !== MAGIC || reader.u32() !== crc32c(bytes, 0, CHECKED_BYTES, 0)) return undefined;
  return version === LOG_VERSION ? { number, first, store } : { version };
}

/** The number in the name of a segment or of its hint file. */
export function segmentNumberOf(file: string): number | undefined {
  const number = Number(NAME.exec(file)?.[1]);
  return number <= NUMBER_MAX ? number : undefined;
}

export function segmentFile(number: number): string {
  return fileName(number, "log");
}

function fileName(number: number, extension: "log" | "hint"): string {
  return `segment-${String(number).padStart(10, "0")}.${extension}`;
}
