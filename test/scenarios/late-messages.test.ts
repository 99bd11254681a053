/**
 * Messages from another time: what was sent long ago arrives when the world has changed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Simulation } from "#src/sim/index.ts";

function cluster(): Simulation {
  const sim = new Simulation({ seed: 1, nodes: 3 });
  sim.runFor(100);
  return sim;
}

test("late messages: a write that arrives after its value was replaced and its receiver restarted changes nothing", () => {
  const sim = cluster();
  const client = sim.client("c1");
  sim.network.hold("n1", "n3");
  client.put("k", "old", { node: "n1" });
  sim.runFor(500);
  const read = client.get("k", { node: "n2" });
  sim.runFor(500);
  client.put("k", "new", { node: "n2", context: read.context });
  sim.runFor(500);

  sim.node("n3").crash();
  sim.node("n3").restart();
  sim.runFor(20_000);
  // The hold outlives the restart: "old" reaches the next life of n3 only now.
  assert.ok(sim.network.held("n1", "n3").some(({ kind }) => kind === "write"));
  sim.network.release("n1", "n3");
  sim.runFor(500);

  for (const node of sim.nodes) {
    const final = client.get("k", { node, r: "all" });
    sim.runFor(500);
    assert.deepEqual(final.entry.returned, ["new"], `through ${node}`);
  }
  assert.ok(sim.converged);
});

test("late messages: an acknowledgement for another life of its coordinator is dropped", () => {
  const sim = cluster();
  const client = sim.client("c1");
  sim.network.hold("n2", "n1");
  sim.network.hold("n3", "n1");
  const put = client.put("k", "v", { node: "n1" });
  sim.runFor(500);
  sim.node("n1").crash();
  assert.equal(put.entry.status, "info");
  sim.node("n1").restart();
  sim.runFor(2_000);

  const other = client.put("other", "w", { node: "n1", w: "all", timeoutMs: 500 });
  sim.runFor(10);
  assert.equal(other.entry.status, "open");
  const dropped = sim.factCount("message-dropped");
  // The old acknowledgements arrive before the new ones: they must not count for the new put.
  sim.network.release("n2", "n1");
  sim.runFor(10);
  assert.ok(sim.factCount("message-dropped") > dropped);
  assert.equal(other.entry.status, "open", "n3 has not answered yet");
  sim.network.release("n3", "n1");
  sim.runFor(10);
  assert.equal(other.entry.status, "ok");
});

test("late messages: a deletion is not undone by a write that it covered", () => {
  const sim = cluster();
  const client = sim.client("c1");
  sim.network.hold("n1", "n3");
  client.put("k", "v", { node: "n1" });
  sim.runFor(500);
  const gone = client.delete("k", { node: "n2" });
  sim.runFor(500);
  assert.equal(gone.entry.status, "ok");
  sim.network.release("n1", "n3");
  sim.runFor(500);
  const read = client.get("k", { r: "all" });
  sim.runFor(500);
  assert.deepEqual(read.entry.returned, []);
  assert.ok(sim.converged);
});
