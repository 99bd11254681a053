import assert from "node:assert/strict";
import { test } from "node:test";
import { describeRun, drawRun } from "./swarm.ts";

const PINNED = [
  "simulation.nodes 5",
  "simulation.network.lateRate 0.027",
  "simulation.connections.timeoutMs 2057",
  "simulation.disk.stallRate 0.018",
  "workload.clients 5",
  "workload.w one quorum all",
  "nemesis.crashes.everyMs 500",
  "nemesis.pauses.lastsMsMax 20000",
];

test("swarm: a seed always draws the same options, and seeds differ", () => {
  assert.deepEqual(drawRun(7), drawRun(7));
  const texts = new Set(Array.from({ length: 100 }, (_, seed) => describeRun(drawRun(seed))));
  assert.equal(texts.size, 100);
});

test("swarm: fewer nodes may forget than the smallest write quorum has members", () => {
  let forgetfulRuns = 0;
  for (let seed = 0; seed < 1_000; seed++) {
    const { nemesis, workload, simulation } = drawRun(seed);
    const replicas = simulation.replicas!;
    const counts = workload.w.map((level) => {
      if (level === "one") return 1;
      if (level === "all") return replicas;
      return typeof level === "number" ? level : Math.floor(replicas / 2) + 1;
    });
    assert.ok(nemesis.forgetful < Math.min(...counts), `seed ${seed}`);
    if (nemesis.forgetful > 0) forgetfulRuns++;
    assert.ok(nemesis.forgetful > 0 || nemesis.damage === undefined, `seed ${seed}`);
  }
  assert.ok(forgetfulRuns > 300, `only ${forgetfulRuns} of 1000 runs lose any memory`);
});

test("swarm: a run leaves most faults out, and every fault is in some run", () => {
  const drawn = Array.from({ length: 200 }, (_, seed) => drawRun(seed).nemesis);
  for (const plan of [
    "partitions",
    "clogs",
    "crashes",
    "pauses",
    "slowness",
    "slowDisks",
    "fullDisks",
    "damage",
  ] as const) {
    const count = drawn.filter((nemesis) => nemesis[plan] !== undefined).length;
    assert.ok(count > 10 && count < 150, `${plan} in ${count} of 200 runs`);
  }
});

test("swarm: what a seed drew for an option stays when other options are added", () => {
  const lines = new Set(
    describeRun(drawRun(7))
      .split("\n")
      .map((line) => line.replace(/ +/, " ")),
  );
  for (const line of PINNED) assert.ok(lines.has(line), `seed 7 no longer draws ${line}`);
});
