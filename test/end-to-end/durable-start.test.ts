/**
 * How long a node takes to start after it was killed. Nothing is asserted about time: the numbers
 * are told, for whoever wants to compare.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Store, text } from "gramme/client";
import { throughLanes } from "#src/client/lanes.ts";
import { DurableCluster } from "../support/durable-cluster.ts";

const VALUE = "v".repeat(100);
const CHUNK = 10_000;

for (const [engine, usual] of [
  ["log", 100_000],
  ["lmdb", 10_000],
  ["level", 10_000],
] as const) {
  // START_KEYS in the environment asks for another number of them.
  const wanted = Number(process.env["START_KEYS"] ?? usual);
  test(`durable: ${engine}: a start with ${wanted} keys after a kill`, async (t) => {
    // What an engine leaves for the clock to make durable is none of this test's business.
    const sync = engine === "lmdb" ? "always" : "never";
    const words = ["--engine", engine, "--sync", sync];
    const cluster = await DurableCluster.start({ count: 1, words });
    try {
      const writingMs = await timed(async () => {
        await using store = await cluster.connect();
        await fill(store, wanted);
      });
      await cluster.kill(0);
      const killedMs = await timed(() => cluster.start(0));
      const { keys, storage } = await cluster.status(0);
      assert.equal(keys, wanted);
      assert.deepEqual([storage!.boot, storage!.findings], ["unclean", ""]);
      await cluster.stop(0);
      const stoppedMs = await timed(() => cluster.start(0));
      t.diagnostic(
        `${engine}: ${wanted} keys of ${VALUE.length} bytes, written in ${writingMs} ms; ready ` +
          `${killedMs} ms after a start that follows a kill, ${stoppedMs} ms after a stop`,
      );
    } finally {
      await cluster.end();
    }
  });
}

async function timed(run: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await run();
  return Math.round(performance.now() - startedAt);
}

async function fill(store: Store, wanted: number): Promise<void> {
  const bucket = store.bucket("many", text);
  for (let from = 0; from < wanted; from += CHUNK) {
    const count = Math.min(CHUNK, wanted - from);
    const keys = Array.from({ length: count }, (_, index) => `key ${from + index}`);
    await throughLanes(keys, (key) => bucket.put(key, VALUE));
  }
}
