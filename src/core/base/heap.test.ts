import assert from "node:assert/strict";
import { test } from "node:test";
import { Heap } from "./heap.ts";
import { Random } from "./random.ts";

test("heap: gives back in order whatever went in, in any mixture of pushes and pops", () => {
  const random = new Random("heap");
  const heap = new Heap<number>((left, right) => left < right);
  const model: number[] = [];
  // Phases of growth and of decline, so that both ends are reached often.
  for (let step = 0; step < 40_000; step++) {
    const growth = step % 1000 < 500 ? 0.7 : 0.3;
    if (random.chance(growth)) {
      const item = random.integer(1000) + step / 100_000;
      heap.push(item);
      model.push(item);
      model.sort((left, right) => left - right);
    } else {
      assert.equal(heap.pop(), model.shift());
    }
    assert.equal(heap.size, model.length);
    assert.equal(heap.peek(), model[0]);
  }
  assert.deepEqual(
    [...heap].sort((left, right) => left - right),
    model,
  );
  heap.clear();
  assert.deepEqual([heap.size, heap.peek(), heap.pop()], [0, undefined, undefined]);
});

test("heap: equal parts of an order are separated by the rest of it", () => {
  const heap = new Heap<readonly [time: number, turn: number]>(
    (left, right) => left[0] < right[0] || (left[0] === right[0] && left[1] < right[1]),
  );
  for (const turn of [3, 1, 4, 0, 2]) heap.push([7, turn]);
  heap.push([6, 9]);
  const turns = Array.from({ length: 6 }, () => heap.pop()?.[1]);
  assert.deepEqual(turns, [9, 0, 1, 2, 3, 4]);
});
