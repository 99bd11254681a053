import assert from "node:assert/strict";
import { test } from "node:test";
import { log10, pushPullScale, retransmitLimit, suspicionMs, suspicionMsMin } from "./scale.ts";

test("log10 is exact at powers of ten and close everywhere", () => {
  for (const [n, digits] of [
    [1, 0],
    [10, 1],
    [100, 2],
    [1_000, 3],
    [1_000_000, 6],
  ] as const) {
    assert.equal(log10(n), digits);
  }
  for (let n = 1; n < 20_000; n++) assert.ok(Math.abs(log10(n) - Math.log10(n)) < 2 ** -30, `${n}`);
});

test("a rumour is told four times a digit", () => {
  const limits = [1, 8, 9, 10, 99, 100, 999, 1_000].map((members) => retransmitLimit(4, members));
  assert.deepEqual(limits, [4, 4, 4, 8, 8, 12, 12, 16]);
});

test("everything is exchanged more seldom from 33 members on", () => {
  const scales = [1, 32, 33, 64, 65, 128, 1_000].map(pushPullScale);
  assert.deepEqual(scales, [1, 1, 2, 2, 3, 3, 6]);
});

test("a suspicion lasts longer in a large cluster", () => {
  assert.equal(suspicionMsMin(4, 3, 1_000), 4_000);
  assert.equal(suspicionMsMin(4, 10, 1_000), 4_000);
  assert.equal(suspicionMsMin(4, 100, 1_000), 8_000);
  assert.equal(suspicionMsMin(4, 1_000, 1_000), 12_000);
});

test("a suspicion shrinks with every confirmation, by the logarithm", () => {
  const steps = [0, 1, 2, 3, 4].map((count) => Math.round(suspicionMs(4_000, 24_000, count, 3)));
  assert.deepEqual(steps, [24_000, 14_000, 8_150, 4_000, 4_000]);
  const expected = 24_000 - (20_000 * Math.log(2)) / Math.log(4);
  assert.ok(Math.abs(suspicionMs(4_000, 24_000, 1, 3) - expected) < 0.001);
  assert.equal(suspicionMs(4_000, 24_000, 0, 0), 4_000);
});
