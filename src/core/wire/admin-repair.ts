/**
 * What operators ask of a node about anti-entropy, over a client's connection.
 *
 *     repair-ask  │ id u64 │ order u8 │ partition │ from │
 *     repair-told │ id u64 │ generation │ pairs │ proven │ oldest │ eta │ moved │ unchanged │
 *                 │ count │ count × ( state u8 │ left ) │ count │ count × pair │ next │
 *
 *     pair = partition │ peer name │ state u8 │ left u8 │ proven │
 *
 *     07   02 6e 31   0a      00         f9 55
 *     7    n1         proven  not left   11,000 ms ago (and one)
 *
 * Numbers that may be missing are one more than they say, and 0 when they are. States that nothing
 * is left in are not told; the others ascend.
 */
import type { ByteWriter } from "../base/bytes.ts";
import { ByteReader } from "../base/bytes.ts";
import type { PairState, PairTold, RepairOrder, RepairReport } from "../repair-orders.ts";
import { PAIR_STATES, PAIRS_TOLD_MAX, REPAIR_ORDERS } from "../repair-orders.ts";
import type { NodeId } from "../ring/node-id.ts";
import { readName } from "./field-codec.ts";
import { FRAME_KIND } from "./frame-kind.ts";
import { beginFrame, endFrame } from "./frame.ts";

export interface RepairAsk {
  readonly id: number;
  readonly order: RepairOrder;
}

export interface RepairTold {
  readonly id: number;
  readonly report: RepairReport;
}

/** A name of one character, and one byte for everything else. */
const PAIR_BYTES_MIN = 6;

export function encodeRepairAsk(writer: ByteWriter, { id, order }: RepairAsk): void {
  const frame = beginFrame(writer, FRAME_KIND.repairAsk);
  writer.u64(id);
  writer.u8(REPAIR_ORDERS.indexOf(order.kind));
  writeMaybe(writer, order.partition);
  writer.varint(order.from);
  endFrame(writer, frame);
}

export function decodeRepairAsk(
  bytes: Uint8Array,
  start: number,
  end: number,
): RepairAsk | undefined {
  const reader = new ByteReader(bytes, start, end);
  const id = reader.u64();
  const kind = REPAIR_ORDERS[reader.u8()];
  const partition = readMaybe(reader);
  const from = reader.varint();
  if (!reader.finished || kind === undefined) return undefined;
  return { id, order: { kind, partition, from } };
}

export function encodeRepairTold(writer: ByteWriter, { id, report }: RepairTold): void {
  const frame = beginFrame(writer, FRAME_KIND.repairTold);
  writer.u64(id);
  writer.varint(report.generation);
  writer.varint(report.pairs);
  writer.varint(report.proven);
  writeMaybe(writer, report.oldestMs);
  writeMaybe(writer, report.etaMs);
  writer.varint(report.keysMoved);
  writer.varint(report.keysUnchanged);
  writer.varint(report.left.size);
  for (const [index, state] of PAIR_STATES.entries()) {
    const count = report.left.get(state);
    if (count === undefined) continue;
    writer.u8(index);
    writer.varint(count);
  }
  writer.varint(report.told.length);
  for (const { partition, peer, state, isLeft, provenMs } of report.told) {
    writer.varint(partition);
    writer.binary(peer);
    writer.u8(PAIR_STATES.indexOf(state));
    writer.u8(isLeft ? 1 : 0);
    writeMaybe(writer, provenMs);
  }
  writeMaybe(writer, report.next);
  endFrame(writer, frame);
}

export function decodeRepairTold(
  bytes: Uint8Array,
  start: number,
  end: number,
): RepairTold | undefined {
  const reader = new ByteReader(bytes, start, end);
  const id = reader.u64();
  const generation = reader.varint();
  const pairs = reader.varint();
  const proven = reader.varint();
  const oldestMs = readMaybe(reader);
  const etaMs = readMaybe(reader);
  const keysMoved = reader.varint();
  const keysUnchanged = reader.varint();
  const left = readLeft(reader);
  const told = readPairs(reader);
  const next = readMaybe(reader);
  if (!reader.finished || left === undefined || told === undefined) return undefined;
  const numbers = { generation, pairs, proven, oldestMs, etaMs, keysMoved, keysUnchanged };
  return { id, report: { ...numbers, left, told, next } };
}

function readLeft(reader: ByteReader): ReadonlyMap<PairState, number> | undefined {
  const left = new Map<PairState, number>();
  let before = -1;
  for (let count = reader.varint(); count > 0; count--) {
    const index = reader.u8();
    const state = PAIR_STATES[index];
    // One value has one form.
    if (reader.failed || state === undefined || index <= before) return undefined;
    before = index;
    left.set(state, reader.varint());
  }
  return left;
}

function readPairs(reader: ByteReader): readonly PairTold[] | undefined {
  const count = reader.varint();
  if (count > PAIRS_TOLD_MAX || count * PAIR_BYTES_MIN > reader.remaining) return undefined;
  const told: PairTold[] = [];
  for (let i = 0; i < count; i++) {
    const partition = reader.varint();
    const peer = readName(reader) as NodeId;
    const state = PAIR_STATES[reader.u8()];
    const left = reader.u8();
    const provenMs = readMaybe(reader);
    if (reader.failed || state === undefined || left > 1) return undefined;
    told.push({ partition, peer, state, isLeft: left === 1, provenMs });
  }
  return told;
}

function writeMaybe(writer: ByteWriter, value: number | undefined): void {
  writer.varint(value === undefined ? 0 : value + 1);
}

function readMaybe(reader: ByteReader): number | undefined {
  const value = reader.varint();
  return value === 0 ? undefined : value - 1;
}
