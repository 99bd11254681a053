/**
 * What operators ask of a node about the hints it keeps for others, over a client's connection.
 *
 *     hints-ask  │ id u64 │ order u8 │ target name? │
 *     hints-told │ id u64 │ counted u8 │ count │ count × hints │
 *
 *     hints = target name │ keys │ bytes │ state u8 │ away │ rowsPerSecond │
 *
 *     02 6e 31   b0 09   e0 a7 12   00   c1 a8 a5 04   00
 *     for n1     1,200 keys, 300,000 bytes, waiting, away for 9,000,000 ms (and one), none a second
 *
 * An order is always answered with a list, so that one question and one answer are enough.
 */
import type { ByteWriter } from "../base/bytes.ts";
import { ByteReader } from "../base/bytes.ts";
import type { HintOrder, HintReport, HintsFor } from "../hint-orders.ts";
import { HINT_ORDERS, HINT_STATES } from "../hint-orders.ts";
import type { NodeId } from "../ring/node-id.ts";
import { readName, readNameOrNone } from "./field-codec.ts";
import { FRAME_KIND } from "./frame-kind.ts";
import { beginFrame, endFrame } from "./frame.ts";

export interface HintsAsk {
  readonly id: number;
  readonly order: HintOrder;
}

export interface HintsTold {
  readonly id: number;
  readonly report: HintReport;
}

export const HINT_TARGETS_MAX = 4096;
/** A name of one character, and one byte for everything else. */
const HINTS_BYTES_MIN = 7;

export function encodeHintsAsk(writer: ByteWriter, { id, order }: HintsAsk): void {
  const frame = beginFrame(writer, FRAME_KIND.hintsAsk);
  writer.u64(id);
  writer.u8(HINT_ORDERS.indexOf(order.kind));
  writer.binary(order.kind === "list" ? "" : (order.target ?? ""));
  endFrame(writer, frame);
}

export function decodeHintsAsk(
  bytes: Uint8Array,
  start: number,
  end: number,
): HintsAsk | undefined {
  const reader = new ByteReader(bytes, start, end);
  const id = reader.u64();
  const kind = HINT_ORDERS[reader.u8()];
  const name = readNameOrNone(reader);
  if (!reader.finished || kind === undefined) return undefined;
  const order = orderOf(kind, name === "" ? undefined : (name as NodeId));
  return order === undefined ? undefined : { id, order };
}

/** Of more targets than can be told, those with the fewest keys are left out. */
export function encodeHintsTold(writer: ByteWriter, { id, report }: HintsTold): void {
  const frame = beginFrame(writer, FRAME_KIND.hintsTold);
  const targets = tellable(report.targets);
  writer.u64(id);
  writer.u8(report.isCounted ? 1 : 0);
  writer.varint(targets.length);
  for (const { target, keys, bytes, state, awayMs, rowsPerSecond } of targets) {
    writer.binary(target);
    writer.varint(keys);
    writer.varint(bytes);
    writer.u8(HINT_STATES.indexOf(state));
    writer.varint(awayMs === undefined ? 0 : awayMs + 1);
    writer.varint(rowsPerSecond);
  }
  endFrame(writer, frame);
}

export function decodeHintsTold(
  bytes: Uint8Array,
  start: number,
  end: number,
): HintsTold | undefined {
  const reader = new ByteReader(bytes, start, end);
  const id = reader.u64();
  const counted = reader.u8();
  const count = reader.varint();
  if (counted > 1 || count > HINT_TARGETS_MAX) return undefined;
  if (count * HINTS_BYTES_MIN > reader.remaining) return undefined;
  const targets: HintsFor[] = [];
  for (let i = 0; i < count; i++) {
    const hints = readHintsFor(reader);
    if (hints === undefined) return undefined;
    targets.push(hints);
  }
  if (!reader.finished) return undefined;
  return { id, report: { isCounted: counted === 1, targets } };
}

function orderOf(kind: HintOrder["kind"], target: NodeId | undefined): HintOrder | undefined {
  if (kind === "deliver") return { kind, target };
  if (kind === "list") return target === undefined ? { kind } : undefined;
  return target === undefined ? undefined : { kind, target };
}

function readHintsFor(reader: ByteReader): HintsFor | undefined {
  const target = readName(reader) as NodeId;
  const keys = reader.varint();
  const bytes = reader.varint();
  const state = HINT_STATES[reader.u8()];
  const away = reader.varint();
  const rowsPerSecond = reader.varint();
  if (reader.failed || state === undefined) return undefined;
  const awayMs = away === 0 ? undefined : away - 1;
  return { target, keys, bytes, state, awayMs, rowsPerSecond };
}

function tellable(targets: readonly HintsFor[]): readonly HintsFor[] {
  if (targets.length <= HINT_TARGETS_MAX) return targets;
  return targets.toSorted((one, other) => other.keys - one.keys).slice(0, HINT_TARGETS_MAX);
}
