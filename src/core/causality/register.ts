/**
 * Plain values: the view of a record's registers at the empty path.
 *
 *     payload of a register             milliseconds u48 | tick u16 | value bytes
 *     payload of one that expires       milliseconds u48 | tick u16 | expires u48 | value bytes
 *
 * Concurrent registers are siblings. They are listed newest first. Two siblings with equal bytes
 * are shown as one (a retried put may have left both); the context covers both dots, so the next
 * write replaces both. Folding happens only here, in the view: a join that folded would not be a
 * join (two copies with equal vectors could keep different dots).
 *
 * A value expires at a moment that its coordinator has fixed, and in the same way: it is not shown
 * any more, and its dot stays. A payload is in no digest, so owners whose clocks differ hold the
 * same all the time.
 */
import { bytesEqual, momentaryBytes } from "../base/bytes.ts";
import type { Context } from "./context.ts";
import type { HybridTime } from "./hybrid-time.ts";
import { compareTimes, TIME_ZERO, timeAfter } from "./hybrid-time.ts";
import type { Dot, Record } from "./record.ts";
import { compareDots, EXPIRING, REGISTER } from "./record.ts";
import { contains, withDot } from "./context.ts";

export interface Sibling {
  readonly value: Uint8Array;
  /** When the coordinator of its write stamped it: milliseconds of the hybrid time. */
  readonly writtenMs: number;
}

const TIME_BYTES = 8;
const EXPIRING_HEAD_BYTES = 14;
const LOW_32 = 0x1_0000_0000;

export function registerPayload(time: HybridTime, value: Uint8Array): Uint8Array {
  const payload = momentaryBytes(TIME_BYTES + value.length);
  putTime(payload, time);
  payload.set(value, TIME_BYTES);
  return payload;
}

export function expiringPayload(
  time: HybridTime,
  expiresMs: number,
  value: Uint8Array,
): Uint8Array {
  const payload = momentaryBytes(EXPIRING_HEAD_BYTES + value.length);
  putTime(payload, time);
  putMilliseconds(payload, TIME_BYTES, expiresMs);
  payload.set(value, EXPIRING_HEAD_BYTES);
  return payload;
}

export function registerTime(payload: Uint8Array): HybridTime {
  if (payload.length < TIME_BYTES) return TIME_ZERO;
  return { ms: millisecondsAt(payload, 0), tick: payload[6]! * 0x100 + payload[7]! };
}

export function registerValue({ kind, payload }: Dot): Uint8Array {
  return payload.subarray(kind === EXPIRING ? EXPIRING_HEAD_BYTES : TIME_BYTES);
}

/** When the value of this dot is gone; Infinity when it stays. */
export function expiryOf({ kind, payload }: Dot): number {
  if (kind !== EXPIRING) return Number.POSITIVE_INFINITY;
  // Too short to say: gone at once, since it can hold no value either.
  return payload.length < EXPIRING_HEAD_BYTES ? 0 : millisecondsAt(payload, TIME_BYTES);
}

export function isExpired(dot: Dot, wallMs: number): boolean {
  return dot.kind === EXPIRING && expiryOf(dot) <= wallMs;
}

/** Whether nothing in it is, or will be, alive. A record that knows nothing is not over. */
export function isOver(record: Record, wallMs: number): boolean {
  return record.context.length > 0 && record.dots.every((dot) => isExpired(dot, wallMs));
}

/** The context, and whatever has expired in the record. */
export function withExpired(context: Context, record: Record, wallMs: number): Context {
  let covered = context;
  for (const dot of record.dots) {
    if (isExpired(dot, wallMs)) covered = withDot(covered, dot, dot.n);
  }
  return covered;
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
export function siblingsOf(record: Record, wallMs: number): readonly Sibling[] {
  const values = record.dots.filter((dot) => isValue(dot) && !isExpired(dot, wallMs));
  if (values.length > 1) values.sort(newestFirst);
  const siblings: Sibling[] = [];
  for (const dot of values) {
    const value = registerValue(dot);
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
  return (dot.kind === REGISTER || dot.kind === EXPIRING) && dot.path === "";
}

function newestFirst(left: Dot, right: Dot): number {
  const order = compareTimes(registerTime(right.payload), registerTime(left.payload));
  return order !== 0 ? order : compareDots(right, left);
}

function putTime(payload: Uint8Array, { ms, tick }: HybridTime): void {
  putMilliseconds(payload, 0, ms);
  payload[6] = tick >>> 8;
  payload[7] = tick;
}

function putMilliseconds(payload: Uint8Array, at: number, ms: number): void {
  const low = ms % LOW_32;
  const high = (ms - low) / LOW_32;
  payload[at] = high >>> 8;
  payload[at + 1] = high;
  payload[at + 2] = low >>> 24;
  payload[at + 3] = low >>> 16;
  payload[at + 4] = low >>> 8;
  payload[at + 5] = low;
}

function millisecondsAt(payload: Uint8Array, at: number): number {
  const high = payload[at]! * 0x100 + payload[at + 1]!;
  const middle = (payload[at + 2]! << 24) | (payload[at + 3]! << 16);
  return high * LOW_32 + ((middle | (payload[at + 4]! << 8) | payload[at + 5]!) >>> 0);
}
