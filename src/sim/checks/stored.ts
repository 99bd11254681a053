/**
 * How a checker reads what nodes store and send: opened, and each array of bytes only once.
 *
 * Rows and deltas never change after they were handed over, so the bytes themselves are the name
 * under which the opened record is remembered. Ten checkers may look at one row for the price of
 * one.
 */
import { assert } from "../../core/base/assert.ts";
import { utf8Decode } from "../../core/base/utf8.ts";
import type { Dot, Record } from "../../core/causality/record.ts";
import { EMPTY_RECORD } from "../../core/causality/record.ts";
import { decodeRecord } from "../../core/causality/record-codec.ts";
import { registerValue } from "../../core/causality/register.ts";
import { contains } from "../../core/causality/context.ts";
import { decodeHintRow } from "../../core/handoff/hint-row.ts";
import { decodeRow } from "../../core/replica/row.ts";
import type { Key } from "../../core/ring/key.ts";
import type { NodeId } from "../../core/ring/node-id.ts";
import type { RowRead } from "../../core/storage/engine.ts";
import { DAMAGED } from "../../core/storage/engine.ts";
import type { RunView } from "../checker.ts";

const openedRows = new WeakMap<Uint8Array, Record>();
const openedDeltas = new WeakMap<Uint8Array, Record>();

/** The record in a row; the empty one when there is no row, undefined when it cannot be read. */
export function recordOf(row: RowRead): Record | undefined {
  if (row === DAMAGED) return undefined;
  if (row === undefined) return EMPTY_RECORD;
  let record = openedRows.get(row);
  if (record === undefined) {
    record = decodeRow(row)?.record;
    assert(record !== undefined, `a node stored a row of ${row.length} bytes that is no row`);
    openedRows.set(row, record);
  }
  return record;
}

/** The record in a `write` message: a new dot, if any, and what it replaces. */
export function deltaOf(bytes: Uint8Array): Record {
  let record = openedDeltas.get(bytes);
  if (record === undefined) {
    record = decodeRecord(bytes);
    assert(record !== undefined, `a node sent a delta of ${bytes.length} bytes that is no record`);
    openedDeltas.set(bytes, record);
  }
  return record;
}

/** Everything that the owners of a key know together, as they would answer a read of all. */
export function ownersRecord(run: RunView, key: Key): Record {
  return unionOf(run, key, (node) => run.row(node, key));
}

/**
 * The same, of what is sure to be left if all of them crash: a row that cannot be read now is not
 * counted on, though a crash might bring back the one before it. What others keep for owners that
 * cannot be reached is left too.
 */
export function durableRecord(run: RunView, key: Key): Record {
  let record = unionOf(run, key, (node) => {
    return run.row(node, key) === DAMAGED ? DAMAGED : run.durableRow(node, key);
  });
  for (const node of run.nodes) {
    const hint = hintOf(run.durableHint(node, key));
    if (hint !== undefined) record = record.join(hint.record);
  }
  return record;
}

export interface Hint {
  readonly targets: ReadonlySet<NodeId>;
  readonly record: Record;
}

/** What a node keeps for owners that cannot be reached. */
export function hintOf(row: RowRead): Hint | undefined {
  if (row === undefined || row === DAMAGED) return undefined;
  const hint = decodeHintRow(row);
  const record = hint === undefined ? undefined : decodeRecord(hint.record);
  assert(record !== undefined, `a node stored ${row.length} bytes that are no hint`);
  return { targets: new Set(hint!.targets), record };
}

export function valueOf(dot: Dot): string {
  return utf8Decode(registerValue(dot)) ?? "(not text)";
}

export function isLive(record: Record, dot: Dot): boolean {
  return record.dots.some((live) => sameDot(live, dot));
}

/** The record knows the dot, and knows that it was replaced or deleted. */
export function isGone(record: Record, dot: Dot): boolean {
  return contains(record.context, dot, dot.n) && !isLive(record, dot);
}

export function sameDot(left: DotName, right: DotName): boolean {
  return (
    left.n === right.n &&
    left.epoch === right.epoch &&
    left.low === right.low &&
    left.high === right.high
  );
}

/** What tells one dot from another. */
type DotName = Pick<Dot, "high" | "low" | "epoch" | "n">;

function unionOf(run: RunView, key: Key, rowOf: (node: NodeId) => RowRead): Record {
  let union = EMPTY_RECORD;
  for (const owner of run.owners(key)) {
    const record = recordOf(rowOf(owner));
    if (record !== undefined) union = union.join(record);
  }
  return union;
}
