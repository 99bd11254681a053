/**
 * Nodes that are neither up nor down: stopped for a while, or slow.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Simulation } from "#src/sim/index.ts";
import { done } from "../support/answered.ts";

function cluster(): Simulation {
  const sim = new Simulation({ seed: 1, nodes: 3 });
  sim.runFor(100);
  return sim;
}

/** The longest that any of so many requests through n1 took. */
function longestMs(sim: Simulation, count: number, operation: "get" | "put"): number {
  let longest = 0;
  for (let i = 0; i < count; i++) {
    const client = sim.client("c1");
    const options = { node: "n1" };
    const asked =
      operation === "get" ? client.get(`k${i}`, options) : client.put(`k${i}`, `v${i}`, options);
    const { entry } = done(sim, asked);
    longest = Math.max(longest, entry.completedAt! - entry.invokedAt);
  }
  return longest;
}

test("pause: writes do not wait for a stopped node, and it has them when it goes on", () => {
  const sim = cluster();
  sim.node("n3").pause();
  assert.ok(longestMs(sim, 50, "put") < 20);
  assert.equal(sim.converged, false);
  sim.node("n3").resume();
  sim.runFor(100);
  assert.equal(sim.converged, true);
});

test("pause: reads turn to another owner after a short while, and then at once", () => {
  const sim = cluster();
  longestMs(sim, 20, "put");
  sim.node("n3").pause();
  const first = longestMs(sim, 20, "get");
  assert.ok(first < 50, `the first reads took up to ${first} ms`);
  const later = longestMs(sim, 20, "get");
  assert.ok(later < 10, `later reads took up to ${later} ms`);
});

test("pause: a coordinator that slept through its deadlines answers unknown, and exactly once", () => {
  const sim = cluster();
  const put = sim.client("c1").put("k", "v", { node: "n1", timeoutMs: 100 });
  sim.node("n1").pause();
  sim.runFor(300);
  assert.equal(put.entry.status, "open");
  sim.node("n1").resume();
  sim.runFor(100);
  assert.ok(put.isDone);
  assert.equal(sim.owed.length, 0);
  const read = sim.client("c1").get("k", { node: "n2" });
  sim.runFor(100);
  assert.deepEqual(read.entry.returned, ["v"]);
});

test("slow node: requests through the others stay quick", () => {
  const sim = cluster();
  sim.node("n3").slow(100);
  assert.ok(longestMs(sim, 100, "put") < 20);
  longestMs(sim, 20, "get");
  assert.ok(longestMs(sim, 100, "get") < 20);
});

test("silent death: reads go on although nobody said goodbye", () => {
  const sim = cluster();
  longestMs(sim, 20, "put");
  sim.node("n3").crash({ silent: true });
  assert.ok(longestMs(sim, 20, "get") < 50);
  assert.ok(longestMs(sim, 20, "put") < 50);
});
