/**
 * A table of things under way, against a Map.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Numbered } from "./numbered.ts";

test("numbers go up from the first", () => {
  const table = new Numbered<object>();
  assert.deepEqual([table.next(), table.next(), table.next()], [1, 2, 3]);
});

test("a number whose place is taken is passed over", () => {
  const table = new Numbered<{ name: string }>();
  const first = table.next();
  table.set(first, { name: "long" });
  const numbers = new Set<number>();
  for (let i = 0; i < 200; i++) {
    const number = table.next();
    table.set(number, { name: `${i}` });
    assert.equal(table.take(number)?.name, `${i}`);
    numbers.add(number);
  }
  assert.equal(numbers.size, 200);
  assert.ok(!numbers.has(first + 64));
  assert.equal(table.get(first)?.name, "long");
});

test("the last number before the end is followed by 1, and 0 is never handed out", () => {
  const table = new Numbered<object>(97, 100);
  const numbers: number[] = [];
  for (let i = 0; i < 4; i++) numbers.push(table.next());
  assert.deepEqual(numbers, [98, 99, 1, 2]);
});

test("nothing is found by a number that was not handed out", () => {
  const table = new Numbered<object>();
  assert.deepEqual(
    [table.get(0), table.take(0), table.take(1), table.size],
    [undefined, undefined, undefined, 0],
  );
});

test("large numbers keep apart", () => {
  const table = new Numbered<{ number: number }>(2 ** 48 - 500);
  const numbers: number[] = [];
  for (let i = 0; i < 1_000; i++) {
    const number = table.next();
    table.set(number, { number });
    numbers.push(number);
  }
  assert.equal(table.size, 1_000);
  for (const number of numbers) assert.equal(table.get(number)?.number, number);
  assert.equal(table.get(numbers[0]! - 1), undefined);
  assert.equal(table.get(numbers[0]! + 2 ** 32), undefined);
});

test("a place that is taken is not taken twice", () => {
  const table = new Numbered<object>();
  const number = table.next();
  table.set(number, {});
  assert.throws(() => table.set(number, {}), /is taken/);
});

test("it holds what a Map holds", () => {
  const anyStep = fc.oneof(fc.constant("add" as const), fc.nat());
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 2_000 }), (steps) => {
      const table = new Numbered<{ number: number }>();
      const map = new Map<number, { number: number }>();
      for (const step of steps) {
        if (step === "add") {
          const number = table.next();
          assert.ok(!map.has(number));
          const thing = { number };
          table.set(number, thing);
          map.set(number, thing);
        } else if (map.size > 0) {
          const number = [...map.keys()][step % map.size]!;
          assert.equal(table.take(number), map.get(number));
          map.delete(number);
          assert.equal(table.take(number), undefined);
        }
      }
      assert.equal(table.size, map.size);
      assert.deepEqual(new Set(table.numbers()), new Set(map.keys()));
      for (const [number, thing] of map) assert.equal(table.get(number), thing);
    }),
  );
});
