import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../core/base/random.ts";
import { keyIn } from "./clients.ts";
import { Core } from "./core.ts";
import { Simulation } from "./simulation.ts";
import type { Place } from "./workload.ts";

const PLACE: Place = { key: "k", mode: "overwrite", id: keyIn("overwrite", "k") };

function cluster(replicas: number): Simulation {
  const sim = new Simulation({ seed: 1, nodes: 5, replicas });
  sim.runFor(200);
  return sim;
}

test("core: with enough owners left everything is to be had, and is", () => {
  const sim = cluster(5);
  const core = new Core(sim, new Random(1), 2);
  core.separate();
  assert.equal(core.members.length, 3);
  assert.equal(core.aimAt(PLACE, true), "read and write");
  assert.equal(core.aimAt(PLACE, false), "read");
  core.reunite();
  assert.ok(sim.runUntil(() => sim.areAllUp, { within: 1_000 }));
});

test("core: it proves what it cannot do", () => {
  const sim = cluster(2);
  const seen = new Set<string>();
  for (let seed = 1; seed <= 50; seed++) {
    const core = new Core(sim, new Random(seed), 2);
    const left = sim.owners(PLACE.id).filter((owner) => core.members.includes(owner)).length;
    const aim = core.aimAt(PLACE, true);
    seen.add(`${left} ${aim}`);
    if (left === 0) assert.match(core.unattainable(PLACE, "write")!, /^0 of /);
    if (left < 2) assert.equal(core.unattainable(PLACE, "read"), `${left} of 2 copies are left`);
  }
  assert.deepEqual([...seen].toSorted(), ["0 undefined", "1 write", "2 read and write"]);
});

test("core: without a read nothing is written where it would stand beside the rest", () => {
  const sim = cluster(2);
  for (let seed = 1; seed <= 50; seed++) {
    const core = new Core(sim, new Random(seed), 2);
    const aim = core.aimAt({ ...PLACE, mode: "siblings" }, true);
    assert.notEqual(aim, "write");
  }
});
