import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { HybridTime } from "./hybrid-time.ts";
import { compareTimes, TIME_ZERO, timeAfter } from "./hybrid-time.ts";

const MS_MAX = 2 ** 48 - 1;
const TICK_MAX = 0xffff;

test("hybrid time: follows the wall while the wall is ahead, else counts ticks", () => {
  assert.deepEqual(timeAfter(1000, TIME_ZERO), { ms: 1000, tick: 0 });
  assert.deepEqual(timeAfter(1000, { ms: 999, tick: 7 }), { ms: 1000, tick: 0 });
  assert.deepEqual(timeAfter(1000, { ms: 1000, tick: 7 }), { ms: 1000, tick: 8 });
  assert.deepEqual(timeAfter(1000, { ms: 5000, tick: 0 }), { ms: 5000, tick: 1 });
  assert.deepEqual(timeAfter(1000.9, TIME_ZERO), { ms: 1000, tick: 0 });
});

test("hybrid time: when the ticks of a millisecond run out, the next millisecond begins", () => {
  assert.deepEqual(timeAfter(10, { ms: 10, tick: TICK_MAX }), { ms: 11, tick: 0 });
});

test("hybrid time: a clock far in the future can be overwritten by one that is right", () => {
  let time = timeAfter(MS_MAX - 1, TIME_ZERO);
  for (let write = 0; write < 3 * TICK_MAX && time.ms < MS_MAX; write++) {
    const next = timeAfter(1_700_000_000_000, time);
    assert.ok(compareTimes(next, time) > 0);
    time = next;
  }
  assert.deepEqual(time, { ms: MS_MAX, tick: 0 });
});

test("hybrid time: stays within 48 and 16 bits whatever the wall says, and is always after", () => {
  const walls = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.constantFrom(-1, 0, MS_MAX, MS_MAX + 1, Infinity, -Infinity, Number.NaN),
  );
  const seen = fc.record({ ms: fc.nat(2 ** 31), tick: fc.nat(TICK_MAX) });
  fc.assert(
    fc.property(walls, seen, (wallMs, before) => {
      const time = timeAfter(wallMs, before);
      assert.ok(Number.isInteger(time.ms) && time.ms >= 0 && time.ms <= MS_MAX);
      assert.ok(Number.isInteger(time.tick) && time.tick >= 0 && time.tick <= TICK_MAX);
      assert.ok(compareTimes(time, before) > 0);
    }),
  );
});

test("hybrid time: the order is total", () => {
  const times: HybridTime[] = [0, 1, 2 ** 32, MS_MAX].flatMap((ms) =>
    [0, 1, TICK_MAX].map((tick) => ({ ms, tick })),
  );
  for (const [i, left] of times.entries()) {
    for (const [j, right] of times.entries()) {
      assert.equal(Math.sign(compareTimes(left, right)), Math.sign(i - j));
    }
  }
});
