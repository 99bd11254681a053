/**
 * One minute of faults on real processes, and that the network they are on does what it is told.
 * CHAOS_SEED in the environment asks for the plan of a seed again.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ChaosCluster } from "./chaos-cluster.ts";
import { chaosRun } from "./chaos-run.ts";
import { packetsThrough } from "./packet-probe.ts";
import { OPEN } from "./link-condition.ts";
import { Wire } from "./wire.ts";

const FAULTS_MS = 20_000;
const SEED = Number(process.env["CHAOS_SEED"] ?? process.pid);
/** As many as a socket keeps for a process that is not given the processor. */
const SENT = 150;

for (const name of ChaosCluster.removeLeft()) console.log(`removed ${name}, left by a dead run`);
const skip = ChaosCluster.whyNot() ?? false;

test(
  "chaos, wire: a link is cut, loses and opens again in one direction alone",
  { skip },
  async () => {
    const wire = Wire.open(3);
    try {
      const counts = async (): Promise<readonly number[]> => [
        await packetsThrough(wire, 0, 1, SENT),
        await packetsThrough(wire, 1, 0, SENT),
      ];
      assert.deepEqual(await counts(), [SENT, SENT]);
      wire.setConditions((from, to) => (from === 0 && to === 1 ? { ...OPEN, isCut: true } : OPEN));
      assert.deepEqual(await counts(), [0, SENT]);
      wire.setConditions((from, to) =>
        from === 1 && to === 0 ? { ...OPEN, lossShare: 0.5 } : OPEN,
      );
      const [through, back] = await counts();
      assert.equal(through, SENT);
      assert.ok(
        back! > SENT * 0.3 && back! < SENT * 0.7,
        `${back} of ${SENT}, half were to be lost`,
      );
      assert.ok(wire.dropped() > SENT, "what was lost is counted");
      wire.setConditions(() => OPEN);
      assert.deepEqual(await counts(), [SENT, SENT]);
    } finally {
      wire.close();
    }
  },
);

test("chaos: a minute of kills, pauses, partitions and full disks", { skip }, async (t) => {
  t.diagnostic(`seed ${SEED}`);
  const options = { seed: SEED, faultsMs: FAULTS_MS, keepsLogs: false, isPlanted: false };
  const report = await chaosRun(options);
  for (const line of report.lines) t.diagnostic(line);
  assert.deepEqual(report.problems.slice(0, 20), []);
});
