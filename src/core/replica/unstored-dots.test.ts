import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_CONTEXT, entryOf } from "../causality/context.ts";
import { deleteDelta, EMPTY_RECORD } from "../causality/record.ts";
import { keyOf } from "../ring/key.ts";
import { UNSTORED_MAX, UnstoredDots } from "./unstored-dots.ts";

const SELF = { high: 1, low: 2 };
const KEY = keyOf("b", "k");

test("unstored dots: a dot is here until a row that has seen it is durable", () => {
  const dots = new UnstoredDots(SELF);
  const dot = { epoch: 3, n: 4 };
  dots.set(KEY, dot);
  assert.equal(dots.get(KEY), dot);
  assert.equal(dots.seenBy(EMPTY_RECORD, KEY), undefined);
  assert.equal(dots.seenBy(deleteDelta([entryOf({ ...SELF, epoch: 3 }, 3)]), KEY), undefined);
  assert.equal(dots.seenBy(deleteDelta([entryOf({ ...SELF, epoch: 4 }, 9)]), KEY), undefined);
  const row = deleteDelta([entryOf({ ...SELF, epoch: 3 }, 4)]);
  assert.equal(dots.seenBy(row, keyOf("b", "other")), undefined);
  assert.equal(dots.seenBy(row, KEY), dot);
  dots.onDurable(KEY, dot);
  assert.equal(dots.get(KEY), undefined);
});

test("unstored dots: a later dot outlives the writing of an earlier one", () => {
  const dots = new UnstoredDots(SELF);
  const [first, second] = [
    { epoch: 1, n: 1 },
    { epoch: 1, n: 2 },
  ];
  dots.set(KEY, first);
  dots.set(KEY, second);
  dots.onDurable(KEY, first);
  assert.equal(dots.get(KEY), second);
});

test("unstored dots: they are bounded", () => {
  const dots = new UnstoredDots(SELF);
  for (let i = 0; i < UNSTORED_MAX; i++) {
    assert.ok(!dots.isFull);
    dots.set(keyOf("b", `${i}`), { epoch: 1, n: 1 });
  }
  assert.ok(dots.isFull);
  dots.onDurable(keyOf("b", "0"), dots.get(keyOf("b", "0"))!);
  assert.ok(!dots.isFull);
  assert.equal(dots.seenBy(deleteDelta(EMPTY_CONTEXT), keyOf("b", "0")), undefined);
});
