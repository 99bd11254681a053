/**
 * A row as a library keeps it: behind its checksum, because neither LMDB nor LevelDB looks, when it
 * reads, whether the bytes are the ones it was given.
 *
 *     stored   [CRC-32C of the row u32 | row]
 *
 * What the checksum cannot see is damage to the tree that leads to a row: such a row may look
 * absent.
 */
import { crc32c } from "../core/base/crc32c.ts";
import { DAMAGED, type RowRead } from "../core/storage/engine.ts";

export const SEAL_BYTES = 4;

/** A copy of the row behind its checksum, never changed any more. */
export function sealed(row: Uint8Array): Uint8Array {
  // Cut from a pool: LMDB asks once for the address of a pool and not for that of every row.
  const stored = Buffer.allocUnsafe(SEAL_BYTES + row.length);
  stored.writeUInt32BE(crc32c(row, 0, row.length, 0), 0);
  stored.set(row, SEAL_BYTES);
  return stored;
}

/** The row in its stored bytes, not a copy of it. */
export function unsealed(stored: RowRead): RowRead {
  if (stored === undefined || stored === DAMAGED) return stored;
  if (stored.length < SEAL_BYTES) return DAMAGED;
  const view = new DataView(stored.buffer, stored.byteOffset, stored.length);
  if (view.getUint32(0) !== crc32c(stored, SEAL_BYTES, stored.length, 0)) return DAMAGED;
  // Node.js libraries answer with buffers, and a row is a plain array.
  return new Uint8Array(stored.buffer, stored.byteOffset + SEAL_BYTES, rowLength(stored));
}

/** Also of a row that is damaged: its length is the library's, not in its bytes. */
export function rowLength(stored: Uint8Array): number {
  return Math.max(0, stored.length - SEAL_BYTES);
}
