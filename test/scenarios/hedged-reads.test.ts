/**
 * How long reads take when a node or the network is slow, with and without a further question, and
 * what the questions cost. Virtual time: the numbers are the same on every machine.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fact } from "#src/core/facts.ts";
import { Simulation } from "#src/sim/index.ts";

/** Mostly a millisecond there and back; of a hundred messages two are late by up to 100 ms. */
const NETWORK = { delayMs: 0.2, delayMsMean: 0.5, spikeRate: 0.02, spikeMsMax: 100 };
const READS = 3_000;
const KEYS = 50;

interface Measured {
  readonly p50: number;
  readonly p99: number;
  readonly questions: number;
  readonly hedges: number;
  readonly won: number;
}

/** Reads, and a write for every ten of them, through two nodes of which neither is slow. */
function measure(options: {
  readonly hedgeShare: number;
  readonly slowness?: number;
  readonly network?: typeof NETWORK;
}): Measured {
  const { hedgeShare, slowness = 1, network = NETWORK } = options;
  const sim = new Simulation({ seed: 1, nodes: 3, config: { hedgeShare }, network });
  sim.runFor(100);
  const client = sim.client("c1");
  for (let key = 0; key < KEYS; key++) client.put(`k${key}`, `v${key}`, { node: "n1" });
  sim.runFor(1_000);
  sim.node("n3").slow(slowness);
  let questions = 0;
  sim.observe({ onSend: (_from, _to, { kind }) => void (kind === "read" && questions++) });
  const reads = Array.from({ length: READS }, (_, index) => {
    const node = index % 2 === 0 ? "n1" : "n2";
    if (index % 10 === 0) client.put(`k${index % KEYS}`, `w${index}`, { node });
    const read = client.get(`k${(index * 7) % KEYS}`, { node });
    sim.runFor(2);
    return read;
  });
  sim.runFor(2_000);
  const took = reads.map(({ entry }) => {
    assert.equal(entry.status, "ok");
    return entry.completedAt! - entry.invokedAt;
  });
  took.sort((one, other) => one - other);
  return {
    p50: took[READS * 0.5]!,
    p99: took[READS * 0.99]!,
    questions,
    hedges: sim.factCount("hedge-asked"),
    won: sim.factCount("hedge-won"),
  };
}

test("hedged reads: late messages no longer make the 99th of a hundred reads", (t) => {
  const before = measure({ hedgeShare: 0 });
  const after = measure({ hedgeShare: 0.05 });
  t.diagnostic(`p99 ${before.p99.toFixed(1)} ms, hedged ${after.p99.toFixed(1)} ms`);
  assert.ok(before.p99 > 20, `${before.p99}`);
  assert.ok(after.p99 < before.p99 / 2, `${after.p99}`);
  assert.ok(Math.abs(after.p50 - before.p50) < 0.1);
  assert.ok(after.won > after.hedges / 2, `${after.won} of ${after.hedges}`);
});

test("hedged reads: one node ten times slower, and the 99th read takes at most twice as long", (t) => {
  for (const network of [NETWORK, { ...NETWORK, spikeRate: 0 }]) {
    const well = measure({ hedgeShare: 0.05, network });
    for (const slowness of [10, 100]) {
      const slow = measure({ hedgeShare: 0.05, network, slowness });
      const unhedged = measure({ hedgeShare: 0, network, slowness });
      const numbers = [well, slow, unhedged].map(({ p99 }) => p99.toFixed(1)).join(", ");
      t.diagnostic(`slowness ${slowness}: p99 well, slow, slow without hedges: ${numbers} ms`);
      if (slowness === 10) assert.ok(slow.p99 <= 2 * well.p99, numbers);
      else assert.ok(slow.p99 <= 1.1 * unhedged.p99, numbers);
    }
  }
});

test("hedged reads: they cost a twentieth more questions at most", () => {
  const before = measure({ hedgeShare: 0, network: { ...NETWORK, spikeRate: 0 } });
  const after = measure({ hedgeShare: 0.05 });
  assert.ok(after.hedges <= READS * 0.05 + 2 * 20, `${after.hedges}`);
  assert.ok(after.questions <= before.questions + after.hedges + 2, `${after.questions}`);
});

test("hedged reads: when every owner stalls, there is no storm of further questions", () => {
  const sim = new Simulation({ seed: 1, nodes: 5, replicas: 5, network: NETWORK });
  sim.runFor(100);
  const client = sim.client("c1");
  for (let index = 0; index < 500; index++) {
    client.get(`k${index % KEYS}`, { node: "n1" });
    sim.runFor(2);
  }
  let hedges = 0;
  const count = (_node: string, fact: Fact): void => void (fact.kind === "hedge-asked" && hedges++);
  sim.observe({ onFact: count });
  for (const name of ["n2", "n3", "n4", "n5"]) sim.node(name).pause();
  for (let index = 0; index < 1_000; index++) {
    client.get(`k${index % KEYS}`, { node: "n1" });
    sim.runFor(2);
  }
  assert.ok(hedges > 0 && hedges <= 20 + 1_000 * 0.05, `${hedges}`);
});
