/**
 * What clients see of a network partition, told with three nodes that own everything.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Simulation } from "#src/sim/index.ts";

function cluster(timeoutMs?: number): Simulation {
  const sim = new Simulation({ seed: 1, nodes: 3, connections: { timeoutMs } });
  sim.runFor(100);
  return sim;
}

test("partition: two of three go on, the one left over refuses (2-1)", () => {
  const sim = cluster(1_000);
  const client = sim.client("c1");
  sim.network.partition(["n1"], ["n2", "n3"]);
  sim.runFor(2_000);

  const majority = client.put("k", "majority", { node: "n2" });
  const minority = client.put("k", "minority", { node: "n1" });
  const read = client.get("k", { node: "n1" });
  sim.runFor(2_000);
  assert.equal(majority.entry.status, "ok");
  // It knows that it is alone: nothing was written, and it says so at once.
  assert.equal(minority.entry.code, "QUORUM_NOT_MET");
  assert.equal(read.entry.code, "QUORUM_NOT_MET");
  assert.ok(minority.entry.completedAt! - minority.entry.invokedAt < 1);

  sim.network.heal();
  sim.runFor(100);
  const healed = client.get("k", { node: "n1" });
  sim.runFor(100);
  assert.deepEqual(healed.entry.returned, ["majority"]);
});

test("partition: as long as nobody noticed, a write on the small side ends unknown (2-1)", () => {
  const sim = cluster();
  const client = sim.client("c1");
  sim.network.partition(["n1"]);
  const put = client.put("k", "maybe", { node: "n1", timeoutMs: 500 });
  sim.runFor(1_000);
  assert.equal(put.entry.code, "OUTCOME_UNKNOWN");
  assert.deepEqual(put.outcome?.kind === "failed" && [put.outcome.needed, put.outcome.got], [2, 1]);

  // And it may surface: the coordinator holds it.
  sim.network.heal();
  const read = client.get("k", { r: "all" });
  sim.runFor(500);
  assert.deepEqual(read.entry.returned, ["maybe"]);
});

test("partition: both sides write, both values are kept until somebody has seen both (2-1)", () => {
  const sim = cluster();
  const client = sim.client("c1");
  const [one, two] = ["n1", "n2"].map((node) => ({ node, w: 1, mode: "siblings" }) as const);
  sim.network.partition(["n1"], ["n2", "n3"]);
  client.put("k", "here", one);
  client.put("k", "there", two);
  sim.runFor(1_000);
  sim.network.heal();

  const both = client.get("k", { r: "all", mode: "siblings" });
  sim.runFor(500);
  assert.deepEqual(both.entry.returned?.toSorted(), ["here", "there"]);

  client.put("k", "merged", { mode: "siblings", context: both.context });
  sim.runFor(500);
  const merged = client.get("k", { r: "all", mode: "siblings" });
  sim.runFor(500);
  assert.deepEqual(merged.entry.returned, ["merged"]);
});

test("partition: a node that reaches both sides serves everybody (bridge)", () => {
  const sim = cluster(1_000);
  sim.network.partition(["n1"], ["n3"]);
  sim.runFor(2_000);
  const puts = sim.nodes.map((node) => sim.client("c1").put(`k-${node}`, "v", { node }));
  sim.runFor(1_000);
  assert.deepEqual(
    puts.map(({ entry }) => entry.status),
    ["ok", "ok", "ok"],
  );
});

test("partition: a write whose acknowledgements cannot come back ends unknown (one-way)", () => {
  const sim = cluster();
  sim.network.partition(["n2", "n3"], ["n1"], { direction: "one-way" });
  const put = sim.client("c1").put("k", "stored", { node: "n1", timeoutMs: 500 });
  sim.runFor(1_000);
  assert.equal(put.entry.code, "OUTCOME_UNKNOWN");
  const read = sim.client("c1").get("k", { node: "n2" });
  sim.runFor(500);
  assert.deepEqual(read.entry.returned, ["stored"]);
});

test("partition: a coordinator that is cut off in the middle of a put has not lost it (isolate)", () => {
  const sim = cluster();
  const client = sim.client("c1");
  // The write has left for n2 and n3 and has not arrived when the coordinator is cut off.
  sim.network.hold("n1", "n2");
  sim.network.hold("n1", "n3");
  const put = client.put("k", "cut", { node: "n1", timeoutMs: 500 });
  sim.runFor(50);
  assert.deepEqual(
    ["n2", "n3"].map((node) => {
      return sim.network.held("n1", node).filter(({ kind }) => kind === "write").length;
    }),
    [1, 1],
  );
  const partition = sim.network.partition(["n1"]);
  sim.network.release("n1", "n2");
  sim.network.release("n1", "n3");
  sim.runFor(1_000);
  assert.equal(put.entry.status, "info");

  // The others know nothing of it and go on; what they write does not cover it.
  const other = client.put("k", "others", { node: "n2" });
  sim.runFor(500);
  assert.equal(other.entry.status, "ok");
  partition.heal();
  const read = client.get("k", { r: "all" });
  sim.runFor(500);
  assert.deepEqual(read.entry.returned?.toSorted(), ["cut", "others"]);
});
