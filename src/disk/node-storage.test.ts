import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { keyOf } from "../core/ring/key.ts";
import { openDataDirectory } from "./data-directory.ts";
import { DirectoryError, DirectoryHeldError } from "./directory-error.ts";
import { NodeStorage } from "./node-storage.ts";
import { PlaceMark } from "./place-mark.ts";
import { STORAGE_DEFAULTS, type StorageSettings } from "./storage-settings.ts";
import { temporaryDirectory } from "./temporary-directory.test.ts";

const OWNER = { clusterId: "c", nodeId: "n1", layout: "1 replicas on n1" };
const KEY = keyOf("b", "k");
const ROW = Uint8Array.of(1, 2, 3);
const SIZES = { segmentBytes: 65_536, reserveBytes: 65_536, recentBytes: 65_536 };

function settings(dir: string, more: Partial<StorageSettings> = {}): StorageSettings {
  return { ...STORAGE_DEFAULTS, ...SIZES, dir, ...more };
}

/** Writes one row, and stops in order or not at all. */
async function life(storage: NodeStorage, isClean: boolean, trees?: Uint8Array): Promise<void> {
  await new Promise<void>((written) => {
    const engine = storage.engine({
      completed: () => engine.close(written),
      failed: (problem) => assert.fail(problem),
    });
    engine.write([{ partition: 0, key: KEY, row: ROW }], 1);
    engine.flush();
  });
  await storage.close(isClean, trees);
}

test("node storage: a boot goes on as who it was, and raises its floor after an unclean stop", async (t) => {
  const dir = temporaryDirectory(t);
  const first = await NodeStorage.open(settings(dir), OWNER);
  assert.equal(first.reason, "first");
  await life(first, true);
  const second = await NodeStorage.open(settings(dir), OWNER);
  assert.equal(second.reason, "clean");
  assert.deepEqual(second.identity.actor, first.identity.actor);
  assert.equal(second.identity.generation, first.identity.generation + 1);
  await life(second, false);
  const third = await NodeStorage.open(settings(dir), OWNER);
  assert.equal(third.reason, "unclean");
  assert.equal(third.epochs.bootFloor, second.identity.leaseEnd);
  await third.close(true);
});

test("node storage: where members were met is known again, but not by a copy", async (t) => {
  const dir = temporaryDirectory(t);
  const copy = temporaryDirectory(t);
  const first = await NodeStorage.open(settings(dir), OWNER);
  first.remember("n2", "db2:7400");
  await life(first, true);
  cpSync(dir, copy, { recursive: true });
  const second = await NodeStorage.open(settings(dir), OWNER);
  assert.deepEqual(second.addresses, ["db2:7400"]);
  await second.close(true);
  const clone = await NodeStorage.open(settings(copy), OWNER);
  assert.deepEqual([clone.reason, clone.addresses], ["copied", []]);
  await clone.close(true);
  const restored = await NodeStorage.open(settings(dir, { restored: true }), OWNER);
  assert.deepEqual([restored.reason, restored.addresses], ["restored", []]);
  await restored.close(true);
});

test("node storage: a copy of the directory, and a restored one, go on as somebody new", async (t) => {
  const dir = temporaryDirectory(t);
  const first = await NodeStorage.open(settings(dir), OWNER);
  await life(first, true);
  const copy = temporaryDirectory(t);
  cpSync(dir, copy, { recursive: true });
  const clone = await NodeStorage.open(settings(copy), OWNER);
  assert.equal(clone.reason, "copied");
  assert.notDeepEqual(clone.identity.actor, first.identity.actor);
  const engine = clone.engine({ completed: () => {}, failed: () => {} });
  assert.deepEqual(engine.get(0, KEY), ROW);
  await new Promise<void>((closed) => engine.close(closed));
  await clone.close(true);
  const restored = await NodeStorage.open(settings(dir, { restored: true }), OWNER);
  assert.equal(restored.reason, "restored");
  await restored.close(true);
});

test("node storage: a directory that was filled again from a backup goes on as somebody new", async (t) => {
  const dir = temporaryDirectory(t);
  await life(await NodeStorage.open(settings(dir), OWNER), true);
  const backup = temporaryDirectory(t);
  cpSync(dir, backup, { recursive: true });
  const since = await NodeStorage.open(settings(dir), OWNER);
  assert.equal(since.reason, "clean");
  await life(since, true);
  for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true });
  cpSync(backup, dir, { recursive: true });
  const refilled = await NodeStorage.open(settings(dir), OWNER);
  assert.equal(refilled.reason, "copied");
  await refilled.close(true);
});

test("node storage: a backup put back by a tool that leaves unchanged files alone is noticed", async (t) => {
  const dir = temporaryDirectory(t);
  await life(await NodeStorage.open(settings(dir), OWNER), true);
  const backup = temporaryDirectory(t);
  cpSync(dir, backup, { recursive: true, preserveTimestamps: true });
  const since = await NodeStorage.open(settings(dir), OWNER);
  await life(since, true);
  putBack(backup, dir);
  const refilled = await NodeStorage.open(settings(dir), OWNER);
  assert.equal(refilled.reason, "copied");
  assert.notDeepEqual(refilled.identity.actor, since.identity.actor);
  await refilled.close(true);
});

test("node storage: a boot that was cut off before or behind its identity leaves who the node is", async (t) => {
  const dir = temporaryDirectory(t);
  const first = await NodeStorage.open(settings(dir), OWNER);
  await life(first, true);
  for (const isIdentityWritten of [false, false, true, true, false]) {
    await cutOffBoot(dir, isIdentityWritten);
    const next = await NodeStorage.open(settings(dir), OWNER);
    assert.equal(next.reason, "clean");
    assert.deepEqual(next.identity.actor, first.identity.actor);
    await life(next, true);
    assert.equal(readdirSync(dir).filter((name) => name.startsWith("place-")).length, 1);
  }
  for (const isIdentityWritten of [true, false, true]) await cutOffBoot(dir, isIdentityWritten);
  const last = await NodeStorage.open(settings(dir), OWNER);
  assert.deepEqual(last.identity.actor, first.identity.actor);
  await last.close(true);
});

test("node storage: a backup of hard links that is put back is noticed", async (t) => {
  const dir = temporaryDirectory(t);
  await life(await NodeStorage.open(settings(dir), OWNER), true);
  const backup = temporaryDirectory(t);
  linkAll(dir, backup);
  for (let boots = 0; boots < 2; boots++) {
    await life(await NodeStorage.open(settings(dir), OWNER), true);
  }
  for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true });
  linkAll(backup, dir);
  const refilled = await NodeStorage.open(settings(dir), OWNER);
  assert.equal(refilled.reason, "copied");
  await refilled.close(true);
});

/** As `cp -al` does it. */
function linkAll(from: string, to: string): void {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [old, now] = [join(from, entry.name), join(to, entry.name)];
    if (!entry.isDirectory()) {
      linkSync(old, now);
      continue;
    }
    mkdirSync(now);
    linkAll(old, now);
  }
}

/** A boot up to its new place mark, and perhaps to the identity that knows it. */
async function cutOffBoot(dir: string, isIdentityWritten: boolean): Promise<void> {
  const directory = openDataDirectory(dir);
  const { identityFile } = directory;
  assert.ok(identityFile.stored.kind === "found");
  const mark = new PlaceMark(directory);
  await mark.renew();
  const identity = { ...identityFile.stored.identity, place: mark.place };
  if (isIdentityWritten) {
    await new Promise((written) => identityFile.write(identity, written));
  }
  await new Promise((closed) => directory.close(closed));
}

/** As rsync does it: what differs in length or time is written beside, then renamed. */
function putBack(backup: string, dir: string): void {
  for (const name of readdirSync(dir)) {
    if (!existsSync(join(backup, name))) rmSync(join(dir, name), { recursive: true });
  }
  for (const entry of readdirSync(backup, { withFileTypes: true })) {
    const [from, to] = [join(backup, entry.name), join(dir, entry.name)];
    if (entry.isDirectory()) {
      putBack(from, to);
      continue;
    }
    const [old, now] = [statSync(from), statSync(to, { throwIfNoEntry: false })];
    if (now?.size === old.size && Math.abs(now.mtimeMs - old.mtimeMs) < 1) continue;
    cpSync(from, `${to}.new`, { preserveTimestamps: true });
    renameSync(`${to}.new`, to);
  }
}

test("node storage: an identity without its rows says so, and goes on as somebody new", async (t) => {
  const dir = temporaryDirectory(t);
  const first = await NodeStorage.open(settings(dir), OWNER);
  await life(first, true);
  rmSync(join(dir, "log"), { recursive: true });
  const second = await NodeStorage.open(settings(dir), OWNER);
  assert.equal(second.reason, "restored");
  assert.equal(second.findings, "all its rows are gone");
  assert.notDeepEqual(second.identity.actor, first.identity.actor);
  await second.close(true);
});

const TREES = Uint8Array.of(7, 7, 7);

test("node storage: trees come back once, of a clean stop, and are gone before the first row", async (t) => {
  const dir = temporaryDirectory(t);
  const file = join(dir, "trees");
  await life(await NodeStorage.open(settings(dir), OWNER), true, TREES);
  assert.ok(existsSync(file));
  const next = await NodeStorage.open(settings(dir), OWNER);
  assert.equal(existsSync(file), false);
  assert.deepEqual(next.takeTrees(), TREES);
  assert.equal(next.takeTrees(), undefined);
  await life(next, false, TREES);
  assert.equal(existsSync(file), false, "not of a stop that was not clean");
  const last = await NodeStorage.open(settings(dir), OWNER);
  assert.deepEqual([last.reason, last.takeTrees()], ["unclean", undefined]);
  await last.close(true);
});

const STALE_TREES: readonly (readonly [what: string, harm: (dir: string) => Promise<void>])[] = [
  ["a later boot was killed", (dir) => laterLife(dir, false)],
  ["a later boot wrote, and stopped in order", (dir) => laterLife(dir, true)],
  [
    "rows were put back from a backup",
    async (dir) => {
      const backup = `${dir}-backup`;
      cpSync(join(dir, "log"), backup, { recursive: true, preserveTimestamps: true });
      rmSync(join(dir, "log"), { recursive: true });
      renameSync(backup, join(dir, "log"));
    },
  ],
  ["rows are gone", async (dir) => rmSync(join(dir, "log"), { recursive: true })],
  [
    "a file of the rows was written to",
    async (dir) => writeFileSync(segmentOf(dir), readFileSync(segmentOf(dir))),
  ],
  ["the file is torn", async (dir) => truncateSync(join(dir, "trees"), 40)],
];

for (const [what, harm] of STALE_TREES) {
  test(`node storage: trees are not used when ${what}`, async (t) => {
    const dir = temporaryDirectory(t);
    await life(await NodeStorage.open(settings(dir), OWNER), true, TREES);
    const trees = readFileSync(join(dir, "trees"));
    await harm(dir);
    // As if the file had never been removed.
    if (!existsSync(join(dir, "trees"))) writeFileSync(join(dir, "trees"), trees);
    const storage = await NodeStorage.open(settings(dir), OWNER);
    assert.equal(storage.takeTrees(), undefined);
    assert.equal(existsSync(join(dir, "trees")), false);
    await storage.close(true);
  });
}

test("node storage: trees are not used by somebody new", async (t) => {
  const dir = temporaryDirectory(t);
  await life(await NodeStorage.open(settings(dir), OWNER), true, TREES);
  const restored = await NodeStorage.open(settings(dir, { restored: true }), OWNER);
  assert.deepEqual([restored.reason, restored.takeTrees()], ["restored", undefined]);
  await restored.close(true);
});

async function laterLife(dir: string, isClean: boolean): Promise<void> {
  await life(await NodeStorage.open(settings(dir), OWNER), isClean);
}

function segmentOf(dir: string): string {
  const log = join(dir, "log");
  return join(
    log,
    readdirSync(log).find((name) => name.endsWith(".log"))!,
  );
}

test("node storage: a layout that is lost or rotten is known to the identity", async (t) => {
  const dir = temporaryDirectory(t);
  const file = join(dir, "layout");
  const other = { ...OWNER, layout: "3 replicas on n1 n2 n3" };
  await life(await NodeStorage.open(settings(dir), OWNER), true);
  for (const text of [undefined, "rot", "\0\0\0\0", other.layout]) {
    if (text === undefined) rmSync(file);
    else writeFileSync(file, text);
    await assert.rejects(NodeStorage.open(settings(dir), other), /its layout is/);
    const again = await NodeStorage.open(settings(dir), OWNER);
    assert.equal(again.reason, "clean");
    assert.equal(readFileSync(file, "utf8"), `${OWNER.layout}\n`);
    await life(again, true);
  }
});

test("node storage: a start by mistake leaves no layout, and a first one cut off is no hindrance", async (t) => {
  const dir = temporaryDirectory(t);
  writeFileSync(join(dir, "layout"), Buffer.alloc(40));
  await life(await NodeStorage.open(settings(dir), OWNER), true);
  rmSync(join(dir, "layout"));
  const stranger = { clusterId: "d", nodeId: "n7", layout: "1 replicas on n7" };
  await assert.rejects(NodeStorage.open(settings(dir), stranger), /belongs to the cluster/);
  assert.ok(!existsSync(join(dir, "layout")));
});

test("node storage: an identity that was renounced is not written back by its lease", async (t) => {
  const dir = temporaryDirectory(t);
  const first = await NodeStorage.open(settings(dir), OWNER);
  const ahead = Date.now() + 86_400_000;
  await new Promise((refused) => first.outlived(ahead, refused));
  while (!first.epochs.runsLow) first.epochs.take();
  first.tend();
  await first.close(false);
  const second = await NodeStorage.open(settings(dir), OWNER);
  assert.notDeepEqual(second.identity.actor, first.identity.actor);
  assert.ok(second.identity.generation > ahead);
  await second.close(true);
});

test("node storage: a disk that fails leaves no lock, however often it is closed", async (t) => {
  const dir = temporaryDirectory(t);
  const storage = await NodeStorage.open(settings(dir), OWNER);
  rmSync(join(dir, "log"), { recursive: true });
  const problem = await new Promise<string>((failed) => {
    const engine = storage.engine({ completed: () => assert.fail("completed"), failed });
    engine.write([{ partition: 0, key: KEY, row: ROW }], 1);
    engine.flush();
  });
  assert.match(problem, /could not .*data directory/);
  await Promise.all([storage.close(false), storage.close(false)]);
  const again = await NodeStorage.open(settings(dir), OWNER);
  assert.equal(again.reason, "unclean");
  await again.close(true);
});

test("node storage: a directory is held by one process, for one node, engine and layout", async (t) => {
  const dir = temporaryDirectory(t);
  const held = await NodeStorage.open(settings(dir), OWNER);
  await assert.rejects(NodeStorage.open(settings(dir), OWNER), DirectoryHeldError);
  await life(held, true);
  const refusals = [
    [settings(dir), { ...OWNER, nodeId: "n2" }, /node "n1"/],
    [settings(dir), { ...OWNER, clusterId: "d" }, /cluster "c"/],
    [settings(dir), { ...OWNER, layout: "3 replicas on n1 n2 n3" }, /1 replicas on n1.*3 replicas/],
    [settings(dir, { engine: "lmdb" }), OWNER, /engine log.*lmdb/],
  ] as const;
  for (const [asked, owner, expected] of refusals) {
    await assert.rejects(NodeStorage.open(asked, owner), (error: unknown) => {
      assert.ok(error instanceof DirectoryError);
      assert.match(error.message, expected);
      return true;
    });
  }
  // And nothing of that has changed it.
  const again = await NodeStorage.open(settings(dir), OWNER);
  assert.equal(again.reason, "clean");
  await again.close(true);
});

test("node storage: without its identity the rows belong to somebody new", async (t) => {
  const dir = temporaryDirectory(t);
  const first = await NodeStorage.open(settings(dir), OWNER);
  await life(first, true);
  for (const copy of ["identity-0", "identity-1"]) writeFileSync(join(dir, copy), "rot");
  const damaged = await NodeStorage.open(settings(dir), OWNER);
  assert.equal(damaged.reason, "damaged");
  await damaged.close(true);
  for (const copy of ["identity-0", "identity-1"]) rmSync(join(dir, copy));
  const gone = await NodeStorage.open(settings(dir), OWNER);
  assert.equal(gone.reason, "first");
  await gone.close(true);
});
