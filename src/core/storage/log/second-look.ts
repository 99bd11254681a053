/**
 * A second look at one record that a reader in windows could not read: by itself, as a reader of
 * its key would. A bad sector takes more than itself from who reads more at once, and what a device
 * cannot read now it may read in a moment, which bytes that are wrong never do.
 */
import type { Disk } from "../disk.ts";
import { UNREADABLE } from "../disk.ts";
import { isRowIntact, KIND_ROW, readHead, RECORD_HEAD_BYTES, RecordHead } from "./log-record.ts";
import type { Segment } from "./segment.ts";

const HEAD = new RecordHead();

/** The row at this place; nothing when it is no good row, or no longer one. */
export function lookAgain(
  disk: Disk,
  { file, number, end }: Segment,
  offset: number,
  keyLength: number,
): Uint8Array | typeof UNREADABLE | undefined {
  const start = disk.read(file, offset, RECORD_HEAD_BYTES + keyLength);
  if (start === UNREADABLE) return UNREADABLE;
  if (!readHead(HEAD, start, 0, start.length, number, offset)) return undefined;
  if (offset + HEAD.length > end) return undefined;
  const bytes = disk.read(file, offset, HEAD.length);
  if (bytes === UNREADABLE) return UNREADABLE;
  const isGood = HEAD.kind === KIND_ROW && isRowIntact(HEAD, bytes, 0, bytes.length);
  return isGood ? bytes.subarray(bytes.length - HEAD.rowLength) : undefined;
}
