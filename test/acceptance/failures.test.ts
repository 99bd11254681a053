/**
 * What users may count on while nodes fail and come back: real processes that are killed and
 * stopped, and what `gramme` tells of it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "gramme";
import { text, type Store } from "gramme/client";
import { grammeJson, Running } from "../support/cli.ts";
import { DurableCluster, SMALL_RESERVE } from "../support/durable-cluster.ts";
import { until } from "../support/local-cluster.ts";
import { at, freePorts } from "../support/ports.ts";

interface HintsDocument {
  readonly keys: number;
  readonly nodes: readonly {
    readonly id: string;
    readonly state: string;
    readonly counted: boolean;
    readonly keys: number;
    readonly targets: readonly { readonly target: string; readonly keys: number }[];
  }[];
}

interface RepairDocument {
  readonly left: number;
  readonly keysMoved: number;
}

const BUCKET = "failures";
/** More than what is told at once, before the pace holds. */
const KEYS = 200;
const SOON_MS = 30_000;

function ask(cluster: DurableCluster, words: readonly string[]): Promise<unknown> {
  return grammeJson([...words, ...cluster.addresses.flatMap((address) => ["--node", address])]);
}

/** Ready is a node when it has a quorum; here all are to be there. */
async function started(words: readonly string[]): Promise<DurableCluster> {
  const cluster = await DurableCluster.start({ words: [...SMALL_RESERVE, ...words] });
  let isLinked = false;
  const look = async (): Promise<void> => {
    const nodes = await Promise.all(cluster.indices.map((index) => cluster.status(index)));
    isLinked = nodes.every(({ peers }) => peers.every(({ state }) => state === "linked"));
  };
  for (const end = performance.now() + SOON_MS; !isLinked; await look()) {
    assert.ok(performance.now() < end, "they are not connected");
  }
  return cluster;
}

/** Of nodes that have counted what they keep. */
async function hintsOf(cluster: DurableCluster): Promise<HintsDocument> {
  const end = performance.now() + SOON_MS;
  for (;;) {
    const hints = (await ask(cluster, ["hints"])) as HintsDocument;
    if (hints.nodes.every(({ state, counted }) => counted || state === "down")) return hints;
    assert.ok(performance.now() < end, JSON.stringify(hints));
  }
}

async function hintsBecome(
  cluster: DurableCluster,
  isSo: (keys: number) => boolean,
): Promise<number> {
  for (const end = performance.now() + SOON_MS; ;) {
    const { keys } = await hintsOf(cluster);
    if (isSo(keys)) return keys;
    assert.ok(performance.now() < end, `${keys} hints`);
  }
}

async function putAll(store: Store, value: string, count: number, w: 2 | "all"): Promise<void> {
  const bucket = store.bucket(BUCKET, text);
  const keys = Array.from({ length: count }, (_, key) => `${key}`);
  await Promise.all(keys.map((key) => bucket.put(key, value, { w, timeoutMs: 10_000 })));
}

/** Every owner holds it. */
async function assertEverywhere(store: Store, value: string, count: number): Promise<void> {
  const bucket = store.bucket(BUCKET, text);
  for (let key = 0; key < count; key++) {
    const { values, receipt } = await bucket.getSiblings(`${key}`, { r: "all", timeoutMs: 5_000 });
    assert.deepEqual([values, receipt.held], [[value], 3], `key ${key}`);
  }
}

test("acceptance 8: hints are for the node that failed, survive a restart, and go one by one", async () => {
  // Who is silent for so long that a write may fail counts as failed: here nobody is to be.
  const patiently = ["--set", "config.standInAfterMs=30000"];
  const cluster = await started([...patiently, "--set", "config.handoffRowsPerSecond=5"]);
  const store = await cluster.connect();
  try {
    await putAll(store, "before", KEYS, "all");
    assert.equal((await hintsOf(cluster)).keys, 0, "nothing has failed");

    await cluster.kill(2);
    await putAll(store, "while it was away", KEYS, 2);
    const kept = await hintsOf(cluster);
    assert.ok(kept.keys >= KEYS, `${kept.keys} hints`);
    const targets = kept.nodes.flatMap((node) => node.targets);
    assert.deepEqual(new Set(targets.map(({ target }) => target)), new Set(["n2"]));

    await cluster.kill(0, 1);
    await Promise.all([cluster.start(0), cluster.start(1)]);
    assert.equal((await hintsOf(cluster)).keys, kept.keys, "after the end of who keeps them");

    // It fails again while it is told: what it has taken is gone, the rest is kept.
    await cluster.start(2);
    const some = await hintsBecome(cluster, (keys) => keys < kept.keys);
    await cluster.kill(2);
    const rest = (await hintsOf(cluster)).keys;
    assert.ok(rest > 0 && rest <= some, `${rest} of ${some}, of ${kept.keys}`);
    await cluster.kill(0, 1);
    const quickly = ["--set", "config.handoffRowsPerSecond=1000"];
    await Promise.all(cluster.indices.map((index) => cluster.start(index, quickly)));
    await hintsBecome(cluster, (keys) => keys === 0);
    await assertEverywhere(store, "while it was away", KEYS);
  } finally {
    await store.close();
    await cluster.end();
  }
});

test("acceptance 9: who stands still is suspected, dead after seconds, and alive when it goes on", async () => {
  const ports = await freePorts(3);
  const peers = ports.map((port, index) => ({ id: `n${index}`, address: at(port) }));
  const words = ["--peers", peers.map(({ id, address }) => `${id}=${address}`).join(",")];
  const start = (index: number): Promise<Running> =>
    Running.start(["start", "--id", `n${index}`, "--listen", at(ports[index]!), ...words]);
  const told: { readonly state: string; readonly atMs: number }[] = [];
  const store = await open({
    node: { id: "n0", listen: at(ports[0]!), peers },
    linkTimeoutMs: 0,
    onFact: (fact) => {
      if (fact.kind !== "member-changed" || fact.member !== "n2") return;
      told.push({ state: fact.state, atMs: performance.now() });
    },
  });
  const nodes = await Promise.all([start(1), start(2)]);
  const becomes = async (state: string): Promise<number> => {
    await until(`n2 is ${state}`, () => told.at(-1)?.state === state, SOON_MS);
    return told.at(-1)!.atMs;
  };
  try {
    await becomes("alive");
    // Stated is: suspected within two probes, then four seconds of patience. A busy machine adds.
    const stoppedAt = performance.now();
    nodes[1].kill("SIGSTOP");
    const deadAt = await becomes("dead");
    const suspect = told.findLast(({ state }) => state === "suspect");
    assert.ok(suspect !== undefined && suspect.atMs > stoppedAt);
    assert.ok(deadAt - suspect.atMs > 2_000, "it was given no time to object");
    nodes[1].kill("SIGCONT");
    await becomes("alive");

    nodes[1].kill("SIGKILL");
    await becomes("dead");
    nodes[1] = await start(2);
    await becomes("alive");
  } finally {
    nodes[1].kill("SIGCONT");
    await Promise.all(nodes.map((node) => node.stop("SIGKILL")));
    await store.close();
  }
});

test("acceptance 10: one round moves nothing between replicas that agree, and k keys where k differ", async () => {
  const differing = 15;
  const none = ["hintBytesMax", "hintBytesPerTargetMax"].flatMap((name) => [
    "--set",
    `config.${name}=0`,
  ]);
  // A comparison waits for twice the time that a write may take.
  const impatient = ["--set", "config.requestTimeoutMs=250", "--partitions", "16"];
  const cluster = await started([...none, ...impatient]);
  const store = await cluster.connect();
  const repair = async (): Promise<RepairDocument> =>
    (await ask(cluster, ["repair"])) as RepairDocument;
  try {
    await putAll(store, "before", 300, "all");
    const agreed = await repair();
    assert.deepEqual([agreed.keysMoved, agreed.left], [0, 0]);

    await cluster.stop(2);
    await putAll(store, "while it was away", differing, 2);
    await cluster.start(2);
    const moved = await repair();
    assert.equal(moved.left, 0);
    // Each of the other two owners may be the one that finds a key.
    assert.ok(moved.keysMoved <= 2 * differing, `${moved.keysMoved} keys moved`);
    await assertEverywhere(store, "while it was away", differing);
    assert.equal((await repair()).keysMoved, 0);
  } finally {
    await store.close();
    await cluster.end();
  }
});
