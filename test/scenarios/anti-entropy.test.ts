/**
 * Owners come to agree though nobody reads and nothing was kept for them.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fact } from "#src/core/facts.ts";
import { Simulation } from "#src/sim/index.ts";

type Finished = Extract<Fact, { readonly kind: "exchange-finished" }>;

/** Without hints: whatever a node misses, only an exchange can bring. */
function cluster(): { readonly sim: Simulation; readonly finished: Finished[] } {
  const config = { hintBytesMax: 0, hintBytesPerTargetMax: 0 };
  const sim = new Simulation({ seed: 1, nodes: 3, config });
  const finished: Finished[] = [];
  sim.observe({
    onFact: (_node, fact) => {
      if (fact.kind === "exchange-finished") finished.push(fact);
    },
  });
  sim.runFor(200);
  return { sim, finished };
}

function putAll(sim: Simulation, count: number, value: string): void {
  const client = sim.client("c");
  const puts = Array.from({ length: count }, (_, i) => {
    return client.put(`k${i}`, value, { node: i % 2 === 0 ? "n1" : "n2" });
  });
  assert.ok(sim.runUntil(() => puts.every(({ isDone }) => isDone), { within: 10_000 }));
  assert.ok(puts.every(({ entry }) => entry.status === "ok"));
}

function moved(finished: readonly Finished[]): number {
  return finished.reduce((sum, { keysMoved }) => sum + keysMoved, 0);
}

test("anti-entropy: what a node missed comes to it, and nothing else moves", () => {
  const { sim, finished } = cluster();
  putAll(sim, 60, "before");
  sim.runFor(60_000);
  assert.ok(sim.converged);
  assert.equal(moved(finished), 0);
  sim.node("n3").crash();
  sim.runFor(1_000);
  putAll(sim, 20, "while it was away");
  sim.node("n3").restart();
  assert.ok(sim.runUntil(() => sim.converged, { within: 120_000 }));
  sim.runFor(120_000);
  assert.equal(moved(finished), 20);
});

test("anti-entropy: a node whose disk is gone is filled again", () => {
  const { sim } = cluster();
  putAll(sim, 60, "v");
  sim.node("n3").crash();
  sim.node("n3").restart("new-identity");
  assert.ok(sim.runUntil(() => sim.converged, { within: 120_000 }));
});

test("anti-entropy: a deletion that a node missed is not undone by what it holds", () => {
  const { sim } = cluster();
  putAll(sim, 20, "v");
  sim.runFor(5_000);
  sim.node("n3").crash();
  sim.runFor(1_000);
  const client = sim.client("c");
  for (let i = 0; i < 20; i++) client.delete(`k${i}`, { node: "n1" });
  sim.runFor(2_000);
  sim.node("n3").restart();
  assert.ok(sim.runUntil(() => sim.converged, { within: 120_000 }));
  for (let i = 0; i < 20; i++) {
    const read = client.get(`k${i}`, { node: "n3", r: "one" });
    sim.runFor(100);
    assert.deepEqual(read.entry.returned, []);
  }
});

test("anti-entropy: a row that has rotted is mended though nobody reads it", () => {
  const { sim } = cluster();
  putAll(sim, 20, "v");
  sim.runFor(5_000);
  sim.node("n3").crash();
  assert.ok(sim.node("n3").damage(sim.keys[0]!));
  sim.node("n3").restart();
  assert.ok(sim.runUntil(() => sim.converged, { within: 120_000 }));
});
