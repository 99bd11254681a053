/**
 * What users may count on whatever engine keeps their rows: three real processes, their sockets and
 * their files, and the library that a program would use. Each engine has a file that calls this, so
 * that they run beside each other.
 *
 *     n0  n1  n2      N = 3, R = W = 2; the tests share the cluster, in this order,
 *             ✝       and the last ones kill what they need to
 */
import assert from "node:assert/strict";
import { appendFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Bucket, GrammeError, type Store, text } from "gramme/client";
import { DurableCluster, SMALL_RESERVE } from "../support/durable-cluster.ts";
import { patiently } from "../support/durable-load.ts";
import { until } from "../support/local-cluster.ts";

export type EngineName = "memory" | "log" | "lmdb" | "level";

const LEVELS = ["one", "quorum", "all"] as const;
/** What all owners hold, whoever coordinates next has seen. */
const ALL = { w: "all" } as const;
const KEYS = 60;
/** Of many tries the quickest: a busy machine delays some, a wait for a time limit all. */
const TRIES = 10;
/** Half the time limit of a request. */
const QUICK_MS = 500;

export function acceptEngine(engine: EngineName): void {
  const stand = new EngineStand(engine);
  before(() => stand.start());
  after(() => stand.end());
  testAnswers(engine, stand);
  testContexts(engine, stand);
  testEmptyAndDeleted(engine, stand);
  if (engine !== "memory") testKilled(engine, stand);
  if (engine === "log") testTornTail(engine, stand);
  testOneDown(engine, stand);
  testDistinct(engine, stand);
}

class EngineStand {
  readonly #engine: EngineName;
  #cluster: DurableCluster | undefined;
  #store: Store | undefined;

  constructor(engine: EngineName) {
    this.#engine = engine;
  }

  get cluster(): DurableCluster {
    return this.#cluster!;
  }

  get store(): Store {
    return this.#store!;
  }

  async start(): Promise<void> {
    const engine = this.#engine;
    const durable = engine === "log" ? SMALL_RESERVE : [];
    this.#cluster = await DurableCluster.start(
      engine === "memory"
        ? { dirOf: () => undefined }
        : { words: ["--engine", engine, "--sync", "always", ...durable] },
    );
    this.#store = await this.cluster.connect();
  }

  /** All that have a node to ask through, one for each. */
  async through(): Promise<readonly Store[]> {
    return Promise.all(this.cluster.indices.map((index) => this.cluster.connect([index])));
  }

  /** As a power cut in the room of all of them would. */
  async killAll(): Promise<void> {
    await this.cluster.kill(...this.cluster.indices);
    await this.cluster.startAll();
  }

  async end(): Promise<void> {
    await this.#store?.close();
    await this.#cluster?.end();
  }
}

function testAnswers(engine: EngineName, stand: EngineStand): void {
  void test(`acceptance 3: ${engine}: a missing key is not found, at once`, async () => {
    let quickestMs = Infinity;
    for (let i = 0; i < TRIES; i++) {
      const began = performance.now();
      assert.equal(await stand.store.get(`never written ${i}`, { retries: 0 }), undefined);
      quickestMs = Math.min(quickestMs, performance.now() - began);
    }
    assert.ok(quickestMs < QUICK_MS, `${quickestMs} ms`);
  });
}

function testContexts(engine: EngineName, stand: EngineStand): void {
  void test(`acceptance 2: ${engine}: blind overwrites neither lose nor multiply`, async () => {
    const stores = await stand.through();
    const buckets = stores.map((store) => store.bucket("blind", text));
    for (let i = 0; i < KEYS; i++) await buckets[i % 3]!.put("in turn", `value ${i}`, ALL);
    const inTurn = await buckets[0]!.getSiblings("in turn", { r: "all" });
    assert.deepEqual(inTurn.values, [`value ${KEYS - 1}`]);

    for (let i = 0; i < KEYS; i++) {
      await Promise.all(buckets.map((bucket, at) => bucket.put("at once", `${i} by ${at}`, ALL)));
      const { values } = await buckets[0]!.getSiblings("at once", { r: "all" });
      // What was written at the same time may stay side by side, and nothing from before it.
      assert.ok(values.length >= 1 && values.length <= 3, values.join());
      for (const value of values) assert.ok(value.startsWith(`${i} by `), values.join());
    }
    await buckets[1]!.put("at once", "the last one", ALL);
    const atOnce = await buckets[2]!.getSiblings("at once", { r: "all" });
    assert.deepEqual(atOnce.values, ["the last one"]);
    await Promise.all(stores.map((store) => store.close()));
  });
}

function testEmptyAndDeleted(engine: EngineName, stand: EngineStand): void {
  void test(`acceptance 12: ${engine}: empty is not deleted, deleted is not found`, async () => {
    const bucket = stand.store.bucket("empty", text);
    for (const w of LEVELS) {
      await bucket.put(`empty ${w}`, "", { w });
      await bucket.put(`deleted ${w}`, "something", { w: "all" });
      assert.equal(await bucket.delete(`deleted ${w}`, { w, r: "quorum" }), true);
      await bucket.put(`empty, then deleted ${w}`, "", { w: "all" });
      assert.equal(await bucket.delete(`empty, then deleted ${w}`, { w }), true);
    }
    for (const w of LEVELS) {
      for (const r of LEVELS) {
        // Where R + W is not above N, owners are told a moment after the answer.
        const isSure = w === "all" || r === "all" || (w === "quorum" && r === "quorum");
        const look = async (key: string, expected: string[]): Promise<void> => {
          const { values } = await bucket.getSiblings(`${key} ${w}`, { r });
          assert.deepEqual(values, expected, `${key}, W = ${w}, R = ${r}`);
        };
        const judge = isSure ? look : eventually(look);
        await judge("empty", [""]);
        await judge("deleted", []);
        await judge("empty, then deleted", []);
      }
    }
  });
}

function testKilled(engine: EngineName, stand: EngineStand): void {
  void test(`acceptance 4: ${engine}: kill -9 of all loses nothing acknowledged`, async () => {
    const bucket = stand.store.bucket("killed", text);
    const acknowledged = new Map<string, string>();
    let isOver = false;
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let i = 0; !isOver; i++) {
        const [key, value] = [`${writer} ${i % 50}`, `${i}`];
        // What fails may have happened: the key is not judged any more.
        acknowledged.delete(key);
        await bucket.put(key, value, { retries: 0 }).then(
          () => acknowledged.set(key, value),
          () => (isOver = true),
        );
      }
    });
    await until("enough was written", () => acknowledged.size > KEYS);
    await stand.cluster.kill(...stand.cluster.indices);
    isOver = true;
    await Promise.all(writers);
    await stand.cluster.startAll();
    assert.ok(acknowledged.size > 0);
    await assertStored(bucket, acknowledged);
  });

  void test(`acceptance 5: ${engine}: siblings survive, what was replaced does not`, async () => {
    const siblings = stand.store.bucket("siblings", text, { mode: "siblings" });
    await siblings.put("both", "one", { w: "all" });
    const first = await siblings.getSiblings("both");
    await siblings.put("both", "two", { w: "all" });
    await siblings.put("merged", "old", { w: "all" });
    const { context } = await siblings.getSiblings("merged");
    await siblings.put("merged", "new", { w: "all", context });
    await stand.killAll();
    const both = await patiently(() => siblings.getSiblings("both", { r: "all" }));
    assert.deepEqual([...both.values].sort(), ["one", "two"]);
    assert.deepEqual((await siblings.getSiblings("merged", { r: "all" })).values, ["new"]);
    // A context from before the restart still covers what it saw, and only that.
    await siblings.put("both", "three", { w: "all", context: first.context });
    await stand.killAll();
    const again = await patiently(() => siblings.getSiblings("both", { r: "all" }));
    assert.deepEqual([...again.values].sort(), ["three", "two"]);
  });
}

function testTornTail(engine: EngineName, stand: EngineStand): void {
  void test(`acceptance 4: ${engine}: a torn tail is cut off before writes go on`, async () => {
    const bucket = stand.store.bucket("torn", text);
    const { cluster } = stand;
    const expected = new Map<string, string>();
    for (let life = 0; life < 3; life++) {
      for (let i = 0; i < KEYS; i++) {
        const [key, value] = [`${life} ${i}`, `${life} and ${i}`];
        await patiently(() => bucket.put(key, value, { w: "all" }));
        expected.set(key, value);
      }
      await cluster.kill(...cluster.indices);
      for (const index of cluster.indices) tear(cluster.directory(index));
      await cluster.startAll();
      await assertStored(bucket, expected);
    }
  });
}

function testOneDown(engine: EngineName, stand: EngineStand): void {
  void test(`acceptance 7: ${engine}: one of three down, all succeeds, quickly`, async () => {
    const bucket = stand.store.bucket("one-down", text);
    for (let i = 0; i < KEYS; i++) await patiently(() => bucket.put(`${i}`, "before"));
    await stand.cluster.kill(2);
    const took: number[] = [];
    for (let i = 0; i < KEYS; i++) {
      const began = performance.now();
      assert.equal(await bucket.get(`${i}`), "before");
      await bucket.put(`${i}`, "after");
      assert.equal(await bucket.get(`${i}`), "after");
      assert.equal(await bucket.get(`never ${i}`), undefined);
      took.push(performance.now() - began);
    }
    const median = took.toSorted((a, b) => a - b)[KEYS / 2]!;
    assert.ok(median < QUICK_MS, `four requests took ${median} ms`);
  });
}

/** After the one before it: n2 is down. */
function testDistinct(engine: EngineName, stand: EngineStand): void {
  void test(`acceptance 1: ${engine}: an acknowledged write is on W machines`, async () => {
    const { cluster } = stand;
    const refused = await failureOf(stand.store.put("k", "v", { w: "all", retries: 0 }));
    assert.deepEqual([refused.code, refused.needed, refused.got], ["QUORUM_NOT_MET", 3, 2]);

    const one = await cluster.connect([0]);
    const bucket = one.bucket("distinct", text);
    for (let i = 0; i < KEYS; i++) {
      const { receipt } = await patiently(() => bucket.put(`${i}`, `value ${i}`, { w: 2 }));
      // It keeps the write for n2 as well, and that is no second machine.
      assert.deepEqual([receipt.held, receipt.hinted], [2, 0]);
    }
    await one.close();
    await cluster.kill(0);
    const other = await cluster.connect([1]);
    const here = other.bucket("distinct", text);
    for (let i = 0; i < KEYS; i++) assert.equal(await here.get(`${i}`, { r: 1 }), `value ${i}`);

    const alone = await failureOf(other.put("k", "v", { w: 2, retries: 0 }));
    assert.deepEqual([alone.code, alone.needed, alone.got], ["QUORUM_NOT_MET", 2, 1]);
    await other.close();
  });

  void test(`acceptance 3: ${engine}: no quorum is told as that, not as not found`, async () => {
    const store = await stand.cluster.connect([1]);
    let quickestMs = Infinity;
    for (let i = 0; i < TRIES; i++) {
      const began = performance.now();
      const { code, needed, got } = await failureOf(store.get("never written", { retries: 0 }));
      assert.deepEqual([code, needed, got], ["QUORUM_NOT_MET", 2, 1]);
      quickestMs = Math.min(quickestMs, performance.now() - began);
    }
    assert.equal(await store.get("never written", { r: 1 }), undefined);
    assert.ok(quickestMs < QUICK_MS, `${quickestMs} ms`);
    await store.close();
  });
}

async function assertStored(
  bucket: Bucket<string>,
  expected: ReadonlyMap<string, string>,
): Promise<void> {
  for (const [key, value] of expected) {
    const stored = await patiently(() => bucket.get(key, { r: "all" }));
    assert.equal(stored, value, `${key}: ${stored}, and ${value} was acknowledged`);
  }
}

/** The same, which may need some time to become true. */
function eventually<Words extends unknown[]>(
  look: (...words: Words) => Promise<void>,
): (...words: Words) => Promise<void> {
  return async (...words) => {
    for (let i = 0; i < 100; i++) {
      const isSo = await look(...words).then(
        () => true,
        () => false,
      );
      if (isSo) return;
      await sleep(20);
    }
    await look(...words);
  };
}

async function failureOf(call: Promise<unknown>): Promise<GrammeError> {
  const failure = await call.then(
    () => assert.fail("it was done"),
    (error: unknown) => error,
  );
  assert.ok(GrammeError.is(failure), String(failure));
  return failure;
}

/** Half of a record behind the last one, as a machine leaves it that stops while it writes. */
function tear(directory: string): void {
  const newest = readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((file) => /segment-\d+\.log$/.test(file))
    .map((file) => join(directory, file))
    .toSorted()
    .at(-1);
  assert.ok(newest !== undefined);
  appendFileSync(
    newest,
    Uint8Array.from({ length: 37 }, (_, index) => (index * 89) % 256),
  );
}
