/**
 * Clients that may ask again, and nodes that cannot answer or have too much to do.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClientOperation } from "#src/sim/client-operation.ts";
import { Simulation } from "#src/sim/index.ts";

const REQUESTS = 2_000;

function triesOf(operations: readonly ClientOperation[]): number {
  return operations.reduce((sum, { entry }) => sum + entry.tries.length, 0);
}

test("retry storm: however much fails, a tenth more is asked, and a hundred once", () => {
  const sim = new Simulation({ seed: 1, nodes: 3 });
  sim.runFor(100);
  for (const name of sim.nodes) sim.node(name).crash();
  const client = sim.client("c1");
  const reads = Array.from({ length: REQUESTS }, (_, index) => {
    const read = client.get(`k${index}`, { retries: 5 });
    sim.runFor(1);
    return read;
  });
  sim.runFor(5_000);
  const tries = triesOf(reads);
  assert.ok(tries > REQUESTS && tries <= REQUESTS * 1.1 + 100, `${tries}`);
  const { outcome } = reads.at(-1)!;
  assert.ok(outcome?.kind === "failed");
  assert.deepEqual([outcome.code, outcome.heldBack], ["UNAVAILABLE", "retry-budget"]);
});

test("retry storm: a node that was away for a moment is asked again by everybody", () => {
  const sim = new Simulation({ seed: 1, nodes: 3 });
  sim.runFor(100);
  const client = sim.client("c1");
  sim.node("n1").crash();
  const reads = Array.from({ length: 50 }, (_, index) => {
    return client.get(`k${index}`, { node: "n1", retries: 1 });
  });
  sim.runFor(1_000);
  assert.deepEqual(new Set(reads.map(({ entry }) => entry.status)), new Set(["ok"]));
});

/** Reads of a node that takes two at a time, in bursts of twenty; what reached it. */
function overload(persists: boolean): { readonly refused: number; readonly served: number } {
  const sim = new Simulation({ seed: 1, nodes: 3, config: { inFlightMax: 2 } });
  sim.runFor(100);
  const client = sim.client("c1", { persists });
  for (let burst = 0; burst < 200; burst++) {
    for (let index = 0; index < 20; index++) client.get(`k${index}`, { node: "n1", retries: 1 });
    sim.runFor(50);
  }
  sim.runFor(1_000);
  const served = sim.history.filter(({ status }) => status === "ok").length;
  return { refused: sim.factDetails.get("request-finished/OVERLOADED") ?? 0, served };
}

test("overload: who is refused most of the time asks less, and is served about as much", (t) => {
  const [persistent, polite] = [overload(true), overload(false)];
  t.diagnostic(`refused ${persistent.refused}, with the throttle ${polite.refused}`);
  t.diagnostic(`served ${persistent.served}, with the throttle ${polite.served}`);
  assert.ok(polite.refused < persistent.refused / 3);
  assert.ok(polite.served > persistent.served / 3);
});

test("overload: a client that was refused is told by whom, and is served when it is over", () => {
  const sim = new Simulation({ seed: 1, nodes: 3, config: { inFlightMax: 1 } });
  sim.runFor(100);
  const client = sim.client("c1");
  const burst = Array.from({ length: 40 }, (_, key) => client.get(`k${key}`, { node: "n1" }));
  sim.runFor(1_000);
  const kept = burst.filter(({ outcome }) => {
    return outcome?.kind === "failed" && outcome.heldBack === "throttle";
  });
  assert.ok(kept.length > 0 && kept.length < 40, `${kept.length}`);
  const [first] = kept;
  assert.equal(first!.entry.code, "OVERLOADED");
  sim.runFor(130_000);
  const later = Array.from({ length: 20 }, (_, key) => {
    const read = client.get(`k${key}`, { node: "n1" });
    sim.runFor(20);
    return read;
  });
  assert.deepEqual(new Set(later.map(({ entry }) => entry.status)), new Set(["ok"]));
});
