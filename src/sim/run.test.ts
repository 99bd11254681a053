import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckerFactory } from "./checker.ts";
import { runSeed } from "./run.ts";
import { shrink } from "./shrink.ts";
import { SEEDS_ENOUGH, sweep } from "./sweep.ts";
import { drawRun } from "./swarm.ts";

/** Finds a fault in every deletion that was asked of n2. */
const noDeletionsAtN2: CheckerFactory = () => ({
  id: "X1",
  rule: "nobody deletes through n2",
  checked: 1,
  finish: ({ history }) =>
    history
      .filter(({ operation, node }) => operation === "delete" && node === "n2")
      .map(({ key, sequence }) => `${key} was deleted by operation ${sequence}`),
});

const nothing: CheckerFactory = () => ({
  id: "X0",
  rule: "all is well",
  checked: 0,
  finish: () => [],
});

test("run: the same seed twice is the same run", () => {
  for (const seed of [1, 5, 11]) {
    const [one, two] = [runSeed(seed), runSeed(seed)];
    assert.equal(one.traceHash, two.traceHash, `seed ${seed}`);
    assert.deepEqual(one.operations, two.operations);
    assert.deepEqual([...one.faults], [...two.faults]);
  }
});

test("run: checkers do not change it", () => {
  assert.equal(runSeed(5).traceHash, runSeed(5, drawRun(5), { checkers: [] }).traceHash);
});

test("run: a finding of a checker is a verdict with its name", () => {
  const seed = seedWithDeletions();
  const result = runSeed(seed, drawRun(seed), { checkers: [noDeletionsAtN2] });
  assert.equal(result.verdict, "safety");
  assert.equal(result.findings[0]?.checker, "X1");
});

test("run: a node that throws is a crash, whatever else is found", () => {
  const seed = seedWithDeletions();
  const result = runSeed(seed, drawRun(seed), {
    checkers: [noDeletionsAtN2],
    prepare: (sim) =>
      sim.observe({
        onFact: (_node, fact) => {
          if (fact.kind === "dot-minted") throw new Error("broken");
        },
      }),
  });
  assert.equal(result.verdict, "crash");
  assert.match(result.findings[0]!.detail, /broken/);
});

test("run: a cluster that cannot recover is a liveness finding", () => {
  const options = drawRun(5);
  const result = runSeed(5, options, {
    checkers: [],
    // Nobody puts the network back: every link is held for ever, and heal does not know of it.
    prepare: (sim) => {
      sim.observe({ onReply: () => {} });
      sim.network.heal = (): void => {};
      for (const from of sim.nodes) {
        for (const to of sim.nodes) if (from !== to) sim.network.hold(from, to);
      }
    },
  });
  assert.equal(result.verdict, "liveness");
});

test("sweep: adds up its runs, and one that is too short does not judge what is missing", () => {
  const sweeping = sweep(1, 5, { checkers: [nothing] });
  let runs = 0;
  let events = 0;
  for (;;) {
    const next = sweeping.next();
    if (next.done === true) {
      assert.equal(next.value.runs, 5);
      assert.equal(next.value.events, events);
      assert.ok(next.value.runs < SEEDS_ENOUGH);
      assert.deepEqual(next.value.missing, []);
      break;
    }
    runs++;
    events += next.value.events;
  }
  assert.equal(runs, 5);
});

test("shrink: leaves nothing but what the failure needs", () => {
  const seed = seedWithDeletions();
  const before = runSeed(seed, drawRun(seed), { checkers: [noDeletionsAtN2] });
  const shrinking = shrink(seed, { checkers: [noDeletionsAtN2], runsMax: 300 });
  let attempts = 0;
  for (;;) {
    const next = shrinking.next();
    if (next.done !== true) {
      attempts++;
      continue;
    }
    const smallest = next.value;
    assert.ok(before.steps.length > 20);
    assert.equal(smallest.steps.length, 1, "one deletion through n2 is enough");
    assert.equal(smallest.strikes.length, 0, "and no fault");
    assert.equal(smallest.options.workload.clients, 1);
    assert.equal(smallest.findings[0]?.checker, "X1");
    assert.ok(attempts < 300, `${attempts} attempts`);
    break;
  }
});

test("shrink: a seed that does not fail cannot be shrunk", () => {
  assert.throws(() => shrink(5, { checkers: [nothing] }).next(), /does not fail/);
});

/** The first seed whose clients delete through n2. */
function seedWithDeletions(): number {
  for (let seed = 1; ; seed++) {
    const { workload, nemesis } = drawRun(seed);
    if (workload.deletes < 1 || nemesis.forgetful > 0) continue;
    const { findings } = runSeed(seed, drawRun(seed), { checkers: [noDeletionsAtN2] });
    if (findings.some(({ checker }) => checker === "X1")) return seed;
  }
}
