/**
 * What one client has read, another goes on reading, when both ask in a session.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Simulation } from "#src/sim/index.ts";

/** Three owners, of which n1 alone holds the newest value. */
function halfWritten(): Simulation {
  const sim = new Simulation({ seed: 1, nodes: 3 });
  sim.runFor(100);
  const old = sim.client("writer").put("k", "old", { node: "n1", w: "all" });
  sim.runFor(100);
  sim.network.partition(["n1"]);
  const { context } = old;
  const put = sim.client("writer").put("k", "new", { node: "n1", w: 1, context });
  sim.runFor(100);
  assert.equal(put.entry.status, "ok");
  sim.network.heal();
  return sim;
}

/** One client reads through n1; as soon as it is answered n1 is cut off, and another reads. */
function readTwice(session: boolean): readonly (readonly string[] | undefined)[] {
  const sim = halfWritten();
  const first = sim.client("c1").get("k", { node: "n1", session });
  first.onDone = () => sim.network.partition(["n1"]);
  sim.runFor(100);
  const second = sim.client("c2").get("k", { node: "n3", session });
  sim.runFor(1_000);
  return [first.entry.returned, second.entry.returned];
}

test("sessions: a read that begins after another ended sees what that one saw", () => {
  assert.deepEqual(readTwice(true), [["new"], ["new"]]);
});

test("sessions: an ordinary read may see less than one before it", () => {
  assert.deepEqual(readTwice(false), [["new"], ["old"]]);
});

test("sessions: with one owner that has it and none to bring it to, nothing is returned", () => {
  const sim = halfWritten();
  for (const name of ["n2", "n3"]) sim.node(name).fillDisk();
  const read = sim.client("c1").get("k", { node: "n1", session: true });
  sim.runFor(2_000);
  assert.equal(read.entry.code, "QUORUM_NOT_MET");
  assert.deepEqual(
    read.outcome?.kind === "failed" && [read.outcome.needed, read.outcome.got],
    [2, 1],
  );
});

test("sessions: a client reads its own writes through any node", () => {
  const sim = new Simulation({ seed: 3, nodes: 5 });
  sim.runFor(100);
  const client = sim.client("c1", { session: true });
  for (let round = 0; round < 50; round++) {
    const put = client.put("k", `v${round}`, { node: sim.nodes[round % 5]! });
    assert.ok(sim.runUntil(() => put.isDone, { within: 1_000 }));
    const read = client.get("k", { node: sim.nodes[(round * 3 + 1) % 5]! });
    assert.ok(sim.runUntil(() => read.isDone, { within: 1_000 }));
    assert.deepEqual(read.entry.returned, [`v${round}`]);
  }
  assert.equal(sim.factCount("read-written-back"), 0);
});
