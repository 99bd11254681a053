/**
 * The causal context as clients carry it: opaque, bound to its key, and authenticated.
 *
 *     mac u64 | version u8 | entries (as in a record)
 *     mac = SipHash-2-4 (secret, version, entries, key)
 *
 * A context says "I have seen these, replace them". Unsealed, anybody could claim to have seen
 * everything, and a put would delete values unread; moved to another key it would do the same by
 * accident. So what does not verify is refused.
 */
import { ByteReader, ByteWriter, momentaryBytes } from "../base/bytes.ts";
import type { SipKey } from "../base/siphash.ts";
import { sipHash } from "../base/siphash.ts";
import type { Context } from "./context.ts";
import { entriesBytes, readContext, writeEntries } from "./record-codec.ts";

const VERSION = 1;
const MAC_BYTES = 8;

export function sealContext(secret: SipKey, key: string, context: Context): Uint8Array {
  const end = MAC_BYTES + 1 + entriesBytes(context);
  const writer = new ByteWriter(momentaryBytes(end + 2 + key.length));
  writer.u32(0);
  writer.u32(0);
  writer.u8(VERSION);
  writeEntries(writer, context);
  // The key is authenticated, not carried: it stands behind the token only while the code is
  // computed.
  writer.binary(key);
  const mac = sipHash(secret, writer.bytes, MAC_BYTES, writer.length);
  writer.patchU32(0, mac.hi);
  writer.patchU32(4, mac.lo);
  return writer.bytes.subarray(0, end);
}

/**
 * The context inside a token; undefined when it was not sealed for this key, or has too many
 * entries.
 */
export function openContext(
  secret: SipKey,
  key: string,
  token: Uint8Array,
  entriesMax: number,
): Context | undefined {
  if (token.length < MAC_BYTES + 2) return undefined;
  const writer = new ByteWriter(momentaryBytes(token.length + 2 + key.length));
  writer.raw(token);
  writer.binary(key);
  const mac = sipHash(secret, writer.bytes, MAC_BYTES, writer.length);
  const reader = new ByteReader(token);
  const high = reader.u32();
  const low = reader.u32();
  if (high !== mac.hi >>> 0 || low !== mac.lo >>> 0) return undefined;
  if (reader.u8() !== VERSION) return undefined;
  const context = readContext(reader, entriesMax);
  return reader.finished ? context : undefined;
}
