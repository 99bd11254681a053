/**
 * Keys inside frames: the length, then the binary string as it is, one byte for each character.
 *
 *     0c 63 61 72 74 73 2f 75 73 65 72 3a 37        "carts/user:7"
 *
 * What is read is a key that `keyOf` could have made, checked on its bytes in one pass: no string
 * is made, and none is cut into bucket and user key, for bytes that turn out not to be one.
 */
import type { ByteReader, ByteWriter } from "../base/bytes.ts";
import { binaryOf } from "../base/bytes.ts";
import type { Key } from "../ring/key.ts";
import { BUCKET_LENGTH_MAX, USER_KEY_BYTES_MAX } from "../ring/key.ts";
import { isName } from "./field-codec.ts";

const SLASH = 0x2f;
const NO_KEY = "" as Key;

export function writeKey(writer: ByteWriter, key: Key): void {
  writer.binary(key);
}

/** The key behind its length; anything else fails the reader. */
export function readKey(reader: ByteReader): Key {
  const length = reader.varint();
  const start = reader.offset;
  const end = start + length;
  if (end > reader.end || !isKey(reader.bytes, start, end)) {
    reader.fail();
    return NO_KEY;
  }
  reader.offset = end;
  return binaryOf(reader.bytes, start, end) as Key;
}

function isKey(bytes: Uint8Array, start: number, end: number): boolean {
  const bucketEndMax = Math.min(end, start + BUCKET_LENGTH_MAX + 1);
  let slash = start;
  while (slash < bucketEndMax && bytes[slash] !== SLASH) slash++;
  if (slash === bucketEndMax || !isName(bytes, start, slash)) return false;
  const userKeyBytes = end - slash - 1;
  return userKeyBytes >= 1 && userKeyBytes <= USER_KEY_BYTES_MAX;
}
