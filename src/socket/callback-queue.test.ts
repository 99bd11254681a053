import assert from "node:assert/strict";
import { test } from "node:test";
import { CallbackQueue } from "./callback-queue.ts";

test("callback queue: each is called once, in order", () => {
  const queue = new CallbackQueue<string>();
  const called: string[] = [];
  queue.push(2, (outcome) => called.push(outcome), "a");
  queue.push(1, (outcome) => called.push(outcome), "b");
  assert.deepEqual(called, []);
  queue.run();
  queue.run();
  assert.deepEqual(called, ["a", "b"]);
  assert.equal(queue.isEmpty, true);
});

test("callback queue: one that pushes again does not keep the others waiting for ever", () => {
  const queue = new CallbackQueue<number>();
  let calls = 0;
  const again = (): void => {
    calls++;
    queue.push(calls, again, calls);
  };
  queue.push(0, again, 0);
  queue.run();
  assert.equal(calls, 1);
  assert.equal(queue.isEmpty, false);
  queue.run();
  assert.equal(calls, 2);
});

test("callback queue: a cancelled one is not called, also when another cancels it", () => {
  const queue = new CallbackQueue<string>();
  const called: string[] = [];
  queue.push(1, () => queue.cancel(3), "");
  queue.push(2, (outcome) => called.push(outcome), "second");
  queue.push(3, (outcome) => called.push(outcome), "third");
  queue.cancel(2);
  queue.run();
  assert.deepEqual(called, []);
});
