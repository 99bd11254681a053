/** How a node lets go of its directory: what has failed on the way is told, and nothing goes on. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { test, type TestContext } from "node:test";
import { keyOf } from "../core/ring/key.ts";
import type { Engine } from "../core/storage/engine.ts";
import { openDataDirectory } from "./data-directory.ts";
import { LevelTree } from "./level-tree.ts";
import { LmdbTree } from "./lmdb-tree.ts";
import { NodeStorage } from "./node-storage.ts";
import { ENGINE_KINDS, type EngineKind, STORAGE_DEFAULTS } from "./storage-settings.ts";
import { temporaryDirectory } from "./temporary-directory.test.ts";

const OWNER = { clusterId: "c", nodeId: "n1", layout: "1 replicas on n1" };
const SIZES = { segmentBytes: 65_536, reserveBytes: 65_536, recentBytes: 65_536 };
const KEY = keyOf("b", "k");

function open(dir: string, engine: EngineKind): Promise<NodeStorage> {
  return NodeStorage.open({ ...STORAGE_DEFAULTS, ...SIZES, dir, engine }, OWNER);
}

function put(engine: Engine, rowBytes: number): void {
  engine.write([{ partition: 0, key: KEY, row: new Uint8Array(rowBytes) }], 1);
  engine.flush();
}

async function wasClean(dir: string): Promise<boolean> {
  const directory = openDataDirectory(dir);
  const { stored } = directory.identityFile;
  await new Promise((closed) => directory.close(closed));
  return stored.kind === "found" && stored.identity.isClean;
}

type Sync = (descriptor: number, answer: fs.NoParamCallback) => void;

/** Stands in for the system's sync until the test is over. */
function replaceSync(context: TestContext, call: (original: Sync) => Sync): void {
  const original = fs.fdatasync;
  fs.fdatasync = Object.assign(call(original), { __promisify__: original.__promisify__ });
  syncBuiltinESMExports();
  context.after(() => {
    fs.fdatasync = original;
    syncBuiltinESMExports();
  });
}

for (const engine of ENGINE_KINDS) {
  test(`node storage: ${engine}: a start that went no further, and a death, leave nothing open`, async (t) => {
    const dir = temporaryDirectory(t);
    await (await open(dir, engine)).close(true);
    const died = await open(dir, engine);
    assert.equal(died.reason, "clean");
    put(died.engine({ completed: () => {}, failed: () => {} }), 10);
    await died.close(false);
    const again = await open(dir, engine);
    assert.equal(again.reason, "unclean");
    await again.close(true);
  });
}

for (const [engine, tree] of [
  ["lmdb", LmdbTree],
  ["level", LevelTree],
] as const) {
  test(`node storage: ${engine}: rows that were lost while the node stopped are no stop in order`, async (t) => {
    const dir = temporaryDirectory(t);
    const storage = await open(dir, engine);
    const said: string[] = [];
    const made = storage.engine({
      completed: () => assert.fail("completed"),
      failed: (problem) => said.push(problem),
    });
    t.mock.method(tree.prototype, "commit", () => Promise.reject(new Error("EIO: i/o error")));
    put(made, 10);
    await new Promise<void>((closed) => made.close(closed));
    assert.match(said[0]!, /could not be written: EIO/);
    await assert.rejects(storage.close(true), /did not stop in order: .*EIO/);
    assert.equal(await wasClean(dir), false);
  });
}

test("node storage: log: a sync that fails while the node stops is told, and is no stop in order", async (t) => {
  const dir = temporaryDirectory(t);
  const storage = await open(dir, "log");
  const said: string[] = [];
  const made = await new Promise<Engine>((written) => {
    const engine = storage.engine({
      completed: () => written(engine),
      failed: (problem) => said.push(problem),
    });
    put(engine, 10);
  });
  const error = Object.assign(new Error("EIO: i/o error"), { code: "EIO", errno: -5 });
  replaceSync(t, () => (_, answer) => void setImmediate(answer, error));
  await new Promise<void>((closed) => made.close(closed));
  assert.match(said[0]!, /could not sync .*manifest/);
  await assert.rejects(storage.close(true), /did not stop in order/);
  assert.equal(await wasClean(dir), false);
});

test("node storage: log: the directory is held as long as something in it is under way", async (t) => {
  const dir = temporaryDirectory(t);
  const storage = await open(dir, "log");
  const made = storage.engine({ completed: () => {}, failed: () => {} });
  const goOn = await new Promise<() => void>((stalled) => {
    replaceSync(
      t,
      (sync) =>
        (...all) =>
          stalled(() => sync(...all)),
    );
    put(made, 10);
  });
  let isClosed = false;
  const closing = storage.close(false).then(() => (isClosed = true));
  for (let turns = 0; turns < 20; turns++) await new Promise((turn) => setImmediate(turn));
  assert.ok(!isClosed);
  await assert.rejects(open(dir, "log"), /in use by this process/);
  goOn();
  await closing;
});
