import assert from "node:assert/strict";
import { test } from "node:test";
import { KeyQueue } from "./key-queue.ts";

test("the first is inside at once, the others follow in their order", async () => {
  const queue = new KeyQueue();
  const order: number[] = [];
  assert.equal(queue.enter("a", undefined, Infinity), undefined);
  const second = queue.enter("a", undefined, Infinity)!.then(() => order.push(2));
  const third = queue.enter("a", undefined, Infinity)!.then(() => order.push(3));
  queue.leave("a");
  await second;
  assert.deepEqual(order, [2]);
  queue.leave("a");
  await third;
  queue.leave("a");
  assert.deepEqual(order, [2, 3]);
  assert.equal(queue.size, 0);
});

test("keys do not wait for each other", () => {
  const queue = new KeyQueue();
  assert.equal(queue.enter("a", undefined, Infinity), undefined);
  assert.equal(queue.enter("b", undefined, Infinity), undefined);
});

test("whoever gives up waiting is skipped", async () => {
  const queue = new KeyQueue();
  const controller = new AbortController();
  assert.equal(queue.enter("a", undefined, Infinity), undefined);
  const aborted = queue.enter("a", controller.signal, Infinity)!;
  const late = queue.enter("a", undefined, performance.now() + 1)!;
  const patient = queue.enter("a", undefined, performance.now() + 60_000)!;
  controller.abort();
  await assert.rejects(aborted, { code: "ABORTED" });
  await assert.rejects(late, { code: "TIMED_OUT" });
  queue.leave("a");
  await patient;
  queue.leave("a");
  assert.equal(queue.size, 0);
});
