import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_BYTES } from "../core/base/bytes.ts";
import { Random } from "../core/base/random.ts";
import type { Context } from "../core/causality/context.ts";
import { contains, EMPTY_CONTEXT, entryOf } from "../core/causality/context.ts";
import { decodeRecord, encodeRecord } from "../core/causality/record-codec.ts";
import type { Dot } from "../core/causality/record.ts";
import { EMPTY_RECORD, putDelta, Record, REGISTER } from "../core/causality/record.ts";
import { piecesOf } from "./record-pieces.ts";

function joined(pieces: readonly Uint8Array[]): Record {
  const records = pieces.map((piece) => decodeRecord(piece)!);
  return records.reduce((all, one) => all.join(one), EMPTY_RECORD);
}

function randomRecord(random: Random): Record {
  const context: Context = Array.from({ length: 1 + random.integer(3) }, (_, low) => {
    const n = random.integer(6);
    const from = n + 2 + random.integer(2);
    return entryOf({ high: 0, low, epoch: 1 }, n, [from, from + random.integer(4)]);
  });
  const dots: Dot[] = [];
  for (const { high, low, epoch } of context) {
    for (let n = 1; n < 16; n++) {
      if (random.integer(3) === 0 || !contains(context, { high, low, epoch }, n)) continue;
      dots.push({ high, low, epoch, n, kind: REGISTER, path: "", payload: Uint8Array.of(n) });
    }
  }
  return new Record(context, dots);
}

test("pieces of a record join to the record, in any order and any number of times", () => {
  const random = new Random("pieces");
  for (let round = 0; round < 2_000; round++) {
    const record = encodeRecord(randomRecord(random));
    const pieces = piecesOf(record, 0);
    const order = pieces.toSorted(() => random.integer(3) - 1);
    assert.deepEqual(encodeRecord(joined(order)), record);
    assert.deepEqual(encodeRecord(joined([...order, ...pieces])), record);
    // None takes away what another brings.
    const live = joined(pieces.slice(1)).dots.length;
    assert.ok(live >= decodeRecord(record)!.dots.length - 1);
  }
});

test("a short record, one value, and a tombstone stay in one piece", () => {
  const dot = { high: 0, low: 1, epoch: 1, n: 1, kind: REGISTER, path: "", payload: EMPTY_BYTES };
  const one = encodeRecord(putDelta(EMPTY_CONTEXT, dot));
  assert.deepEqual(piecesOf(one, 0), [one]);
  const tombstone = encodeRecord(new Record([entryOf({ high: 0, low: 1, epoch: 1 }, 3)], []));
  assert.deepEqual(piecesOf(tombstone, 0), [tombstone]);
  const other = putDelta(EMPTY_CONTEXT, { ...dot, low: 2 });
  const two = encodeRecord(putDelta(EMPTY_CONTEXT, dot).join(other));
  assert.deepEqual(piecesOf(two, two.length), [two]);
  assert.equal(piecesOf(two, two.length - 1).length, 2);
});
