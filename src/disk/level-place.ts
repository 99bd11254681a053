/**
 * Where things lie in LevelDB, which has no limit for the length of a key:
 *
 *     row     [partition u16 | key]             the sealed row
 *     list    [partition u16 | 0 | index u32]   the sealed key that has this index in its partition
 *     index   [partition u16 | 1 | key]         and the sealed index, u32, of the key
 *
 * No key begins with a zero or a one, so no row lies in a list or among the indices, and the list
 * of a partition lies before those and its rows.
 */
import type { Key } from "../core/ring/key.ts";

const LIST = "\0";
const INDEX = "\x01";
const ROWS = "\x02";
const LIST_PLACE_BYTES = 7;
const INDEX_BYTES = 4;

export function placesOf(partition: number): string {
  return String.fromCharCode(partition >>> 8, partition & 0xff);
}

/** Where it stands which key was the index-th of its partition. */
export function listPlace(partition: number, index: number): string {
  const place = String.fromCharCode(
    index >>> 24,
    (index >>> 16) & 0xff,
    (index >>> 8) & 0xff,
    index & 0xff,
  );
  return placesOf(partition) + LIST + place;
}

/** The index in such a place; nothing for a place of another kind. */
export function indexOfListPlace(place: string): number | undefined {
  if (place.length !== LIST_PLACE_BYTES || place[2] !== LIST) return undefined;
  return Buffer.from(place, "latin1").readUInt32BE(3);
}

/** Behind the list of a partition and before all else. */
export function behindList(partition: number): string {
  return placesOf(partition) + INDEX;
}

/** The key whose index lies there. */
export function keyOfIndexPlace(place: string): Key {
  return place.slice(behindList(0).length) as Key;
}

/** Behind the indices of all keys of a partition. */
export function behindIndices(partition: number): string {
  return placesOf(partition) + ROWS;
}

/** Where it stands which index a key has. */
export function indexPlace(partition: number, key: Key): string {
  return placesOf(partition) + INDEX + key;
}

export function bytesOfIndex(index: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(INDEX_BYTES);
  bytes.writeUInt32BE(index);
  return bytes;
}

/** Nothing for bytes that are no index. */
export function indexOfBytes(bytes: Uint8Array): number | undefined {
  if (bytes.length !== INDEX_BYTES) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

export function isRowPlace(place: Uint8Array): boolean {
  return place.length > 2 && place[2]! > INDEX.charCodeAt(0);
}
