import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter, EMPTY_BYTES } from "../base/bytes.ts";
import { keyOf } from "../ring/key.ts";
import type { CopyAnswer, CopyAsk, KeyRecord } from "./copy-codec.ts";
import {
  decodeCopyAnswer,
  decodeCopyAsk,
  encodeCopy,
  JOIN_RECORDS_MAX,
  POSITION_BYTES_MAX,
} from "./copy-codec.ts";

const HEAD_BYTES = 5;
const ROW: KeyRecord = { key: keyOf("b", "k"), record: Uint8Array.of(1, 2) };

/** What it is read as, as a question or as an answer. */
function again(frame: CopyAsk | CopyAnswer): CopyAsk | CopyAnswer | undefined {
  const writer = new ByteWriter();
  encodeCopy(writer, frame);
  const { bytes, length } = writer;
  const kind = bytes[HEAD_BYTES - 1]!;
  const ask = decodeCopyAsk(kind, bytes, HEAD_BYTES, length);
  return ask ?? decodeCopyAnswer(kind, bytes, HEAD_BYTES, length);
}

test("copying: a position has its bound in both directions", () => {
  const ask = (position: Uint8Array): CopyAsk => {
    return { kind: "rows-ask", id: 1, epoch: 1, partition: 3, bytesMax: 10, position };
  };
  const told = (next: Uint8Array): CopyAnswer => {
    return { kind: "rows-told", id: 1, next, damaged: [], records: [ROW] };
  };
  for (const frame of [ask, told]) {
    const longest = frame(new Uint8Array(POSITION_BYTES_MAX));
    assert.deepEqual(again(longest), longest);
    assert.equal(again(frame(new Uint8Array(POSITION_BYTES_MAX + 1))), undefined);
  }
});

test("copying: a partition that no layout has is malformed", () => {
  const ask = { kind: "rows-ask", id: 1, epoch: 1, bytesMax: 10, position: EMPTY_BYTES } as const;
  assert.notEqual(again({ ...ask, partition: 16_383 }), undefined);
  assert.equal(again({ ...ask, partition: 16_384 }), undefined);
});

test("copying: there is something to join, and not too much", () => {
  const ask = (count: number): CopyAsk => {
    const records = new Array<KeyRecord>(count).fill(ROW);
    return { kind: "join-ask", id: 1, epoch: 1, records };
  };
  assert.equal(again(ask(0)), undefined);
  assert.deepEqual(again(ask(JOIN_RECORDS_MAX)), ask(JOIN_RECORDS_MAX));
  assert.equal(again(ask(JOIN_RECORDS_MAX + 1)), undefined);
});

test("copying: a question is no answer, and an answer no question", () => {
  const writer = new ByteWriter();
  encodeCopy(writer, { kind: "copy-refused", id: 1, reason: "busy", epoch: 1 });
  const kind = writer.bytes[HEAD_BYTES - 1]!;
  assert.equal(decodeCopyAsk(kind, writer.bytes, HEAD_BYTES, writer.length), undefined);
  assert.notEqual(decodeCopyAnswer(kind, writer.bytes, HEAD_BYTES, writer.length), undefined);
});
