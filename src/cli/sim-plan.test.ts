import assert from "node:assert/strict";
import { test } from "node:test";
import { drawRun } from "../sim/swarm.ts";
import { judgedRun, optionsOf, plant, type SimPlan } from "./sim-plan.ts";

const AS_DRAWN: SimPlan = {
  full: false,
  nodes: undefined,
  virtualSeconds: undefined,
  planted: undefined,
  twice: false,
};

test("sim plan: without wishes a seed runs as it is drawn", () => {
  assert.deepEqual(optionsOf(11, AS_DRAWN), drawRun(11));
});

test("sim plan: fewer nodes than were drawn never lose more than the draw allowed", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const drawn = drawRun(seed);
    const { simulation, nemesis } = optionsOf(seed, { ...AS_DRAWN, nodes: 3 });
    const { replicas = 3 } = drawn.simulation;
    assert.equal(simulation.nodes, 3);
    assert.equal(simulation.replicas, Math.min(replicas, 3));
    assert.ok(nemesis.forgetful <= (replicas > 3 ? 0 : drawn.nemesis.forgetful));
    if (replicas > 3) assert.equal(nemesis.damage, undefined);
  }
});

test("sim plan: as long as it was asked for", () => {
  assert.equal(optionsOf(11, { ...AS_DRAWN, virtualSeconds: 1.5 }).safetyMs, 1_500);
});

test("sim plan: a bug is planted until it is taken out", () => {
  const plan = { ...AS_DRAWN, planted: "newest-only", virtualSeconds: 10 };
  const undo = plant(plan);
  const verdicts = [1, 2, 3, 4].map((seed) => judgedRun(seed, plan).verdict);
  undo();
  assert.ok(verdicts.includes("safety"), verdicts.join());
  assert.equal(judgedRun(1, plan).verdict, "ok");
});
