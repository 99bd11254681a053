import assert from "node:assert/strict";
import { test } from "node:test";
import { BACKGROUND_KINDS, BackgroundBudget } from "./background-budget.ts";
import type { Foreground } from "./strain.ts";
import { Strain } from "./strain.ts";

class Requests implements Foreground {
  inFlight = 0;
  requestedAt = Number.NEGATIVE_INFINITY;
  inFlightLimit = 4_096;
  latencyMs = 1;
  bestLatencyMs = 1;
}

function stand(): { requests: Requests; strain: Strain; budget: BackgroundBudget } {
  const requests = new Requests();
  const strain = new Strain(requests);
  return { requests, strain, budget: new BackgroundBudget(strain) };
}

/** Of 10 s, how many slices of 5 ms with a pause of 5 ms are done. */
function slices(budget: BackgroundBudget): number {
  let done = 0;
  for (let now = 0; now < 10_000; now += 10) {
    if (!budget.mayCompare(now)) continue;
    done++;
    budget.onCompared(now, 10);
  }
  return done;
}

test("background: a node with nothing to do works at its usual pace", () => {
  const { budget } = stand();
  for (const kind of BACKGROUND_KINDS) assert.equal(budget.share(0, kind), 1, kind);
  assert.equal(slices(budget), 1_000);
  assert.equal(budget.mayRepair(0) && budget.mayRepair(0), true);
});

test("background: with more in flight anti-entropy gives way first, read repair last", () => {
  const { budget, requests } = stand();
  const gaveWayAt = new Map<string, number>();
  // Beside any client at all they go slowly.
  const kinds = BACKGROUND_KINDS.filter((kind) => kind !== "hints");
  for (let inFlight = 0; inFlight <= 256; inFlight++) {
    requests.inFlight = inFlight;
    for (const kind of kinds) {
      if (budget.share(0, kind) < 1 && !gaveWayAt.has(kind)) gaveWayAt.set(kind, inFlight);
    }
  }
  const [first, ...others] = kinds.map((kind) => gaveWayAt.get(kind)!);
  assert.ok(others.every((at) => at > first!));
  assert.equal(Math.max(...others), gaveWayAt.get("read-repair"));
});

test("background: hints go at a quarter of their pace while clients are served, and a second after", () => {
  const { budget, requests } = stand();
  requests.requestedAt = 5_000;
  assert.equal(budget.share(5_000, "hints"), 1 / 4);
  assert.equal(budget.share(5_999, "hints"), 1 / 4);
  assert.equal(budget.share(6_000, "hints"), 1);
});

test("background: hints give way to clients that wait for long, and to an event loop that is late", () => {
  const { budget, requests, strain } = stand();
  requests.requestedAt = 0;
  requests.inFlight = 1;
  assert.equal(budget.share(10_000, "hints"), 1 / 4);
  requests.inFlight = 0;
  assert.equal(budget.share(10_000, "hints"), 1);
  strain.onLate(10_000, 500);
  assert.equal(budget.share(10_000, "hints"), 1 / 4);
});

test("background: however busy the node is, everything goes on", () => {
  const { budget, requests } = stand();
  requests.inFlight = 100_000;
  requests.latencyMs = 10_000;
  for (const kind of BACKGROUND_KINDS) assert.ok(budget.share(0, kind) > 0, kind);
  const done = slices(budget);
  assert.ok(done >= 60 && done <= 70, `${done} slices, a sixteenth of the usual`);
  const repairs = Array.from({ length: 1_000 }, () => budget.mayRepair(0)).filter(Boolean);
  assert.equal(repairs.length, 250);
  assert.equal(repairs.length + budget.report(0).repairsLeftOut, 1_000);
});

test("strain: latency counts against the own best, when there is anybody to wait", () => {
  const { strain, requests } = stand();
  requests.latencyMs = 40;
  requests.bestLatencyMs = 10;
  assert.equal(strain.value(0), 0, "nobody waits");
  requests.inFlight = 1;
  assert.equal(strain.value(0), 1 / 3);
  requests.latencyMs = 4;
  requests.bestLatencyMs = 0.1;
  assert.ok(strain.value(0) < 0.01, "a few milliseconds are no reason");
  requests.bestLatencyMs = Infinity;
  assert.ok(strain.value(0) < 0.01);
});

test("strain: a late event loop is remembered for a second", () => {
  const { strain } = stand();
  strain.onLate(1_000, 9);
  assert.equal(strain.value(1_000), 0);
  strain.onLate(1_000, 200);
  assert.equal(strain.value(1_000), 1);
  assert.equal(strain.value(1_500), 0.5);
  strain.onLate(1_600, 20);
  assert.equal(strain.value(1_600), 0.4, "less than what is left of the one before");
  assert.equal(strain.value(2_000), 0);
});
