/**
 * Where the row of a key lies in LMDB, whose keys end at 1978 bytes while ours reach 4161.
 *
 *     short key   [partition u16 | key]                                   up to 1977 bytes
 *     long key    [partition u16 | its first bytes | SHA-256 | slot u8]   always 1978 bytes
 *
 * So the length alone tells which it is. Behind a long place the key stands before the row, because
 * the place does not hold all of it:
 *
 *     stored      [length of the key u16 | key | row]
 *
 * Two long keys of one place are as good as impossible, and cost nothing to get right: the second
 * one takes the next slot. A slot with nothing in it ends the search, so a row that is removed
 * before another one leaves a vacant slot behind: no bytes under a good checksum, where there is
 * always a key otherwise.
 */
import { hash } from "node:crypto";
import { binaryOf } from "../core/base/bytes.ts";
import type { Key } from "../core/ring/key.ts";
import { DAMAGED, type RowEntry } from "../core/storage/engine.ts";
import { SEAL_BYTES, unsealed } from "./library-engine-seal.ts";

export const PLACE_BYTES_MAX = 1978;

const PARTITION_BYTES = 2;
const DIGEST_BYTES = 32;
const BEGINNING_BYTES = PLACE_BYTES_MAX - PARTITION_BYTES - DIGEST_BYTES - 1;
const LENGTH_BYTES = 2;

/** The SHA-256 of a long key, as a binary string; another one only to test collisions. */
export type Digest = (key: Key) => string;

export const digestOf: Digest = (key) => {
  const digest = hash("sha256", Buffer.from(key, "latin1"), "buffer");
  return digest.toString("latin1");
};

export function isLong(key: Key): boolean {
  return PARTITION_BYTES + key.length >= PLACE_BYTES_MAX;
}

export function shortPlace(partition: number, key: Key): string {
  return placesOf(partition) + key;
}

/** The place of slot 0 of a long key, without the slot. */
export function longPlaces(partition: number, key: Key, digest: string): string {
  return placesOf(partition) + key.slice(0, BEGINNING_BYTES) + digest;
}

export function slotPlace(places: string, slot: number): string {
  return places + String.fromCharCode(slot);
}

/** The slot behind the one of this place. */
export function nextSlot(place: string): string {
  return slotPlace(place.slice(0, -1), place.charCodeAt(place.length - 1) + 1);
}

/** Whether nobody's row lies in a slot that is passed on the way to others. */
export function isVacant(place: string, stored: Uint8Array): boolean {
  return isLongPlace(place) && stored.length === SEAL_BYTES && unsealed(stored) !== DAMAGED;
}

export function isLongPlace(place: string): boolean {
  return place.length === PLACE_BYTES_MAX;
}

/** What every place of a partition begins with. */
export function placesOf(partition: number): string {
  return String.fromCharCode(partition >>> 8, partition & 0xff);
}

/** What lies at a place; nothing when it is damaged or vacant. */
export function entryOf(place: string, stored: Uint8Array | undefined): RowEntry | undefined {
  const row = unsealed(stored);
  if (row === undefined || row === DAMAGED) return undefined;
  if (isLongPlace(place) && row.length === 0) return undefined;
  if (isLongPlace(place)) return { key: keyBefore(row), row: rowBehind(row) };
  return { key: place.slice(PARTITION_BYTES) as Key, row };
}

/** The key whose row lies there; of a long one the beginning, which is all that a place tells. */
export function keyAt(place: string): Key {
  const end = isLongPlace(place) ? PARTITION_BYTES + BEGINNING_BYTES : place.length;
  return place.slice(PARTITION_BYTES, end) as Key;
}

/** How long the key before a row is, with its length. */
export function bytesBeforeRow(key: Key): number {
  return LENGTH_BYTES + key.length;
}

export function withKey(key: Key, row: Uint8Array): Uint8Array {
  const stored = Buffer.allocUnsafe(bytesBeforeRow(key) + row.length);
  stored.writeUInt16BE(key.length, 0);
  stored.write(key, LENGTH_BYTES, "latin1");
  stored.set(row, bytesBeforeRow(key));
  return stored;
}

export function keyBefore(stored: Uint8Array): Key {
  return binaryOf(stored, LENGTH_BYTES, rowStart(stored)) as Key;
}

export function rowBehind(stored: Uint8Array): Uint8Array {
  return stored.subarray(rowStart(stored));
}

/** Checked bytes: what a checksum covers has the form it was written in. */
function rowStart(stored: Uint8Array): number {
  return LENGTH_BYTES + stored[0]! * 0x100 + stored[1]!;
}
