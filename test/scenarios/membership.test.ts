/**
 * What a node believes of others, and what follows from it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Simulation } from "#src/sim/index.ts";

function cluster(nodes: number): Simulation {
  const sim = new Simulation({ seed: 1, nodes, replicas: 3 });
  sim.runFor(2_000);
  return sim;
}

test("membership: a machine that vanishes without a word is out within ten seconds", () => {
  const sim = cluster(5);
  const client = sim.client("c");
  sim.node("n5").crash({ silent: true });
  sim.runFor(10_000);
  const puts = Array.from({ length: 50 }, (_, i) =>
    client.put(`k${i}`, "v", { node: "n1", w: "all" }),
  );
  sim.runFor(1_000);
  // Others stand in for it at once: nobody waits for its answer any more.
  assert.deepEqual(new Set(puts.map(({ entry }) => entry.status)), new Set(["ok"]));
  const longest = Math.max(...puts.map(({ entry }) => entry.completedAt! - entry.invokedAt));
  assert.ok(longest < 50, `the longest took ${longest} ms`);
});

test("membership: a node that is stopped for two seconds is called dead by nobody", () => {
  const sim = cluster(5);
  const dead: string[] = [];
  sim.observe({
    onFact: (_node, fact) => {
      if (fact.kind === "member-changed" && fact.state === "dead") dead.push(fact.member);
    },
  });
  for (let round = 0; round < 10; round++) {
    const node = sim.node(`n${(round % 5) + 1}`);
    node.pause();
    sim.runFor(2_000);
    node.resume();
    sim.runFor(5_000);
  }
  assert.deepEqual(dead, []);
});

test("membership: a partition of thirty seconds leaves no islands", () => {
  const sim = cluster(5);
  const partition = sim.network.partition(["n1", "n2"]);
  sim.runFor(30_000);
  partition.heal();
  sim.runFor(6_000);
  for (const node of sim.nodes) {
    const put = sim.client("c").put(`k ${node}`, "v", { node, w: "all" });
    sim.runFor(500);
    assert.equal(put.entry.status, "ok");
    assert.equal(put.entry.receipt!.hinted, 0, `through ${node}`);
  }
});
