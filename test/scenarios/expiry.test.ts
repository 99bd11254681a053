/**
 * Values that were put for a time: gone for everybody when it is over, however long the way, and
 * not before.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { OperationOptions } from "#src/sim/clients.ts";
import { keyIn } from "#src/sim/clients.ts";
import type { Partition } from "#src/sim/network.ts";
import type { Simulation } from "#src/sim/simulation.ts";
import { done } from "../support/answered.ts";
import { cluster, ID, KEY } from "../support/purging-cluster.ts";

function read(sim: Simulation, options: OperationOptions = {}): readonly string[] {
  return done(sim, sim.client("c").get(KEY, options)).entry.returned!;
}

test("expiry: a value is there until its time is over, through every node, and then it is not", () => {
  const sim = cluster();
  done(sim, sim.client("c").put(KEY, "v", { ttlMs: 5_000 }));
  sim.runFor(4_900);
  for (const node of sim.nodes) assert.deepEqual(read(sim, { node }), ["v"], node);
  sim.runFor(100);
  for (const node of sim.nodes) assert.deepEqual(read(sim, { node }), [], node);
});

test("expiry: what has expired takes no room for long", () => {
  const sim = cluster();
  for (let i = 0; i < 20; i++) done(sim, sim.client("c").put(`k${i}`, "v", { ttlMs: 1_000 }));
  done(sim, sim.client("c").put("stays", "v"));
  const areGone = (): boolean => sim.nodes.flatMap((node) => sim.contents(node)).length === 3;
  assert.ok(sim.runUntil(areGone, { within: 30_000 }));
  assert.deepEqual(done(sim, sim.client("c").get("stays")).entry.returned, ["v"]);
});

test("expiry: a value that is brought home by a hint has the time that it had", () => {
  const sim = cluster();
  const [, , away] = sim.owners(ID);
  sim.node(away!).crash();
  sim.runFor(1_000);
  done(sim, sim.client("c").put(KEY, "v", { ttlMs: 8_000 }));
  sim.runFor(4_000);
  sim.node(away!).restart();
  assert.ok(sim.runUntil(() => sim.hints.length === 0, { within: 5_000 }));
  sim.runFor(5_000);
  assert.deepEqual(read(sim, { node: away!, r: "one" }), []);
  assert.deepEqual(read(sim, { r: "all" }), []);
});

test("expiry: an owner that was away when the time was over does not bring the value back", () => {
  const sim = cluster();
  const [, , away] = sim.owners(ID);
  done(sim, sim.client("c").put(KEY, "v", { ttlMs: 2_000, w: "all" }));
  sim.node(away!).crash();
  sim.runFor(60_000);
  sim.node(away!).restart();
  sim.runFor(30_000);
  for (const node of sim.nodes) assert.deepEqual(read(sim, { node }), [], node);
  assert.equal(sim.nodes.flatMap((node) => sim.contents(node)).length, 0);
});

test("expiry: a clock that is set back brings nothing back at its node", () => {
  const sim = cluster();
  done(sim, sim.client("c").put(KEY, "v", { ttlMs: 5_000 }));
  const [home] = sim.owners(ID);
  sim.runFor(6_000);
  assert.deepEqual(read(sim, { node: home! }), []);
  sim.node(home!).jumpWall(-3_600_000);
  assert.deepEqual(read(sim, { node: home! }), []);
});

test("expiry: an owner whose clock is behind keeps the others from forgetting, not from expiring", () => {
  const sim = cluster();
  const [home, behind] = sim.owners(ID);
  sim.node(behind!).crash();
  sim.node(behind!).restart();
  sim.node(behind!).jumpWall(-60_000);
  sim.runFor(3_000);
  done(sim, sim.client("c").put(KEY, "v", { ttlMs: 5_000, node: home! }));
  sim.runFor(20_000);
  assert.deepEqual(read(sim, { node: home! }), []);
  assert.equal(sim.factCount("tombstone-purged"), 0);
  sim.runFor(60_000);
  assert.ok(sim.factCount("tombstone-purged") >= 3);
});

test("expiry: a later put takes its place, and lives for ever unless it says otherwise", () => {
  const sim = cluster();
  const client = sim.client("c");
  done(sim, client.put(KEY, "v", { ttlMs: 2_000 }));
  done(sim, client.put(KEY, "w"));
  sim.runFor(30_000);
  assert.deepEqual(read(sim), ["w"]);
});

test("expiry: siblings that have expired are in nobody's way", () => {
  const sim = cluster({ config: { siblingsMax: 3 } });
  const client = sim.client("c");
  const mode = { mode: "siblings" } as const;
  for (let i = 0; i < 20; i++) {
    done(sim, client.put(KEY, `v${i}`, { ...mode, ttlMs: 100 }));
    sim.runFor(150);
  }
  assert.deepEqual(done(sim, client.get(KEY, mode)).entry.returned, []);
});

test("expiry: to delete what has expired is to delete nothing", () => {
  const sim = cluster();
  const client = sim.client("c");
  done(sim, client.put(KEY, "v", { ttlMs: 1_000 }));
  sim.runFor(1_100);
  const deletion = done(sim, client.delete(KEY));
  assert.equal(deletion.entry.status, "ok");
  assert.deepEqual(read(sim), []);
});

test("expiry: a time to live counts from now, also after a write of a clock that was ahead", () => {
  const sim = cluster();
  const [home, second] = sim.owners(ID);
  const client = sim.client("c");
  sim.node(home!).jumpWall(365 * 24 * 3_600_000);
  sim.runFor(100);
  done(sim, client.put(KEY, "ahead", { node: home!, w: "all" }));
  sim.node(home!).jumpWall(-365 * 24 * 3_600_000);
  done(sim, client.put(KEY, "brief", { node: second!, ttlMs: 1_000, w: "all" }));
  sim.runFor(2_000);
  assert.deepEqual(read(sim, { node: second! }), []);
});

test("expiry: a clock that was ahead for a moment deletes nothing of others", () => {
  const sim = cluster();
  const mode = { mode: "siblings" } as const;
  const [home, second] = sim.owners(keyIn("siblings", KEY));
  const client = sim.client("c");
  const day = 24 * 3_600_000;
  done(sim, client.put(KEY, "for a day", { ...mode, node: second!, ttlMs: day, w: "all" }));
  sim.node(home!).jumpWall(2 * day);
  sim.runFor(5_000);
  sim.node(home!).jumpWall(-2 * day);
  sim.runFor(60_000);
  done(sim, client.put(KEY, "beside it", { ...mode, node: home!, w: "all" }));
  const seen = done(sim, client.get(KEY, { ...mode, node: second!, r: "all" })).entry.returned!;
  assert.deepEqual([...seen].sort(), ["beside it", "for a day"]);
});

test("expiry: what was forgotten as expired is not back when clocks are set right", () => {
  const sim = cluster({ nodes: 3 });
  const [, , third] = sim.owners(ID);
  const ten = 10 * 60_000;
  done(sim, sim.client("c").put(KEY, "v", { ttlMs: ten, w: "all" }));
  for (const node of sim.nodes) sim.node(node).jumpWall(ten + 60_000);
  let cut: Partition | undefined = undefined;
  sim.observe({
    onFact: (_node, fact) => {
      // The third does not hear of it.
      if (fact.kind === "tombstone-purged") cut ??= sim.network.partition([third!]);
    },
  });
  sim.runFor(30_000);
  assert.ok(sim.factCount("tombstone-purged") > 0);
  for (const node of sim.nodes) sim.node(node).jumpWall(-ten - 60_000);
  sim.node(third!).crash();
  sim.node(third!).restart();
  sim.network.heal();
  sim.runFor(10_000);
  assert.deepEqual(read(sim, { node: third!, r: "all" }), []);
});
