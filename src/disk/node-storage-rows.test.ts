/** Rows and identity belong together: what becomes of a node whose rows are not those it left. */
import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { keyOf } from "../core/ring/key.ts";
import { openDataDirectory } from "./data-directory.ts";
import { NodeStorage } from "./node-storage.ts";
import { ENGINE_KINDS, type EngineKind, STORAGE_DEFAULTS } from "./storage-settings.ts";
import { temporaryDirectory } from "./temporary-directory.test.ts";

const OWNER = { clusterId: "c", nodeId: "n1", layout: "1 replicas on n1" };
const SIZES = { segmentBytes: 65_536, reserveBytes: 65_536, recentBytes: 65_536 };

function open(dir: string, engine: EngineKind): Promise<NodeStorage> {
  return NodeStorage.open({ ...STORAGE_DEFAULTS, ...SIZES, dir, engine }, OWNER);
}

/** Writes so many rows, and stops. */
async function life(storage: NodeStorage, rows: number, isClean = true): Promise<void> {
  await new Promise<void>((written) => {
    let left = rows;
    const engine = storage.engine({
      completed: () => --left === 0 && engine.close(written),
      failed: (problem) => assert.fail(problem),
    });
    for (let i = 0; i < rows; i++) {
      engine.write([{ partition: 0, key: keyOf("b", `k${i}`), row: new Uint8Array(100) }], i);
      engine.flush();
    }
    if (rows === 0) engine.close(written);
  });
  await storage.close(isClean);
}

/** Leaves the identity as an earlier release has written it. */
async function forgetRows(dir: string): Promise<void> {
  const directory = openDataDirectory(dir);
  const { stored } = directory.identityFile;
  assert.ok(stored.kind === "found");
  const identity = { ...stored.identity, rows: undefined, layout: "" };
  await new Promise((written) => directory.identityFile.write(identity, written));
  await new Promise((closed) => directory.close(closed));
}

for (const engine of ENGINE_KINDS) {
  test(`node storage: ${engine}: rows that were put back alone make somebody new`, async (t) => {
    const dir = temporaryDirectory(t);
    const rows = join(dir, engine);
    const backup = join(temporaryDirectory(t), "rows");
    await life(await open(dir, engine), 1);
    cpSync(rows, backup, { recursive: true });
    const since = await open(dir, engine);
    assert.equal(since.reason, "clean");
    await life(since, 2);
    rmSync(rows, { recursive: true });
    cpSync(backup, rows, { recursive: true });
    const setBack = await open(dir, engine);
    assert.equal(setBack.reason, "restored");
    assert.match(setBack.findings, /set back/);
    assert.notDeepEqual(setBack.identity.actor, since.identity.actor);
    await life(setBack, 0);
    const next = await open(dir, engine);
    assert.equal(next.reason, "clean");
    await life(next, 0);
  });

  test(`node storage: ${engine}: a place where the rows are not mounted makes somebody new`, async (t) => {
    const dir = temporaryDirectory(t);
    const rows = join(dir, engine);
    const mounted = join(temporaryDirectory(t), "rows");
    const first = await open(dir, engine);
    await life(first, 3);
    cpSync(rows, mounted, { recursive: true });
    for (const name of readdirSync(rows)) rmSync(join(rows, name));
    const empty = await open(dir, engine);
    assert.equal(empty.reason, "restored");
    assert.equal(empty.findings, "all its rows are gone");
    await life(empty, 1);
    // Mounted again they have come further, but are another store.
    rmSync(rows, { recursive: true });
    cpSync(mounted, rows, { recursive: true });
    const again = await open(dir, engine);
    assert.equal(again.reason, "restored");
    await life(again, 0);
  });

  test(`node storage: ${engine}: an identity of an earlier release misses rows that are gone`, async (t) => {
    const dir = temporaryDirectory(t);
    await life(await open(dir, engine), 1);
    await forgetRows(dir);
    const known = await open(dir, engine);
    assert.deepEqual([known.reason, known.findings], ["clean", ""]);
    await life(known, 0);
    await forgetRows(dir);
    for (const name of readdirSync(join(dir, engine))) rmSync(join(dir, engine, name));
    const empty = await open(dir, engine);
    assert.deepEqual([empty.reason, empty.findings], ["unclean", "all its rows are gone"]);
    await life(empty, 0);
  });

  test(`node storage: ${engine}: a node that was never written to misses nothing`, async (t) => {
    const dir = temporaryDirectory(t);
    await life(await open(dir, engine), 0, false);
    const second = await open(dir, engine);
    assert.deepEqual([second.reason, second.findings], ["unclean", ""]);
    await life(second, 0);
    const third = await open(dir, engine);
    assert.deepEqual([third.reason, third.findings], ["clean", ""]);
    await life(third, 0);
  });
}

test("node storage: level: nothing is left in the library's log that could rot unseen", async (t) => {
  const dir = temporaryDirectory(t);
  await life(await open(dir, "level"), 300);
  const logs = readdirSync(join(dir, "level")).filter((name) => name.endsWith(".log"));
  for (const log of logs) {
    const bytes = readFileSync(join(dir, "level", log));
    for (let at = 0; at < bytes.length; at += 512) bytes[at]! ^= 1;
    writeFileSync(join(dir, "level", log), bytes);
  }
  const again = await open(dir, "level");
  const engine = again.engine({ completed: () => {}, failed: (problem) => assert.fail(problem) });
  assert.equal(again.reason, "clean");
  for (let i = 0; i < 300; i++) {
    assert.deepEqual(engine.get(0, keyOf("b", `k${i}`)), new Uint8Array(100), `row ${i}`);
  }
  await new Promise<void>((closed) => engine.close(closed));
  await again.close(true);
});
