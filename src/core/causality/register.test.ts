import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Actor } from "./actor.ts";
import { EMPTY_CONTEXT, entryOf, withDot } from "./context.ts";
import type { HybridTime } from "./hybrid-time.ts";
import type { Dot } from "./record.ts";
import { EMPTY_RECORD, putDelta, Record, EXPIRING, REGISTER } from "./record.ts";
import {
  nextTime,
  expiringPayload,
  expiryOf,
  isOver,
  registerPayload,
  registerTime,
  registerValue,
  remainder,
  siblingsOf,
  withExpired,
} from "./register.ts";

const A: Actor = { high: 1, low: 1, epoch: 1 };
const B: Actor = { high: 2, low: 2, epoch: 1 };

test("register: time and value come back from a payload", () => {
  const values = fc.uint8Array({ maxLength: 50 });
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 48 - 2 }), fc.nat(0xffff), values, (ms, tick, value) => {
      const time = { ms, tick };
      const payload = registerPayload(time, value);
      assert.equal(payload.length, 8 + value.length);
      assert.deepEqual(registerTime(payload), time);
      assert.deepEqual(registerValue(dotOf(REGISTER, payload)), value);
      const expiring = dotOf(EXPIRING, expiringPayload(time, ms + 1, value));
      assert.deepEqual(registerTime(expiring.payload), time);
      assert.deepEqual(registerValue(expiring), value);
      assert.equal(expiryOf(expiring), ms + 1);
    }),
  );
  assert.deepEqual(registerTime(registerPayload({ ms: 2 ** 48 - 1, tick: 0xffff }, bytes(""))), {
    ms: 2 ** 48 - 1,
    tick: 0xffff,
  });
});

test("register: a payload that is too short for a time is the beginning of time and no value", () => {
  for (let length = 0; length < 8; length++) {
    assert.deepEqual(registerTime(new Uint8Array(length).fill(9)), { ms: 0, tick: 0 });
    assert.equal(registerValue(dotOf(REGISTER, new Uint8Array(length))).length, 0);
    assert.equal(expiryOf(dotOf(EXPIRING, new Uint8Array(length))), 0);
  }
});

test("siblings: newest first, and of the same time always in the same order", () => {
  const dots = [
    dot(A, 1, { ms: 5, tick: 0 }, "old"),
    dot(A, 2, { ms: 9, tick: 1 }, "newest"),
    dot(A, 3, { ms: 9, tick: 0 }, "tie of a"),
    dot(B, 1, { ms: 9, tick: 0 }, "tie of b"),
  ];
  const expected = ["newest", "tie of b", "tie of a", "old"];
  assert.deepEqual(shown(recordOf(dots)), expected);
  // However it was joined together, the winner is the same: an `lww` bucket shows only the first.
  for (const order of [[3, 2, 1, 0] as const, [1, 3, 0, 2] as const]) {
    let record = EMPTY_RECORD;
    for (const index of order) record = record.join(putDelta(EMPTY_CONTEXT, dots[index]!));
    assert.deepEqual(shown(record), expected);
  }
  assert.deepEqual(
    siblingsOf(recordOf(dots), 0).map(({ writtenMs }) => writtenMs),
    [9, 9, 9, 5],
  );
});

test("siblings: equal values are shown once, by the newest, and both dots stay in the record", () => {
  const left = putDelta(EMPTY_CONTEXT, dot(A, 1, { ms: 5, tick: 0 }, "same"));
  const right = putDelta(EMPTY_CONTEXT, dot(B, 1, { ms: 6, tick: 0 }, "same"));
  const joined = left.join(right);
  assert.equal(joined.dots.length, 2);
  assert.deepEqual(shown(joined), ["same"]);
  assert.equal(siblingsOf(joined, 0)[0]!.writtenMs, 6);
  const next = putDelta(joined.context, dot(A, 2, { ms: 7, tick: 0 }, "next"));
  assert.deepEqual(shown(joined.join(next)), ["next"], "the context covers both");
});

test("siblings: an empty value is a value, and other kinds and paths are not values", () => {
  const value = dot(A, 1, { ms: 1, tick: 0 }, "");
  const member = { ...dot(A, 2, { ms: 9, tick: 0 }, "member"), path: "p" };
  const other = { ...dot(A, 3, { ms: 9, tick: 0 }, "other"), kind: 3 };
  const record = recordOf([value, member, other]);
  assert.deepEqual(shown(record), [""]);
  assert.deepEqual(nextTime(record, 0), { ms: 1, tick: 1 });
  assert.deepEqual(shown(EMPTY_RECORD), []);
});

test("register: a write's time is after everything its coordinator sees", () => {
  const record = recordOf([
    dot(A, 1, { ms: 900, tick: 3 }, "x"),
    dot(B, 1, { ms: 900, tick: 8 }, "y"),
  ]);
  assert.deepEqual(nextTime(record, 100), { ms: 900, tick: 9 });
  assert.deepEqual(nextTime(record, 901), { ms: 901, tick: 0 });
  assert.deepEqual(nextTime(EMPTY_RECORD, 5), { ms: 5, tick: 0 });
});

test("remainder: what would stay beside a write with this context", () => {
  const record = recordOf([dot(A, 2, { ms: 1, tick: 0 }, "x"), dot(B, 1, { ms: 1, tick: 0 }, "y")]);
  assert.deepEqual(remainder(record, EMPTY_CONTEXT), { count: 2, bytes: 18 });
  assert.equal(remainder(record, [entryOf(A, 1)]).count, 2);
  assert.deepEqual(remainder(record, [entryOf(A, 2)]), { count: 1, bytes: 9 });
  assert.deepEqual(remainder(record, record.context), { count: 0, bytes: 0 });
});

test("siblings: what has expired is not shown, and is over when nothing else is there", () => {
  const payload = expiringPayload({ ms: 5, tick: 0 }, 100, bytes("for a while"));
  const brief: Dot = { ...A, n: 1, kind: EXPIRING, path: "", payload };
  const stays = dot(B, 1, { ms: 4, tick: 0 }, "stays");
  const both = recordOf([brief, stays]);
  assert.deepEqual(shown(both, 99), ["for a while", "stays"]);
  assert.deepEqual(shown(both, 100), ["stays"]);
  assert.ok(!isOver(both, 100));
  const alone = recordOf([brief]);
  assert.ok(!isOver(alone, 99) && isOver(alone, 100));
  assert.ok(isOver(new Record(alone.context, []), 0), "a deletion");
  assert.ok(!isOver(EMPTY_RECORD, 0), "nothing is known");
});

test("siblings: a write covers what has expired, and nothing else", () => {
  const payload = expiringPayload({ ms: 5, tick: 0 }, 100, bytes("for a while"));
  const brief: Dot = { ...A, n: 1, kind: EXPIRING, path: "", payload };
  const record = recordOf([brief, dot(B, 1, { ms: 4, tick: 0 }, "stays")]);
  assert.deepEqual(withExpired(EMPTY_CONTEXT, record, 99), EMPTY_CONTEXT);
  assert.deepEqual(withExpired(EMPTY_CONTEXT, record, 100), [entryOf(A, 1)]);
});

function dot(actor: Actor, n: number, time: HybridTime, text: string): Dot {
  const payload = registerPayload(time, bytes(text));
  return { ...actor, n, kind: REGISTER, path: "", payload };
}

function dotOf(kind: number, payload: Uint8Array): Dot {
  return { ...A, n: 1, kind, path: "", payload };
}

function recordOf(dots: readonly Dot[]): Record {
  let context = EMPTY_CONTEXT;
  for (const each of dots) context = withDot(context, each, each.n);
  return new Record(context, dots);
}

function shown(record: Record, wallMs = 0): string[] {
  return siblingsOf(record, wallMs).map(({ value }) => Buffer.from(value).toString());
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
