/**
 * What no client waits for, while clients have much to ask: it gives way, and it goes on.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "#src/core/base/random.ts";
import type { ClientOperation } from "#src/sim/client-operation.ts";
import { Simulation } from "#src/sim/index.ts";

/** An input takes a node half a millisecond: 2,000 of them a second are all that it can do. */
const SLOWNESS = 10;
const MISSED = 4_000;

interface Returned {
  readonly p99Ms: number;
  readonly failed: number;
  /** Hints that are kept: when the node is back, and by the second from then on. */
  readonly hints: readonly number[];
}

/** A node comes back that has missed thousands of writes, while the clients go on asking. */
function returned(perSecond: number, seconds: number): Returned {
  const sim = new Simulation({ seed: 1, nodes: 4 });
  sim.runFor(100);
  sim.node("n4").crash();
  const writer = sim.client("writer", { persists: true });
  for (let key = 0; key < MISSED; key++) {
    writer.put(`missed${key}`, "v");
    sim.runFor(1);
  }
  sim.runFor(2_000);
  for (const name of sim.nodes) if (sim.isUp(name)) sim.node(name).slow(SLOWNESS);
  sim.node("n4").restart();
  sim.node("n4").slow(SLOWNESS);
  const asked: ClientOperation[] = [];
  const random = new Random("clients");
  const client = sim.client("c1");
  const end = sim.now + seconds * 1_000;
  const ask = (): void => {
    if (sim.now >= end) return;
    const key = `k${random.integer(200)}`;
    const how = { node: random.pick(sim.nodes) };
    asked.push(random.chance(0.5) ? client.get(key, how) : client.put(key, "v", how));
    sim.after(random.exponential(1_000 / perSecond), ask);
  };
  ask();
  const hints = [sim.hints.length];
  for (let second = 0; second < seconds; second++) {
    sim.runFor(1_000);
    hints.push(sim.hints.length);
  }
  sim.runFor(2_000);
  const tookMs = asked.map(({ entry }) => entry.completedAt! - entry.invokedAt);
  tookMs.sort((left, right) => left - right);
  const failed = asked.filter(({ entry }) => entry.status !== "ok").length;
  return { p99Ms: tookMs[Math.floor(tookMs.length * 0.99)]!, failed, hints };
}

test("background: a node that comes back is brought what it missed, and clients hardly notice", (t) => {
  const { p99Ms, failed, hints } = returned(300, 15);
  t.diagnostic(`p99 ${p99Ms.toFixed(0)} ms; hints ${hints.join(" ")}`);
  assert.ok(hints[0]! > 2_000);
  assert.equal(failed, 0);
  assert.ok(p99Ms < 250, `${p99Ms} ms, of the second that they have`);
  // It waits a second or two, and then never stops.
  for (let second = 3; second < hints.length; second++) {
    const isOver = hints[second - 1] === 0;
    assert.ok(isOver || hints[second]! < hints[second - 1]!, `second ${second}`);
  }
  assert.equal(hints.at(-1), 0);
});
