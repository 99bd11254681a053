import assert from "node:assert/strict";
import { test } from "node:test";
import { EPOCH_MAX } from "../causality/actor.ts";
import { EMPTY_CONTEXT, entryOf } from "../causality/context.ts";
import { EMPTY_RECORD, putDelta, Record, REGISTER } from "../causality/record.ts";
import { digestOf, encodeRecord } from "../causality/record-codec.ts";
import { Random } from "../base/random.ts";
import { decodeRow, encodeRow, recordBytesOf, rowDigest, wrapRecord } from "./row.ts";

const A = { high: 1, low: -2, epoch: 3 };
const RECORDS = [
  EMPTY_RECORD,
  new Record([entryOf(A, 5)], []),
  putDelta(EMPTY_CONTEXT, { ...A, n: 4, kind: REGISTER, path: "p", payload: Uint8Array.of(1, 2) }),
];

test("row: the reserved epoch and the record come back, and both ways of writing agree", () => {
  for (const record of RECORDS) {
    const bytes = encodeRecord(record);
    for (const reservedEpoch of [0, 1, 127, 128, 2 ** 31, EPOCH_MAX]) {
      const row = encodeRow(reservedEpoch, record);
      assert.deepEqual(wrapRecord(reservedEpoch, bytes), row);
      assert.deepEqual(decodeRow(row), { reservedEpoch, record });
      assert.deepEqual(recordBytesOf(row), bytes);
      assert.deepEqual(rowDigest(row), digestOf(bytes), "what is reserved does not show");
    }
  }
});

test("row: a wrapped record is a copy", () => {
  const bytes = encodeRecord(RECORDS[2]!);
  const row = wrapRecord(0, bytes);
  bytes.fill(0);
  assert.deepEqual(decodeRow(row)?.record, RECORDS[2]);
});

test("row: bytes that are no row are refused, and looking at them never throws", () => {
  const random = new Random("rows");
  const rows = RECORDS.map((record) => encodeRow(300, record));
  for (const row of rows) {
    for (let length = 0; length < row.length; length++) {
      assert.equal(decodeRow(row.slice(0, length)), undefined);
    }
  }
  for (let round = 0; round < 20_000; round++) {
    const bytes = random.pick(rows).slice(0, random.integer(60));
    for (let count = random.integer(4); count > 0 && bytes.length > 0; count--) {
      bytes[random.integer(bytes.length)] = random.pick([0, 1, 0x7f, 0x80, 0xff]);
    }
    const row = decodeRow(bytes);
    if (row !== undefined) assert.deepEqual(encodeRow(row.reservedEpoch, row.record), bytes);
    recordBytesOf(bytes);
    rowDigest(bytes);
  }
});
