/**
 * The manifest says which segments there are, so that a lost one is missed and a left-over one is
 * not believed. The bytes are drawn in `docs/log-format.md`.
 */
import { ByteReader, ByteWriter } from "../../base/bytes.ts";
import { crc32c } from "../../base/crc32c.ts";
import type { Place } from "./place.ts";
import { LOG_VERSION, STORE_BYTES } from "./segment.ts";

export interface ManifestSegment {
  readonly number: number;
  readonly isSealed: boolean;
  readonly first: number;
  /** Its length when sealed; of the active one, so much was durable for certain. */
  readonly bytes: number;
}

export interface Manifest {
  readonly store: Uint8Array;
  readonly generation: number;
  /** Records of unknown keys were lost before this place. */
  readonly loss: Place | undefined;
  /** Ascending by number. */
  readonly segments: readonly ManifestSegment[];
}

const MAGIC = 0x47524d4d;
const ACTIVE = 0;
const SEALED = 1;
const SEGMENT_BYTES = 15;
const HEAD_BYTES = 4 + 2;
const CHECKSUM_BYTES = 4;
const FIXED_BYTES = HEAD_BYTES + STORE_BYTES + 6 + 8 + 4 + CHECKSUM_BYTES;

export function encodeManifest({ store, generation, loss, segments }: Manifest): Uint8Array {
  const writer = new ByteWriter(new Uint8Array(FIXED_BYTES + segments.length * SEGMENT_BYTES));
  writer.u32(MAGIC);
  writer.u16(LOG_VERSION);
  writer.raw(store);
  writer.u48(generation);
  writer.u32(loss?.segment ?? 0);
  writer.u32(loss?.offset ?? 0);
  writer.u32(segments.length);
  for (const { number, isSealed, first, bytes } of segments) {
    writer.u32(number);
    writer.u8(isSealed ? SEALED : ACTIVE);
    writer.u48(first);
    writer.u32(bytes);
  }
  writer.u32(crc32c(writer.bytes, 0, writer.length, 0));
  return writer.filled();
}

/** A version that this program does not know is a problem to tell, and no damage. */
export function decodeManifest(
  bytes: Uint8Array,
): Manifest | { readonly version: number } | undefined {
  if (bytes.length < HEAD_BYTES + CHECKSUM_BYTES) return undefined;
  const checkedBytes = bytes.length - CHECKSUM_BYTES;
  if (new ByteReader(bytes, checkedBytes).u32() !== crc32c(bytes, 0, checkedBytes, 0)) {
    return undefined;
  }
  const reader = new ByteReader(bytes);
  if (reader.u32() !== MAGIC) return undefined;
  const version = reader.u16();
  return version === LOG_VERSION ? decodeVersion1(reader) : { version };
}

function decodeVersion1(reader: ByteReader): Manifest | undefined {
  const store = reader.raw(STORE_BYTES).slice();
  const generation = reader.u48();
  const lost = { segment: reader.u32(), offset: reader.u32() };
  const loss = lost.segment === 0 ? undefined : lost;
  const count = reader.u32();
  if (reader.remaining !== count * SEGMENT_BYTES + CHECKSUM_BYTES) return undefined;
  const segments: ManifestSegment[] = [];
  for (let i = 0; i < count; i++) {
    const number = reader.u32();
    const isSealed = reader.u8() === SEALED;
    segments.push({ number, isSealed, first: reader.u48(), bytes: reader.u32() });
  }
  return { store, generation, loss, segments };
}
