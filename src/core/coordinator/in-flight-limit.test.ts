import assert from "node:assert/strict";
import { test } from "node:test";
import { InFlightLimit } from "./in-flight-limit.ts";

const TIMEOUT_MS = 1_000;

/** So many windows of answers that take so long, with as many in flight as are let in. */
class Load {
  readonly limit: InFlightLimit;
  now = 0;

  constructor(max = 4_096) {
    this.limit = new InFlightLimit(max);
  }

  windows(count: number, demand: number, elapsedMs: (inFlight: number) => number): void {
    for (let window = 0; window < count; window++) {
      const inFlight = Math.min(demand, this.limit.value);
      this.limit.onAdmitted(inFlight);
      for (let i = 0; i < 20; i++) this.limit.onAnswered(this.now, elapsedMs(inFlight), TIMEOUT_MS);
      for (let i = inFlight; i < demand; i++) this.limit.onRefused();
      this.now += 100;
    }
  }
}

test("in-flight limit: a burst at a cluster that is well is let in, up to what is configured", () => {
  const load = new Load(4_096);
  assert.equal(load.limit.value, 4_096);
  load.windows(100, 1_024, () => 20);
  assert.equal(load.limit.value, 4_096);
});

test("in-flight limit: when answers take long because there are many, fewer are let in", () => {
  const load = new Load();
  const served = (inFlight: number): number => inFlight; // a request a millisecond
  load.windows(10, 50, served);
  load.windows(100, 4_000, served);
  assert.ok(load.limit.value < 700, `${load.limit.value}`);
  assert.ok(load.limit.value >= 300, `${load.limit.value}`);
  assert.ok(load.limit.latencyMs < 700, "and they are answered before their time is over");
});

test("in-flight limit: when it is over, the limit rises to what it was within seconds", () => {
  const load = new Load();
  load.windows(10, 50, () => 2);
  load.windows(50, 4_000, (inFlight) => inFlight);
  assert.ok(load.limit.value < 700);
  load.windows(40, 4_000, () => 5);
  assert.equal(load.limit.value, 4_096);
});

test("in-flight limit: what is slow however few there are, is not made better by fewer", () => {
  const load = new Load();
  load.windows(20, 50, () => 2);
  // A disk that stalls: everybody waits for the same sync.
  load.windows(600, 1_000, () => 600);
  assert.ok(load.limit.value >= 1_000, `${load.limit.value}`);
});

test("in-flight limit: late is who takes half of the time that it has, however long that is", () => {
  const load = new Load();
  load.windows(10, 50, () => 2);
  for (let window = 0; window < 20; window++) {
    load.limit.onAdmitted(1_000);
    for (let i = 0; i < 20; i++) load.limit.onAnswered(load.now, 60, 100);
    load.now += 100;
  }
  assert.ok(load.limit.value < 100, `${load.limit.value}`);
});

test("in-flight limit: it never falls below its floor, nor below what is configured", () => {
  const low = new Load();
  low.windows(5, 10, () => 1);
  low.windows(80, 5_000, () => 900);
  assert.ok(low.limit.value >= 32);
  const tiny = new Load(3);
  tiny.windows(5, 3, () => 1);
  tiny.windows(80, 5_000, () => 900);
  assert.equal(tiny.limit.value, 3);
});

test("in-flight limit: who is refused is told how long those in front will take", () => {
  const load = new Load();
  load.windows(2, 40, () => 40);
  assert.equal(load.limit.retryAfterMs, 40);
  for (let refused = 0; refused < 2 * 4_096; refused++) load.limit.onRefused();
  assert.equal(load.limit.retryAfterMs, 120, "two more rounds of as many come first");
  load.windows(3, 4_096, () => 0.1);
  assert.equal(load.limit.retryAfterMs, 5);
});
