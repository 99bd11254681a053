/**
 * The small things that frames are made of, beside integers.
 *
 *     name    03 6e 6f 64     a node id, a cluster id: 1 to 64 characters of A-Z a-z 0-9 . _ -
 *     text    03 6e c3 a9     UTF-8 for people, within a number of bytes that its field says
 *     bytes   02 00 ff        a length and as many bytes
 *     rest    00 ff           every byte up to the end of the frame
 *
 * Bytes are read as views of the frame. A name is checked on its bytes, before a string is made of
 * them. What a name may hold is what a node id (`checkNodeId`) and a bucket (`checkKey`) may: it
 * needs no escaping in a log line, whoever sent it. Whatever is malformed fails the reader, and is
 * read as empty.
 */
import type { ByteReader, ByteWriter } from "../base/bytes.ts";
import { binaryOf, EMPTY_BYTES } from "../base/bytes.ts";
import { utf8Decode, utf8Encode } from "../base/utf8.ts";

export const NAME_BYTES_MAX = 64;

/** 1 for every byte that a name may hold. */
const NAME_ALPHABET: Uint8Array = alphabetOf(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-",
);

export function isName(bytes: Uint8Array, start: number, end: number): boolean {
  if (end === start || end - start > NAME_BYTES_MAX) return false;
  for (let at = start; at < end; at++) if (NAME_ALPHABET[bytes[at]!] === 0) return false;
  return true;
}

export function readName(reader: ByteReader): string {
  const length = reader.varint();
  const start = reader.offset;
  const end = start + length;
  if (end > reader.end || !isName(reader.bytes, start, end)) {
    reader.fail();
    return "";
  }
  reader.offset = end;
  return binaryOf(reader.bytes, start, end);
}

/** For names that may be missing: a length of zero says so. */
export function readNameOrNone(reader: ByteReader): string {
  if (reader.remaining > 0 && reader.bytes[reader.offset] === 0) {
    reader.offset++;
    return "";
  }
  return readName(reader);
}

/** As much of the text as fits into `bytesMax`, cut between two characters. */
export function writeText(writer: ByteWriter, text: string, bytesMax: number): void {
  const bytes = utf8Encode(text);
  let end = Math.min(bytes.length, bytesMax);
  while (end < bytes.length && (bytes[end]! & 0xc0) === 0x80) end--;
  writer.blob(end === bytes.length ? bytes : bytes.subarray(0, end));
}

export function readText(reader: ByteReader, bytesMax: number): string {
  const length = reader.varint();
  const start = reader.offset;
  const end = start + length;
  const fits = length <= bytesMax && end <= reader.end;
  const text = fits ? utf8Decode(reader.bytes, start, end) : undefined;
  if (text === undefined) {
    reader.fail();
    return "";
  }
  reader.offset = end;
  return text;
}

/**
 * No bytes are always the same no bytes: most requests have no context, and a view is dearer than
 * it looks.
 */
export function readBytes(reader: ByteReader): Uint8Array {
  const length = reader.varint();
  return length === 0 ? EMPTY_BYTES : reader.raw(length);
}

export function readRest(reader: ByteReader): Uint8Array {
  const length = reader.remaining;
  return length === 0 ? EMPTY_BYTES : reader.raw(length);
}

function alphabetOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (let i = 0; i < characters.length; i++) table[characters.charCodeAt(i)] = 1;
  return table;
}
