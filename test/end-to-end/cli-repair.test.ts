/**
 * `gramme repair` as operators run it: three processes with data, one of which loses its disk, is
 * away, or comes to hold rows that nobody can read.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { text, type Store } from "gramme/client";
import { gramme, grammeJson, Running, type Ended } from "../support/cli.ts";
import { DurableCluster, SMALL_RESERVE } from "../support/durable-cluster.ts";

interface RepairDocument {
  readonly asked: number;
  readonly proven: number;
  readonly left: number;
  readonly keysMoved: number;
  readonly keysUnchanged: number;
  readonly nodes: readonly { readonly id: string; readonly state: string }[];
  readonly pairsLeft: readonly {
    readonly partition: number;
    readonly node: string;
    readonly peer: string;
    readonly state: string;
    readonly provenMs: number | null;
  }[];
}

const PARTITIONS = 16;
const PAIRS = PARTITIONS * 6;
const KEYS = 400;
/** A comparison waits for twice the time that a write may take. */
const IMPATIENT = ["--set", "config.requestTimeoutMs=250"];
const WORDS = [...SMALL_RESERVE, ...IMPATIENT, "--partitions", `${PARTITIONS}`];

async function filled(): Promise<DurableCluster> {
  const cluster = await DurableCluster.start({ words: WORDS });
  try {
    const store = await cluster.connect();
    await writeAll(store);
    await store.close();
    return cluster;
  } catch (error) {
    await cluster.end();
    throw error;
  }
}

async function writeAll(store: Store): Promise<void> {
  const bucket = store.bucket("load", text);
  await Promise.all(
    Array.from({ length: KEYS }, (_, n) =>
      bucket.put(`k${n}`, valueOf(n), { w: "all", timeoutMs: 5_000 }),
    ),
  );
}

function valueOf(n: number): string {
  return `the value of key ${n}.`;
}

function run(cluster: DurableCluster, words: readonly string[]): Promise<Ended> {
  const nodes = cluster.addresses.flatMap((address) => ["--node", address]);
  return gramme([...words, ...nodes]);
}

function documentOf({ stdout }: Ended): RepairDocument {
  return JSON.parse(stdout) as RepairDocument;
}

test("repair: a node whose disk was lost holds everything again when it ends", async () => {
  const cluster = await filled();
  try {
    await cluster.kill(2);
    rmSync(cluster.directory(2), { recursive: true });
    await cluster.start(2);
    const repaired = await run(cluster, ["repair", "--json"]);
    assert.equal(repaired.code, 0, repaired.stderr);
    const { asked, proven, left, keysMoved, pairsLeft } = documentOf(repaired);
    assert.deepEqual([asked, proven, left, pairsLeft], [PAIRS, PAIRS, 0, []]);
    assert.ok(keysMoved > 0, repaired.stdout);
    const [here, there] = await Promise.all([cluster.status(0), cluster.status(2)]);
    assert.ok(there.keys === here.keys && there.keys >= KEYS, `${there.keys} of ${here.keys}`);

    const again = await run(cluster, ["repair"]);
    assert.equal(again.code, 0, again.stderr);
    const says = `^${PAIRS} of ${PAIRS} pairs are proven in sync after .*: 0 keys moved`;
    assert.match(again.stdout, new RegExp(says));
    const one = await run(cluster, ["repair", "--at", "n2", "--partition", "7", "--json"]);
    assert.deepEqual([documentOf(one).asked, documentOf(one).nodes.length], [2, 1]);

    const status = await run(cluster, ["status", "--partitions", "--json"]);
    const { nodes, pairs } = JSON.parse(status.stdout) as {
      nodes: { repair: { pairs: number; proven: number; oldestProofMs: number } }[];
      pairs: { partition: number; provenMs: number }[];
    };
    for (const { repair } of nodes) {
      assert.deepEqual([repair.pairs, repair.proven], [PAIRS / 3, PAIRS / 3]);
      assert.ok(repair.oldestProofMs < 60_000);
    }
    assert.equal(pairs.length, PAIRS);
    assert.ok(pairs.every(({ provenMs }) => provenMs < 60_000));
    const shown = await run(cluster, ["status", "--partitions"]);
    assert.match(shown.stdout, /IN SYNC +OLDEST\nn0 .* 32 of 32 /);
    assert.match(shown.stdout, /PARTITION +NODE +PEER +LAST +PROVEN\n +0 +n0 +n1 +proven +\d/);
  } finally {
    await cluster.end();
  }
});

test("repair: what cannot be proven is named, with the reason, and the exit code says so", async () => {
  const cluster = await filled();
  try {
    await cluster.stop(2);
    const told = await run(cluster, ["repair"]);
    assert.equal(told.code, 3, told.stderr);
    assert.match(
      told.stdout,
      new RegExp(`^${PARTITIONS * 2} of ${PARTITIONS * 4} pairs are proven`),
    );
    assert.match(told.stderr, /n2 does not answer, and compares nothing/);
    assert.match(told.stderr, /n0 with n2: n2 cannot be reached: 16 left, partition 0 1 2/);
    const json = await run(cluster, ["repair", "--json"]);
    const { left, pairsLeft } = documentOf(json);
    assert.deepEqual([left, pairsLeft.length], [PARTITIONS * 2, PARTITIONS * 2]);
    assert.ok(pairsLeft.every(({ peer, state }) => peer === "n2" && state === "away"));

    await cluster.stop(0);
    await cluster.stop(1);
    for (const index of cluster.indices) harm(cluster.directory(index), valueOf(7));
    await cluster.startAll();
    const stuck = await run(cluster, ["repair", "--json"]);
    assert.equal(stuck.code, 6, `${stuck.stderr}${stuck.stdout}`);
    const unproven = documentOf(stuck).pairsLeft;
    assert.equal(new Set(unproven.map(({ partition }) => partition)).size, 1);
    assert.ok(unproven.length > 0 && unproven.every(({ state }) => state === "stuck"));
    const read = await run(cluster, ["get", "k8", "--bucket", "load"]);
    assert.equal(read.stdout, `${valueOf(8)}\n`);

    const usage = await run(cluster, ["repair", "--partition", `${PARTITIONS}`]);
    assert.deepEqual([usage.code, /they are 0 to 15/.test(usage.stderr)], [2, true]);
    const nobody = await run(cluster, ["repair", "--at", "n9"]);
    assert.deepEqual([nobody.code, /its nodes are n0 n1 n2/.test(nobody.stderr)], [2, true]);
  } finally {
    await cluster.end();
  }
});

test("repair: who stops watching leaves it going on", async () => {
  const words = [...SMALL_RESERVE, "--partitions", "2048"];
  const cluster = await DurableCluster.start({ words });
  try {
    const node = ["--node", cluster.addresses[0]!];
    const watcher = Running.watch(["repair", ...node]);
    const provenCount = async (): Promise<number> => (await cluster.status(0)).repair.proven;
    const before = await provenCount();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.equal(await watcher.stop("SIGINT"), 0, watcher.stderr);
    assert.match(watcher.stderr, /the nodes go on by themselves/);
    const end = performance.now() + 20_000;
    while ((await provenCount()) <= before) assert.ok(performance.now() < end, "it has stopped");
    const begun = await grammeJson(["repair", "--no-wait", ...node]);
    assert.equal(begun["asked"], 2048 * 6);
    const short = await gramme(["repair", "--wait", "300", ...node]);
    assert.equal(short.code, 3, short.stderr);
    assert.match(short.stderr, /it was not its turn yet/);
  } finally {
    await cluster.end();
  }
});

/** Turns a byte of the value, wherever the log holds it. */
function harm(directory: string, value: string): void {
  let found = 0;
  for (const name of readdirSync(join(directory, "log"))) {
    const path = join(directory, "log", name);
    const bytes = readFileSync(path);
    for (let at = bytes.indexOf(value); at >= 0; at = bytes.indexOf(value, at + 1)) {
      bytes[at]! ^= 1;
      found++;
    }
    writeFileSync(path, bytes);
  }
  assert.ok(found > 0, "the value is in the log");
}
