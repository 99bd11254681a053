/**
 * Plain values: the view of a record's registers at the empty path.
 *
 *     payload of a register     milliseconds u48 | tick u16 | value bytes
 *
 * Concurrent registers are siblings. They are listed newest first. Two siblings with equal bytes
 * are shown as one (a retried put may have left both); the context covers both dots, so the next
 * write replaces both. Folding happens only here, in the view: a join that folded would not be a
 * join (two copies with equal vectors could keep different dots).
 */
import { bytesEqual, momentaryBytes } from "../base/bytes.ts";
import type { Context } from "./context.ts";
import type { HybridTime } from "./hybrid-time.ts";
import { compareTimes, TIME_ZERO, timeAfter } from "./hybrid-time.ts";
import type { Dot, Record } from "./record.ts";
import { compareDots, REGISTER } from "./record.ts";
import { contains } from "./context.ts";

export interface Sibling {
  readonly value: Uint8Array;
  /** When the coordinator of its write stamped it: milliseconds of the hybrid time. */
  readonly writtenMs: number;
}

const TIME_BYTES = 8;
const LOW_32 = 0x1_0000_0000;

export function registerPayload(time: HybridTime, value: Uint8Array): Uint8Array {
  const payload = momentaryBytes(TIME_BYTES + value.length);
  const low = time.ms % LOW_32;
  const high = (time.ms - low) / LOW_32;
  payload[0] = high >>> 8;
  payload[1] = high;
  payload[2] = low >>> 24;
  payload[3] = low >>> 16;
  payload[4] = low >>> 8;
  payload[5] = low;
  payload[6] = time.tick >>> 8;
  payload[7] = time.tick;
  payload.set(value, TIME_BYTES);
  return payload;
}

export function registerTime(payload: Uint8Array): HybridTime {
  if (payload.length < TIME_BYTES) return TIME_ZERO;
  const high = payload[0]! * 0x100 + payload[1]!;
  const low = ((payload[2]! << 24) | (payload[3]! << 16) | (payload[4]! << 8) | payload[5]!) >>> 0;
  return { ms: high * LOW_32 + low, tick: payload[6]! * 0x100 + payload[7]! };
}

export function registerValue(payload: Uint8Array): Uint8Array {
  return payload.subarray(TIME_BYTES);
}

/** The time for a write that replaces or joins what this record holds. */
export function nextTime(record: Record, wallMs: number): HybridTime {
  let seen = TIME_ZERO;
  for (const dot of record.dots) {
    if (!isValue(dot)) continue;
    const time = registerTime(dot.payload);
    if (compareTimes(time, seen) > 0) seen = time;
  }
  return timeAfter(wallMs, seen);
}

/** The live values, newest first, equal ones once. */
export function siblingsOf(record: Record): readonly Sibling[] {
  const values = record.dots.filter(isValue);
  if (values.length > 1) values.sort(newestFirst);
  const siblings: Sibling[] = [];
  for (const dot of values) {
    const value = registerValue(dot.payload);
    if (siblings.some((sibling) => bytesEqual(sibling.value, value))) continue;
    siblings.push({ value, writtenMs: registerTime(dot.payload).ms });
  }
  return siblings;
}

/** What would stay beside a write that covers this context. */
export function remainder(
  record: Record,
  covered: Context,
): { readonly count: number; readonly bytes: number } {
  let count = 0;
  let bytes = 0;
  for (const dot of record.dots) {
    if (contains(covered, dot, dot.n)) continue;
    count++;
    bytes += dot.payload.length;
  }
  return { count, bytes };
}

function isValue(dot: Dot): boolean {
  return dot.kind === REGISTER && dot.path === "";
}

function newestFirst(left: Dot, right: Dot): number {
  const order = compareTimes(registerTime(right.payload), registerTime(left.payload));
  return order !== 0 ? order : compareDots(right, left);
}
