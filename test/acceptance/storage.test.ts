/**
 * What users may count on of one node and its disk: compactions lose nothing, and each sync policy
 * syncs when it says.
 */
import assert from "node:assert/strict";
import fs, { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { open, text, type OpenOptions, type Store } from "gramme";
import { until } from "../support/local-cluster.ts";

const KEYS = 200;
const WRITERS = 4;
const STEPS = 400;
const ROUNDS_MAX = 50;
/** So small that thousands of writes are many segments. */
const LOG_SIZES = { segmentBytes: 65_536, reserveBytes: 65_536, recentBytes: 65_536 };
const QUIET_MS = 300;
const REST_MS = 200;

function directory(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "gramme-acceptance-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Several writers at once; each has keys of its own, so the order of their changes is known. */
async function work(store: Store, expected: Map<string, string>): Promise<void> {
  const bucket = store.bucket("map", text);
  const writer = async (own: number): Promise<void> => {
    for (let step = 0; step < STEPS; step++) {
      const key = `${(own + WRITERS * step * 7) % KEYS}`;
      assert.equal(await bucket.get(key), expected.get(key), `key ${key}, step ${step}`);
      if (step % 5 === 0) {
        await bucket.delete(key);
        expected.delete(key);
      } else {
        const value = `${step} ${".".repeat((step * 13) % 900)}`;
        await bucket.put(key, value);
        expected.set(key, value);
      }
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, own) => writer(own)));
}

async function check(store: Store, expected: ReadonlyMap<string, string>): Promise<void> {
  const bucket = store.bucket("map", text);
  const keys = Array.from({ length: KEYS }, (_, key) => `${key}`);
  const values = await bucket.getMany(keys);
  for (const [at, key] of keys.entries()) assert.equal(values[at], expected.get(key), key);
}

/** Whatever was written first is somewhere else by now. */
function isCompacted(dir: string): boolean {
  return !readdirSync(join(dir, "log")).includes("segment-0000000001.log");
}

const ENGINES: readonly (readonly [string, (dir: string) => OpenOptions])[] = [
  ["memory", () => ({ memory: true })],
  ["log", (dir) => ({ dir, ...LOG_SIZES })],
  ["lmdb", (dir) => ({ dir, engine: "lmdb" })],
  ["level", (dir) => ({ dir, engine: "level" })],
];

for (const [engine, optionsIn] of ENGINES) {
  test(`acceptance 6: ${engine}: writes, reads and compactions at once keep every key, as a map does`, async (t) => {
    const dir = directory(t);
    const expected = new Map<string, string>();
    const store = await open(optionsIn(dir));
    for (let round = 0; round < 1 || (engine === "log" && !isCompacted(dir)); round++) {
      assert.ok(round < ROUNDS_MAX, "no segment was ever compacted");
      await work(store, expected);
      await check(store, expected);
      // Compaction gives way to all of that: it goes on into the next round when it has begun.
      if (engine === "log") await new Promise((rested) => setTimeout(rested, REST_MS));
    }
    await store.close();
    if (engine === "memory") return;
    const again = await open(optionsIn(dir));
    await check(again, expected);
    await again.close();
  });
}

/** Counts what this process has synced: by a call of its own, or with the write itself. */
function countSyncs(t: TestContext): () => number {
  const { O_DSYNC } = fs.constants;
  const syncing = new Set<number>();
  let count = 0;
  const { open: openFile, writev, fdatasync, fsync } = fs;
  const replace = (name: keyof typeof fs, call: (...words: never[]) => void): void => {
    t.mock.method(fs, name, call as never);
  };
  type Opened = (error: Error | null, descriptor: number) => void;
  replace("open", (path: string, flags: number, mode: number, answer: Opened) => {
    openFile(path, flags, mode, (error, descriptor) => {
      if (error === null && (flags & O_DSYNC) !== 0) syncing.add(descriptor);
      else syncing.delete(descriptor);
      answer(error, descriptor);
    });
  });
  replace("writev", (descriptor: number, ...rest: never[]) => {
    if (syncing.has(descriptor)) count += 1;
    Reflect.apply(writev, fs, [descriptor, ...rest]);
  });
  for (const sync of [fdatasync, fsync]) {
    replace(sync.name as keyof typeof fs, (...words: never[]) => {
      count += 1;
      Reflect.apply(sync, fs, words);
    });
  }
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  return () => count;
}

test("acceptance 4: sync always syncs before it answers, interval soon after, never not at all", async (t) => {
  const syncs = countSyncs(t);
  const opened = async (options: object): Promise<Store> => {
    const store = await open({ dir: directory(t), ...LOG_SIZES, ...options });
    await store.put("first", 1);
    await sleep(QUIET_MS);
    return store;
  };
  const always = await opened({ sync: "always" });
  for (let i = 0; i < 10; i++) {
    const before = syncs();
    await always.put("key", i);
    assert.ok(syncs() > before, "answered, and not synced");
  }
  await always.close();

  const interval = await opened({ sync: "interval", syncIntervalMs: 20 });
  for (let i = 0; i < 5; i++) {
    const before = syncs();
    await interval.put("key", i);
    await until("the interval is over, and it is synced", () => syncs() > before);
  }
  await interval.close();

  for (const lazy of [{ sync: "never" }, { sync: "interval", syncIntervalMs: 600_000 }]) {
    const store = await opened(lazy);
    const before = syncs();
    for (let i = 0; i < 10; i++) await store.put("key", i);
    await sleep(QUIET_MS);
    assert.equal(syncs(), before, JSON.stringify(lazy));
    await store.close();
    assert.ok(syncs() > before, "a clean stop syncs in any case");
  }
});
