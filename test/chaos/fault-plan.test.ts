import assert from "node:assert/strict";
import { test } from "node:test";
import { FAULT_KINDS, type Fault, planOf } from "./fault-plan.ts";
import { conditionLines, OPEN, worse } from "./link-condition.ts";
import { conditionUnder } from "./network-faults.ts";

const MINUTE_MS = 60_000;
const NODES = 5;
const all = (): boolean => true;

test("chaos, plan: it follows from the seed, and from nothing else", () => {
  assert.deepEqual(planOf(7, NODES, MINUTE_MS, all), planOf(7, NODES, MINUTE_MS, all));
  assert.notDeepEqual(planOf(7, NODES, MINUTE_MS, all), planOf(8, NODES, MINUTE_MS, all));
});

test("chaos, plan: what a machine cannot make is left out, and the rest is the same", () => {
  for (let seed = 0; seed < 50; seed++) {
    const plan = planOf(seed, NODES, MINUTE_MS, all);
    const without = planOf(seed, NODES, MINUTE_MS, (kind) => kind !== "late-link");
    assert.deepEqual(
      without,
      plan.filter(({ kind }) => kind !== "late-link"),
    );
  }
});

test("chaos, plan: every kind comes, in time, and no process suffers two faults at once", () => {
  const kinds = new Set<string>();
  const processKinds = ["kill", "kill-all", "kill-starting", "stop", "pause", "stutter"];
  for (let seed = 0; seed < 100; seed++) {
    const plan = planOf(seed, NODES, MINUTE_MS, all);
    for (const { kind, atMs, forMs } of plan) {
      kinds.add(kind);
      assert.ok(atMs + forMs <= MINUTE_MS);
    }
    const ofProcesses = plan.filter(({ kind }) => processKinds.includes(kind));
    for (const fault of ofProcesses) {
      for (const other of ofProcesses) {
        if (other === fault || other.atMs < fault.atMs) continue;
        const meets = other.nodes[0] === fault.nodes[0] || other.kind === "kill-all";
        if (meets) assert.ok(other.atMs > fault.atMs + fault.forMs, `seed ${seed}`);
      }
    }
  }
  assert.deepEqual(kinds, new Set(FAULT_KINDS));
});

test("chaos, network: which links a fault cuts", () => {
  const cut = (kind: Fault["kind"], number = 0): readonly string[] => {
    const fault = { number, kind, atMs: 0, forMs: 1, nodes: [0, 1, 2, 3, 4], amount: 0 };
    const links: string[] = [];
    for (let from = 0; from < NODES + 2; from++) {
      for (let to = 0; to < NODES + 2; to++) {
        if (from === to || !conditionUnder(fault, from, to, NODES).isCut) continue;
        links.push(`${from}${to}`);
      }
    }
    return links;
  };
  assert.deepEqual(cut("mute"), ["01", "02", "03", "04"]);
  assert.deepEqual(cut("deaf"), ["10", "20", "30", "40"]);
  assert.equal(cut("isolate").length, 8);
  assert.equal(cut("isolate", 1).length, 12);
  assert.equal(cut("split").length, 12);
  assert.deepEqual(cut("bridge"), ["02", "03", "12", "13", "20", "21", "30", "31"]);
  assert.equal(cut("ring").length, 10);
  assert.deepEqual(cut("client-cut"), ["05", "15", "25", "50", "51", "52"]);
});

test("chaos, network: of two faults the worse holds, and what is open again is as before", () => {
  const slow = { ...OPEN, kilobits: 500, lossShare: 0.1 };
  const both = worse(slow, { ...OPEN, kilobits: 100, isCut: true });
  assert.deepEqual(both, { ...OPEN, kilobits: 100, lossShare: 0.1, isCut: true });
  assert.equal(conditionLines(0, 1, OPEN, both, false).length, 3);
  assert.equal(conditionLines(0, 1, both, OPEN, false).length, 3);
  assert.deepEqual(conditionLines(0, 1, both, both, false), []);
  const late = { ...OPEN, delayMs: 20, jitterMs: 5, lossShare: 0.25 };
  assert.deepEqual(conditionLines(0, 1, OPEN, late, true), [
    "qdisc replace dev p1 parent 1:1 netem limit 1000 delay 20ms 5ms loss 25.00%",
  ]);
});
