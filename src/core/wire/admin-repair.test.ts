import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "../base/bytes.ts";
import type { PairState } from "../repair-orders.ts";
import { nothingTold, PAIR_STATES, PAIRS_TOLD_MAX } from "../repair-orders.ts";
import { nodeId } from "../ring/node-id.ts";
import type { RepairTold } from "./admin-repair.ts";
import { decodeRepairTold, encodeRepairTold } from "./admin-repair.ts";

const HEAD_BYTES = 5;

function bodyOf(told: RepairTold): Uint8Array {
  const writer = new ByteWriter();
  encodeRepairTold(writer, told);
  return writer.bytes.slice(HEAD_BYTES, writer.length);
}

function toldOf(count: number): RepairTold {
  const told = Array.from({ length: count }, (_, partition) => ({
    partition,
    peer: nodeId(`n${partition % 3}`),
    state: PAIR_STATES[partition % PAIR_STATES.length]!,
    isLeft: partition % 2 === 0,
    provenMs: partition === 0 ? undefined : partition - 1,
  }));
  return { id: 7, report: { ...nothingTold(3), pairs: count, told } };
}

test("repair on the wire: as many pairs as may be told come as they were, and no more", () => {
  const full = toldOf(PAIRS_TOLD_MAX);
  const body = bodyOf(full);
  assert.deepEqual(decodeRepairTold(body, 0, body.length), full);
  const more = bodyOf(toldOf(PAIRS_TOLD_MAX + 1));
  assert.equal(decodeRepairTold(more, 0, more.length), undefined);
});

test("repair on the wire: states that do not ascend, or that nobody knows, are malformed", () => {
  const left = new Map<PairState, number>([
    ["away", 1],
    ["stuck", 2],
  ]);
  const body = bodyOf({ id: 7, report: { ...nothingTold(3), left } });
  assert.deepEqual(decodeRepairTold(body, 0, body.length)?.report.left, left);
  const firstAt = body.length - 6;
  assert.equal(body[firstAt], PAIR_STATES.indexOf("away"));
  for (const state of [PAIR_STATES.indexOf("stuck"), PAIR_STATES.length]) {
    const wrong = body.slice();
    wrong[firstAt] = state;
    assert.equal(decodeRepairTold(wrong, 0, wrong.length), undefined, `${state}`);
  }
});
