/**
 * A checker that has never found anything has shown nothing: each must find the bugs that are
 * planted for it, within a bounded number of seeds, and find nothing in the same runs without them.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_CHECKERS } from "#src/sim/checks/all.ts";
import { differencesBetween } from "#src/sim/checks/determinism.ts";
import { PLANTED_BUGS, type PlantedBug } from "#src/sim/planted/index.ts";
import { runSeed } from "#src/sim/run.ts";
import { Simulation } from "#src/sim/simulation.ts";
import { drawRun, type RunOptions } from "#src/sim/swarm.ts";

/** The rarest of them shows in one run of six. */
const SEEDS_MAX = 100;

for (const [name, bug] of PLANTED_BUGS) {
  test(`${bug.checker} finds ${name}: ${bug.description}`, (t) => {
    const seed = firstFound(bug);
    assert.ok(seed !== undefined, `not found in ${SEEDS_MAX} seeds`);
    t.diagnostic(`found by seed ${seed}`);
    for (let clean = 1; clean <= seed; clean++) assert.deepEqual(findingsOf(bug, clean), []);
  });
}

test("every checker has a planted bug to find", () => {
  const sim = new Simulation({ seed: 1 });
  const checkers = [...ALL_CHECKERS.map((factory) => factory(sim).id), "S19", "L1", "L2"];
  const planted = new Set([...PLANTED_BUGS.values()].map(({ checker }) => checker));
  assert.deepEqual([...planted].toSorted(), checkers.toSorted());
});

test("a planted bug that is taken out again leaves nothing behind", () => {
  const { traceHash } = runSeed(1);
  for (const { apply } of PLANTED_BUGS.values()) apply()();
  assert.equal(runSeed(1).traceHash, traceHash);
});

function firstFound(bug: PlantedBug): number | undefined {
  const undo = bug.apply();
  try {
    for (let seed = 1; seed <= SEEDS_MAX; seed++) {
      if (findingsOf(bug, seed).some(({ checker }) => checker === bug.checker)) return seed;
    }
    return undefined;
  } finally {
    undo();
  }
}

function findingsOf(bug: PlantedBug, seed: number): readonly { checker: string; detail: string }[] {
  const first = runSeed(seed, optionsOf(bug, seed));
  if (bug.checker !== "S19") return first.findings;
  const second = runSeed(seed, optionsOf(bug, seed));
  const differences = differencesBetween(first, second);
  return [...first.findings, ...differences.map((detail) => ({ checker: "S19", detail }))];
}

function optionsOf({ trouble }: PlantedBug, seed: number): RunOptions {
  const drawn = drawRun(seed);
  return trouble === undefined ? drawn : trouble(drawn);
}
