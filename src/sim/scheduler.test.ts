import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../core/base/random.ts";
import { GOODBYE } from "../core/messages.ts";
import type { ScheduledEvent } from "./scheduler.ts";
import { onGrid, Scheduler } from "./scheduler.ts";

function drain(scheduler: Scheduler): ScheduledEvent[] {
  const events: ScheduledEvent[] = [];
  for (;;) {
    const event = scheduler.next(Infinity);
    if (event === undefined) return events;
    events.push(event);
  }
}

test("scheduler: events come in the order of their instants, and equal ones as they were scheduled", () => {
  const scheduler = new Scheduler();
  const random = new Random(1);
  for (let i = 0; i < 2_000; i++) scheduler.deliver(random.integer(50), i, 0, GOODBYE);
  const events = drain(scheduler);
  assert.equal(events.length, 2_000);
  for (const [index, event] of events.entries()) {
    const before = events[index - 1];
    if (before === undefined) continue;
    const inOrder =
      before.step < event.step || (before.step === event.step && before.sequence < event.sequence);
    assert.ok(inOrder, `${before.step}/${before.sequence} before ${event.step}/${event.sequence}`);
  }
});

test("scheduler: time stands at the event that runs, and goes to the limit when there is none before it", () => {
  const scheduler = new Scheduler();
  scheduler.deliver(10, 0, 0, GOODBYE);
  assert.equal(scheduler.next(5), undefined);
  assert.equal(scheduler.now, 5);
  assert.equal(scheduler.next(20)?.step, 10 * 1024);
  assert.equal(scheduler.now, 10);
  assert.equal(scheduler.next(20), undefined);
  assert.equal(scheduler.now, 20);
});

test("scheduler: instants lie on a grid on which sums are exact", () => {
  assert.equal(onGrid(1), 1);
  assert.ok(onGrid(0.1) >= 0.1);
  assert.equal(onGrid(0.1) * 1024, Math.ceil(0.1 * 1024));
  const origin = 987_654;
  const at = onGrid(12.3456);
  assert.equal(origin + at - origin, at);
});

test("scheduler: nothing is scheduled into the past", () => {
  assert.throws(() => new Scheduler().deliver(-1, 0, 0, GOODBYE), /ago/);
});

test("scheduler: what is scheduled while events run takes its place among those that wait", () => {
  const scheduler = new Scheduler();
  const seen: string[] = [];
  scheduler.act(1, () => {
    seen.push("a");
    scheduler.act(0, () => seen.push("b"));
    scheduler.act(2, () => seen.push("d"));
  });
  scheduler.act(1, () => seen.push("a2"));
  scheduler.act(2, () => seen.push("c"));
  for (;;) {
    const event = scheduler.next(Infinity);
    if (event === undefined) break;
    event.action?.();
  }
  assert.deepEqual(seen, ["a", "a2", "b", "c", "d"]);
});
