import assert from "node:assert/strict";
import { test } from "node:test";
import type { MemberState } from "../membership-messages.ts";
import { nodeId } from "../ring/node-id.ts";
import type { Membership } from "./membership.ts";
import { Reach } from "./reach.ts";

const NAMES = ["slow", "degraded", "silent", "suspect"];

test("reach: slow, then with a slow disk, then who was silent or suspected, the longest ago first", () => {
  const states = new Map<string, MemberState>();
  const membership = { stateOf: (id: string) => states.get(id) ?? "alive" };
  const reach = new Reach(membership as unknown as Membership, (id) => id === "degraded");
  const order = (): string[] =>
    NAMES.toSorted((one, other) => reach.cost(nodeId(one)) - reach.cost(nodeId(other)));
  for (const name of NAMES) reach.onLinked(nodeId(name), 1);
  for (const name of ["slow", "degraded"]) {
    for (let round = 0; round < 20; round++) reach.onAnswered(nodeId(name), 500);
  }
  reach.onSilent(nodeId("silent"), 1);
  reach.onTold(nodeId("suspect"), "suspect");
  assert.deepEqual(order(), NAMES);
  const heard = NAMES.filter((name) => reach.isHeard(nodeId(name)));
  assert.deepEqual(heard, ["slow", "degraded"]);
  const well = NAMES.filter((name) => reach.isWell(nodeId(name)));
  assert.deepEqual(well, ["slow"]);
  reach.onSilent(nodeId("silent"), 1);
  assert.deepEqual(order(), ["slow", "degraded", "suspect", "silent"]);

  // What it answers outweighs what is said of it.
  reach.onAnswered(nodeId("suspect"), 1);
  assert.ok(reach.isWell(nodeId("suspect")));
  reach.onTold(nodeId("suspect"), "suspect");
  assert.ok(!reach.isHeard(nodeId("suspect")));
  reach.onTold(nodeId("suspect"), "alive");
  assert.ok(reach.isWell(nodeId("suspect")));

  assert.ok(reach.isLinked(nodeId("suspect")));
  states.set("suspect", "dead");
  assert.ok(!reach.isLinked(nodeId("suspect")), "its connection says nothing");
});

test("reach: those that were silent have their turns, one with a slow disk too", () => {
  const alive = { stateOf: () => "alive" };
  const reach = new Reach(alive as unknown as Membership, (id) => id === "degraded");
  const [degraded, silent] = [nodeId("degraded"), nodeId("silent")];
  for (const id of [degraded, silent]) reach.onLinked(id, 1);
  reach.onSilent(degraded, 50);
  const asked: string[] = [];
  for (let count = 0; count < 5; count++) {
    const next = reach.cost(silent) < reach.cost(degraded) ? silent : degraded;
    asked.push(next);
    reach.onSilent(next, 50);
  }
  assert.deepEqual(asked, ["silent", "degraded", "silent", "degraded", "silent"]);
});
