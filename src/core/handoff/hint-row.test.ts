import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeId } from "../ring/node-id.ts";
import { decodeHintRow, encodeHintRow, TARGETS_MAX } from "./hint-row.ts";

const RECORD = Uint8Array.of(1, 2, 3);

test("hint row: what is kept comes back, for as many targets as there are", () => {
  for (const count of [1, 2, TARGETS_MAX]) {
    const targets = Array.from({ length: count }, (_, i) => nodeId(`n${i}`));
    const row = encodeHintRow({ targets, record: RECORD });
    assert.deepEqual(decodeHintRow(row), { targets, record: RECORD });
  }
});

test("hint row: bytes that are none are none", () => {
  const row = encodeHintRow({ targets: [nodeId("n1")], record: RECORD });
  for (let end = 0; end < 4; end++) assert.equal(decodeHintRow(row.subarray(0, end)), undefined);
  assert.equal(decodeHintRow(Uint8Array.of(0, 1, 2)), undefined);
  assert.equal(decodeHintRow(Uint8Array.of(255, ...row)), undefined);
  const spaced = row.slice();
  spaced[2] = 0x20;
  assert.equal(decodeHintRow(spaced), undefined);
});
