import assert from "node:assert/strict";
import { test } from "node:test";
import type { PurgeTold } from "../purge-messages.ts";
import { keyOf } from "../ring/key.ts";
import { Layout } from "../ring/layout.ts";
import { nodeId } from "../ring/node-id.ts";
import { PurgeRound } from "./purge-round.ts";

const [A, B, C] = [nodeId("a"), nodeId("b"), nodeId("c")];
const TOMBSTONES = ["x", "y", "z"].map((key) => ({ key: keyOf("b", key), high: 1, low: 2 }));

/** A and B own everything. */
const LAYOUT = new Layout({
  epoch: 7,
  clusterId: "c",
  strategy: "by-hand",
  replicas: 2,
  partitionCount: 16,
  nodes: [A, B, C].map((id) => ({ id, address: `${id}:1`, weight: 1, zone: "" })),
  ownerIndexes: Uint16Array.from(Array.from({ length: 16 }, () => [0, 1]).flat()),
});

function told(step: PurgeTold["step"], era: number, unclear: readonly number[] = []): PurgeTold {
  return { kind: "purge-told", id: 1, watch: 9, step, era, unclear };
}

test("purge round: all members are asked four times, the owners a fifth, and eras go up twice", () => {
  const round = new PurgeRound(0, 1, LAYOUT, TOMBSTONES);
  const eras: number[] = [];
  for (const step of [1, 2, 3, 4] as const) {
    const question = round.question(A);
    assert.equal(question.kind, step === 1 ? "purge-watch" : "purge-step");
    if (question.kind === "purge-step") eras.push(question.era);
    assert.deepEqual(round.waiting, [A, B, C]);
    assert.equal(round.onTold(A, told(step, 4)), false);
    assert.equal(round.onTold(A, told(step, 4)), false, "once");
    assert.equal(round.onTold(B, told(step, 6)), false);
    assert.equal(round.onTold(C, told(step, 5)), true);
  }
  assert.deepEqual(eras.slice(1), [7, 8], "behind the last that anybody was in");
  assert.deepEqual(round.question(A), {
    kind: "purge-now",
    id: 1,
    epoch: 7,
    tombstones: TOMBSTONES,
  });
  assert.deepEqual(round.waiting, [A, B]);
  assert.ok(!round.isOver);
  round.onTold(A, told(5, 8));
  round.onTold(B, told(5, 8));
  assert.ok(round.isOver);
});

test("purge round: what anybody finds unclear, at any time, stays", () => {
  const round = new PurgeRound(0, 1, LAYOUT, TOMBSTONES);
  for (const node of [A, B, C]) round.onTold(node, told(1, 0, node === C ? [0, 9] : []));
  for (const node of [A, B, C]) round.onTold(node, told(2, 0));
  for (const node of [A, B, C]) round.onTold(node, told(3, 1));
  for (const node of [A, B, C]) round.onTold(node, told(4, 2, node === A ? [2] : []));
  assert.deepEqual(round.clear, [TOMBSTONES[1]]);
});

test("purge round: when nothing is clear it is over, and nothing is removed", () => {
  const round = new PurgeRound(0, 1, LAYOUT, TOMBSTONES);
  assert.equal(round.onTold(B, told(1, 0, [0, 1, 2])), false);
  assert.ok(round.isOver);
  assert.deepEqual(round.clear, []);
});

test("purge round: an answer to another question says nothing", () => {
  const round = new PurgeRound(0, 1, LAYOUT, TOMBSTONES);
  assert.equal(round.onTold(A, told(4, 9, [1])), false);
  assert.deepEqual(round.waiting, [A, B, C]);
});

test("purge round: an answer of another watch is none", () => {
  const round = new PurgeRound(0, 1, LAYOUT, TOMBSTONES);
  for (const node of [A, B, C]) round.onTold(node, told(1, 0));
  const question = round.question(B);
  assert.ok(question.kind === "purge-step" && question.watch === 9);
  assert.equal(round.onTold(B, { ...told(2, 0), watch: 8 }), false);
  assert.deepEqual(round.waiting, [A, B, C]);
});
