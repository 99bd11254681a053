/**
 * Replicas that missed a write, and the reads that mend them.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Simulation } from "#src/sim/index.ts";

/** Three owners; the third has missed a write that the other two hold. */
function clusterWithOneBehind(): Simulation {
  const sim = new Simulation({ seed: 1, nodes: 3 });
  sim.runFor(100);
  sim.network.partition(["n3"]);
  const put = sim.client("c1").put("k", "v", { node: "n1" });
  sim.runFor(1_000);
  assert.equal(put.entry.status, "ok");
  sim.network.heal();
  sim.runFor(1_000);
  assert.equal(sim.converged, false);
  return sim;
}

test("read repair: a read that meets an owner that is behind mends it", () => {
  const sim = clusterWithOneBehind();
  const read = sim.client("c1").get("k", { node: "n3" });
  sim.runFor(500);
  assert.deepEqual(read.entry.returned, ["v"]);
  assert.equal(sim.converged, true);
  assert.ok(sim.factCount("read-repaired") > 0);
});

test("read repair: an owner that answers after the client was served is mended as well", () => {
  const sim = clusterWithOneBehind();
  // Both others are asked, because n2 is slow to answer; then n3 answers last of all.
  sim.network.hold("n2", "n1");
  sim.network.hold("n3", "n1");
  const read = sim.client("c1").get("k", { node: "n1" });
  sim.runFor(100);
  assert.equal(read.entry.status, "open");
  sim.network.release("n2", "n1");
  sim.runFor(100);
  assert.deepEqual(read.entry.returned, ["v"]);
  assert.equal(sim.converged, false);

  sim.network.release("n3", "n1");
  sim.runFor(100);
  assert.equal(sim.converged, true);
});

test("read repair: a row that cannot be read is mended from the others, never taken for absent", () => {
  const sim = clusterWithOneBehind();
  sim.node("n1").damage(sim.keys[0]!);
  const put = sim.client("c1").put("k", "w", { node: "n1" });
  sim.runFor(500);
  assert.equal(put.entry.code, "DAMAGED");

  const read = sim.client("c1").get("k", { node: "n1" });
  sim.runFor(500);
  assert.deepEqual(read.entry.returned, ["v"]);
  sim.client("c1").put("k", "w", { node: "n1", context: read.context });
  sim.runFor(500);
  const again = sim.client("c1").get("k", { r: "all" });
  sim.runFor(500);
  assert.deepEqual(again.entry.returned, ["w"]);
});
