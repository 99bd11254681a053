/**
 * Hinted hand-off: writes go on while owners are away, and come home when they are back.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeConfig } from "#src/core/config.ts";
import { Simulation } from "#src/sim/index.ts";
import { keyIn } from "#src/sim/clients.ts";
import { answered } from "../support/answered.ts";

function cluster(nodes: number, config: Partial<NodeConfig> = {}): Simulation {
  const sim = new Simulation({ seed: 1, nodes, replicas: 3, config });
  sim.runFor(200);
  return sim;
}

const KEY = "k";
const ID = keyIn("overwrite", KEY);

test("handoff: with two of three owners away a write at quorum is kept elsewhere, and read", () => {
  const sim = cluster(5);
  const [home, ...away] = sim.owners(ID);
  for (const node of away) sim.node(node).crash();
  sim.runFor(500);
  const put = answered(sim, sim.client("c").put(KEY, "v", { node: home! }));
  assert.equal(put.entry.status, "ok");
  const { held, hinted } = put.entry.receipt!;
  assert.equal(held, 0b001);
  assert.ok(hinted === 0b010 || hinted === 0b100 || hinted === 0b110);
  const get = answered(sim, sim.client("c").get(KEY, { node: home! }));
  assert.deepEqual(get.entry.returned, ["v"]);
  for (const node of away) sim.node(node).restart();
  assert.ok(sim.runUntil(() => sim.hints.length === 0, { within: 30_000 }));
  assert.ok(sim.converged);
});

test("handoff: in strict mode nobody stands in", () => {
  const sim = cluster(5, { pw: "quorum" });
  const [home, ...away] = sim.owners(ID);
  for (const node of away) sim.node(node).crash();
  sim.runFor(500);
  const put = answered(sim, sim.client("c").put(KEY, "v", { node: home! }));
  assert.equal(put.entry.code, "QUORUM_NOT_MET");
  assert.equal(sim.hints.length, 0);
});

test("handoff: an absent key is not found by a quorum of stand-ins", () => {
  const sim = cluster(5);
  const [home, ...away] = sim.owners(ID);
  for (const node of away) sim.node(node).crash();
  sim.runFor(500);
  const get = answered(sim, sim.client("c").get(KEY, { node: home! }));
  assert.equal(get.entry.code, "QUORUM_NOT_MET");
});

test("handoff: in a cluster of three the coordinator keeps what the third has missed", () => {
  const sim = cluster(3);
  sim.node("n3").crash();
  sim.runFor(500);
  for (let i = 0; i < 50; i++) {
    const put = answered(
      sim,
      sim.client("c").put(`k${i}`, "v", { node: i % 2 === 0 ? "n1" : "n2" }),
    );
    assert.equal(put.entry.receipt!.hinted, 0);
  }
  assert.equal(sim.hints.length, 50);
  sim.node("n3").restart("new-identity");
  assert.ok(sim.runUntil(() => sim.hints.length === 0, { within: 10_000 }));
  assert.ok(sim.converged);
});

test("handoff: a node that is only slow gets no hints", () => {
  const sim = cluster(5);
  sim.node("n3").slow(50);
  for (let i = 0; i < 50; i++) answered(sim, sim.client("c").put(`k${i}`, "v", { node: "n1" }));
  sim.runFor(1_000);
  assert.equal(sim.factCount("hint-kept"), 0);
  assert.equal(sim.factCount("stand-in-asked"), 0);
});

test("handoff: a million writes to one key are one hint", () => {
  const sim = cluster(3);
  sim.node("n3").crash();
  sim.runFor(500);
  for (let i = 0; i < 200; i++) answered(sim, sim.client("c").put(KEY, `v${i}`, { node: "n1" }));
  assert.deepEqual(
    sim.hints.map(({ key }) => key),
    [ID],
  );
});

test("handoff: who keeps hints may restart, and delivers them then", () => {
  const sim = cluster(3);
  sim.node("n3").crash();
  sim.runFor(500);
  for (let i = 0; i < 20; i++) answered(sim, sim.client("c").put(`k${i}`, "v", { node: "n1" }));
  sim.node("n1").stop();
  sim.runFor(100);
  sim.node("n3").restart();
  sim.node("n1").restart();
  assert.ok(sim.runUntil(() => sim.hints.length === 0, { within: 10_000 }));
  assert.ok(sim.converged);
});

test("handoff: a stand-in that hears and is not heard makes way for the next", () => {
  const sim = new Simulation({ seed: 1, nodes: 5, replicas: 2 });
  sim.runFor(200);
  const [home, away] = sim.owners(ID);
  sim.node(away!).crash();
  sim.runFor(500);
  const client = sim.client("c");
  assert.equal(answered(sim, client.put(KEY, "v", { node: home! })).entry.status, "ok");
  const first = sim.hints[0]!.node;
  const others = sim.nodes.filter((node) => node !== first);
  sim.network.partition([first], others, { direction: "one-way" });
  const put = answered(sim, client.put(KEY, "w", { node: home! }));
  assert.equal(put.entry.status, "ok");
  assert.ok(sim.hints.some(({ node }) => node !== first));
});
