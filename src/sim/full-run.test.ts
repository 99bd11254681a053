import assert from "node:assert/strict";
import { test } from "node:test";
import { drawFullRun, FULL_HITS_MIN, FULL_SAFETY_MS } from "./full-run.ts";
import { runSeed } from "./run.ts";
import { smallestWrite } from "./swarm.ts";
import { SweepTotals } from "./sweep.ts";

test("full run: every seed has five nodes, skew, lost disks, and copies that are kept", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const { simulation, workload, nemesis, safetyMs } = drawFullRun(seed);
    const writes = smallestWrite(workload, simulation.replicas ?? 3);
    assert.equal(simulation.nodes, 5);
    assert.equal(simulation.wall?.offsetMsMax, 600_000);
    assert.ok(safetyMs >= FULL_SAFETY_MS);
    assert.ok(nemesis.diskSwaps !== undefined && nemesis.backups !== undefined);
    assert.ok(nemesis.forgetful >= 1 && nemesis.forgetful < writes, `seed ${seed}`);
  }
});

test("full run: it goes on until enough has struck", () => {
  const result = runSeed(3, drawFullRun(3));
  assert.deepEqual(result.findings, []);
  assert.ok(result.hits >= FULL_HITS_MIN, `${result.hits}`);
  assert.ok(result.strikes.length >= result.hits);
});

test("full run: one that had too little trouble is named by the sweep", () => {
  const options = drawFullRun(3);
  const quiet = runSeed(3, { ...options, safetyMs: 100, hitsMin: 1_000 });
  const totals = new SweepTotals();
  totals.add(quiet);
  const { ok, missing, hitsLeast } = totals.summary();
  assert.equal(ok, false);
  assert.equal(hitsLeast, quiet.hits);
  assert.deepEqual(missing, [`1000 faults in the run of seed 3, which had ${quiet.hits}`]);
});
