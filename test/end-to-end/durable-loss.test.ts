/**
 * Directories that are lost, copied, and set back to an older state under a node: it goes on as
 * somebody new, or not at all, and nothing that it acknowledges afterwards is taken for something
 * old by the others.
 */
import assert from "node:assert/strict";
import { cpSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Bucket, text } from "gramme/client";
import { Random } from "#src/core/base/random.ts";
import { grammeJson } from "../support/cli.ts";
import { DurableCluster, SMALL_RESERVE } from "../support/durable-cluster.ts";
import { Load } from "../support/durable-load.ts";
import { until } from "../support/local-cluster.ts";

const LOAD = { keys: 200, writers: 16, valueBytesMax: 300 };
const ROUNDS = 6;
/** A node is ready as soon as it has a quorum; the last link may come a little later. */
const PATIENT = { retries: 50, timeoutMs: 10_000 } as const;
const ALL = { ...PATIENT, r: "all" } as const;

/** Of a node that is not running. */
async function actorOf(cluster: DurableCluster, index: number): Promise<string> {
  const { identity } = await grammeJson(["inspect", cluster.directory(index)]);
  return (identity as { readonly actor: string }).actor;
}

test("durable: a node that lost its directory comes back by itself, and is filled again", async () => {
  const cluster = await DurableCluster.start({ words: SMALL_RESERVE });
  try {
    const store = await cluster.connect();
    const load = new Load(store, new Random("loss"), LOAD);
    await until("there is something to lose", () => load.ledger.counts.acknowledged > 1_000);
    // A write that is only on its way to the others would be lost with the node that had it.
    await load.pause();
    await untilAlike(cluster);
    await cluster.kill(2);
    const before = await actorOf(cluster, 2);
    rmSync(cluster.directory(2), { recursive: true });
    const readsBefore = load.reads;
    load.resume();
    await until("reads and writes go on", () => load.reads > readsBefore + 100);
    await cluster.start(2);
    const { boot } = (await cluster.status(2)).storage!;
    assert.equal(boot, "first");
    await until("and with the new one", () => load.reads > readsBefore + 300);
    await load.stop();

    await load.readAll(store, "all");
    await untilAlike(cluster);
    await store.close();
    // What the new directory holds by itself:
    await cluster.kill(0, 1);
    await judgeAlone(cluster, 2, load);
    assert.deepEqual(load.problems, []);
    assert.doesNotMatch([0, 1, 2].map((index) => cluster.told(index)).join(), /refused/);
    await cluster.stop(2);
    assert.notEqual(await actorOf(cluster, 2), before);
  } finally {
    await cluster.end();
  }
});

/** What is kept for a node that was away is among the keys of another for a moment. */
async function untilAlike(cluster: DurableCluster): Promise<void> {
  const end = performance.now() + 20_000;
  for (let keys = await keysOf(cluster); new Set(keys).size > 1; keys = await keysOf(cluster)) {
    assert.ok(performance.now() < end, `they still differ: ${keys.join()}`);
    await sleep(100);
  }
}

async function keysOf(cluster: DurableCluster): Promise<readonly number[]> {
  const statuses = await Promise.all(cluster.indices.map((index) => cluster.status(index)));
  return statuses.map(({ keys }) => keys);
}

async function judgeAlone(cluster: DurableCluster, index: number, load: Load): Promise<void> {
  const store = await cluster.connect([index]);
  await load.readAll(store, "one");
  await store.close();
}

/** What happens to the directory of n0 while it is down; its backup is older than its rows. */
const SET_BACK: readonly {
  readonly what: string;
  readonly change: (directory: string, backup: string) => void;
  readonly words?: readonly string[];
  readonly boot: string;
}[] = [
  {
    what: "replaced by a copy of itself",
    change: (directory, backup) => {
      cpSync(directory, `${backup}-now`, { recursive: true });
      rmSync(directory, { recursive: true });
      cpSync(`${backup}-now`, directory, { recursive: true });
    },
    boot: "copied",
  },
  {
    what: "replaced by its backup",
    change: (directory, backup) => {
      rmSync(directory, { recursive: true });
      cpSync(backup, directory, { recursive: true });
    },
    boot: "copied",
  },
  {
    what: "filled with its backup, and said to be restored",
    change: refill,
    words: ["--restored"],
    boot: "restored",
  },
];

/** As `rsync --delete` does: the directory itself stays the same one. */
function refill(directory: string, backup: string): void {
  for (const name of readdirSync(directory)) {
    rmSync(join(directory, name), { recursive: true });
  }
  cpSync(backup, directory, { recursive: true });
}

for (const { what, change, words = [], boot } of SET_BACK) {
  test(`durable: a directory that was ${what}: a new identity, and no write is swallowed`, async () => {
    const cluster = await DurableCluster.start({ words: SMALL_RESERVE });
    try {
      const backup = join(cluster.root, "backup");
      await backedUp(cluster, backup);
      await cluster.stop(0);
      const before = await actorOf(cluster, 0);
      change(cluster.directory(0), backup);
      await cluster.start(0, words);
      assert.equal((await cluster.status(0)).storage!.boot, boot);
      await judgeWrites(cluster);
      await cluster.stop(0);
      assert.notEqual(await actorOf(cluster, 0), before);
    } finally {
      await cluster.end();
    }
  });
}

/**
 * The keys that n0 coordinates, written before the backup and many times after it: the owners have
 * seen dots of n0 that its backup does not know.
 */
async function backedUp(cluster: DurableCluster, backup: string): Promise<void> {
  await writeThrough(cluster, ["before the backup"]);
  await cluster.stop(0);
  cpSync(cluster.directory(0), backup, { recursive: true });
  await cluster.start(0);
  await writeThrough(
    cluster,
    Array.from({ length: ROUNDS }, (_, round) => `after the backup ${round}`),
  );
}

const LAST = `after the backup ${ROUNDS - 1}`;

/** Long enough for a client that has left n0 alone for a while, because it was slow. */
const THROUGH_WITHIN_MS = 30_000;

/** Every write is acknowledged by n0, and whoever reads it from now on finds it. */
async function writeThrough(cluster: DurableCluster, values: readonly string[]): Promise<void> {
  await using store = await cluster.connect();
  const bucket = store.bucket("durable", text);
  for (const key of await keysServedBy("n0", bucket)) {
    for (const value of values) {
      await putThrough("n0", bucket, key, value);
      assert.equal(await bucket.get(key, ALL), value, `${key} after its write`);
    }
  }
}

/** Again, when the client took it elsewhere. */
async function putThrough(
  id: string,
  bucket: Bucket<string>,
  key: string,
  value: string,
): Promise<void> {
  const endsAt = performance.now() + THROUGH_WITHIN_MS;
  while (performance.now() < endsAt) {
    const { receipt } = await bucket.put(key, value, PATIENT);
    if (receipt.coordinator === id) return;
    await sleep(10);
  }
  assert.fail(`${key} was not written through ${id} within ${THROUGH_WITHIN_MS} ms`);
}

/** Its home is asked first, but only when the client is connected with it. */
async function keysServedBy(id: string, bucket: Bucket<string>): Promise<readonly string[]> {
  const names = Array.from({ length: 100 }, (_, index) => `key ${index}`);
  // A read mends the row of its key: the first of them is for this question alone.
  const [probe = "", ...keys] = names.filter((name) => bucket.ownersOf(name)[0] === id).slice(0, 6);
  for (;;) {
    const { receipt } = await bucket.getSiblings(probe, PATIENT);
    if (receipt.coordinator === id) return keys;
    await sleep(10);
  }
}

/**
 * What was acknowledged before the node was set back is there, and so is what it writes now, also
 * over rows that it has not seen as they are by now.
 */
async function judgeWrites(cluster: DurableCluster): Promise<void> {
  await using store = await cluster.connect();
  const bucket = store.bucket("durable", text);
  const [read = ""] = await keysServedBy("n0", bucket);
  assert.equal(
    await bucket.get(read, PATIENT),
    LAST,
    `${read} at quorum, with a node that was set back`,
  );
  await writeThrough(
    cluster,
    ["1", "2", "3"].map((round) => `after it was set back ${round}`),
  );
}
