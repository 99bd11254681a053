/**
 * Three nodes that are killed over and over while a client writes: one at a time, two, all at once,
 * and while they start. Whatever was acknowledged is there at the end, under every engine and every
 * sync policy: what a killed process gave to its system is kept by the system.
 */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "#src/core/base/random.ts";
import { DurableCluster, SMALL_RESERVE } from "../support/durable-cluster.ts";
import { Ledger } from "../support/durable-ledger.ts";
import { Load } from "../support/durable-load.ts";

/** CRASH_CYCLES in the environment asks for more of them, CRASH_SEED for the same again. */
const CYCLES = Number(process.env["CRASH_CYCLES"] ?? 3);
const SEED = process.env["CRASH_SEED"] ?? `${process.pid}`;
const LOAD = { keys: 300, writers: 16, valueBytesMax: 2_000 };
const UP_MS_MAX = 400;
const DOWN_MS_MAX = 100;
const STARTING_MS_MAX = 400;

/** Small segments, so that some are sealed and compacted all the time. */
const LOG = [...SMALL_RESERVE, "--set", "storage.segmentBytes=262144"];

test("durable: the account knows which answers fit", () => {
  const ledger = new Ledger();
  const fits = (number: number | undefined): boolean => ledger.problemOf("k", number) === undefined;
  assert.ok(fits(undefined), "nothing was ever written");
  ledger.note("k", 1, "put", "acknowledged");
  ledger.note("k", 2, "put", "unknown");
  assert.deepEqual([1, 2, undefined, 3].map(fits), [true, true, false, false]);
  ledger.note("k", 3, "put", "acknowledged");
  ledger.note("k", 4, "put", "refused");
  assert.deepEqual([1, 2, 3, 4, undefined].map(fits), [false, false, true, false, false]);
  ledger.note("k", 5, "delete", "unknown");
  assert.deepEqual([3, undefined].map(fits), [true, true]);
  ledger.note("k", 6, "delete", "acknowledged");
  // What a deletion could not see survives it.
  assert.deepEqual([undefined, 3, 2].map(fits), [true, false, true]);
  ledger.note("k", 7, "put", "acknowledged");
  assert.deepEqual([7, undefined].map(fits), [true, false]);
});

for (const [engine, sync, words] of [
  ["log", "always", LOG],
  ["log", "interval", [...LOG, "--set", "storage.syncIntervalMs=50"]],
  ["log", "never", LOG],
  ["lmdb", "always", []],
  ["level", "always", []],
  ["level", "never", []],
] as const) {
  test(`durable: ${engine}, sync ${sync}: nodes killed in ${CYCLES} cycles, nothing is lost`, async (t) => {
    const flags = ["--engine", engine, "--sync", sync, ...words];
    const cluster = await DurableCluster.start({ words: flags });
    try {
      await killAndJudge(cluster, new Random(`kills ${engine} ${sync} ${SEED}`), t);
    } finally {
      await cluster.end();
    }
  });
}

async function killAndJudge(
  cluster: DurableCluster,
  random: Random,
  t: TestContext,
): Promise<void> {
  const store = await cluster.connect();
  const load = new Load(store, random, LOAD);
  const nemesis = new Nemesis(cluster, random);
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    await nemesis.strike();
    if (load.problems.length > 0) break;
  }
  await load.stop();
  await store.close();
  const fresh = await cluster.connect();
  await load.readAll(fresh, "quorum");
  await load.readAll(fresh, "all");
  await fresh.close();
  const { counts } = load.ledger;
  const failures = [...load.failures].map(([code, count]) => `${code} ${count}`).join(", ");
  t.diagnostic(
    `seed ${SEED}: ${nemesis.kills} kills, ${nemesis.killsOfAll} times all, ` +
      `${nemesis.killsStarting} while starting; ${counts.acknowledged} changes acknowledged, ` +
      `${counts.unknown} unknown, ${counts.refused} refused (${failures}); ${load.reads} reads ` +
      `judged, ${load.readsFailed} failed; slowest start ${Math.round(nemesis.slowestStartMs)} ms`,
  );
  assert.deepEqual(load.problems, []);
  assert.ok(counts.acknowledged > CYCLES, `only ${counts.acknowledged} changes`);
  for (const index of cluster.indices) {
    // A kill is no damage, no reason to doubt who a node is, and makes no node refuse another.
    assert.doesNotMatch(
      cluster.told(index),
      /damaged|were lost|new identity|new one|refused|stack/,
    );
  }
}

class Nemesis {
  kills = 0;
  killsOfAll = 0;
  killsStarting = 0;
  slowestStartMs = 0;
  readonly #cluster: DurableCluster;
  readonly #random: Random;

  constructor(cluster: DurableCluster, random: Random) {
    this.#cluster = cluster;
    this.#random = random;
  }

  /** Lets them work, kills some, and starts those again. */
  async strike(): Promise<void> {
    await sleep(this.#random.integer(UP_MS_MAX));
    const victims = this.#victims();
    await this.#cluster.kill(...victims);
    this.kills += victims.length;
    if (victims.length === this.#cluster.indices.length) this.killsOfAll += 1;
    await sleep(this.#random.integer(DOWN_MS_MAX));
    if (this.#random.fraction() < 0.3) {
      await this.#cluster.startAndKill(victims[0]!, this.#random.integer(STARTING_MS_MAX));
      this.killsStarting += 1;
    }
    const startedAt = performance.now();
    await this.#cluster.startAll();
    this.slowestStartMs = Math.max(this.slowestStartMs, performance.now() - startedAt);
  }

  #victims(): readonly number[] {
    const { indices } = this.#cluster;
    const drawn = this.#random.fraction();
    if (drawn < 0.3) return indices;
    const one = this.#random.integer(indices.length);
    return drawn < 0.85 ? [one] : indices.filter((index) => index !== one);
  }
}
