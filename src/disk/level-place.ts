/**
 * Where things lie in LevelDB, which has no limit for the length of a key:
 *
 *     row    [partition u16 | key]             the sealed row
 *     list   [partition u16 | 0 | index u32]   the sealed key: which was the index-th of the
 *                                              partition
 *
 * No key begins with a zero, so no row lies in a list, and the list of a partition lies before its
 * rows.
 */
const LIST = "\0";
const LIST_PLACE_BYTES = 7;

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

/** Behind the list of a partition and before its rows. */
export function behindList(partition: number): string {
  return placesOf(partition) + String.fromCharCode(LIST.charCodeAt(0) + 1);
}
