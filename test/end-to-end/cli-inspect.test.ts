/** `gramme inspect` over directories that were written here, and damaged by hand. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { keyOf } from "#src/core/ring/key.ts";
import { LogEngine } from "#src/core/storage/log/log-engine.ts";
import type { LogOptions } from "#src/core/storage/log/log-options.ts";
import type { RecoveredLog } from "#src/core/storage/log/log-recovery.ts";
import { recoverLog } from "#src/core/storage/log/log-recovery.ts";
import { openDataDirectory } from "#src/disk/data-directory.ts";
import type { StoreMark } from "#src/core/storage/store-mark.ts";
import { FileDisk } from "#src/disk/file-disk.ts";
import { NodeStorage } from "#src/disk/node-storage.ts";
import { STORAGE_DEFAULTS } from "#src/disk/storage-settings.ts";
import { gramme } from "../support/cli.ts";

const OPTIONS: LogOptions = {
  segmentBytes: 4096,
  reserveBytes: 1024,
  recentBytes: 4096,
  chunkBytes: 1024,
  sync: "always",
  hashSecret: { high: 1, low: 2 },
  newStore: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
};
const ROW = new Uint8Array(100).fill(7);
const HEAD_BYTES = 30;
const RECORD_BYTES = 28 + "b/key 000".length + ROW.length;

const root = fs.mkdtempSync(join(tmpdir(), "gramme-inspect-"));
after(() => fs.rmSync(root, { recursive: true, force: true }));

let made = 0;

/** The directory of a node that has stored so many rows and stopped in order. */
async function stored(rows = 100, known?: StoreMark): Promise<string> {
  const dir = join(root, String(made++));
  const directory = openDataDirectory(dir);
  const identity = {
    clusterId: "c1",
    nodeId: "n1",
    actor: { high: 0x1234_5678, low: -2 },
    generation: 7,
    leaseEnd: 30_001,
    bootFloor: 10_001,
    isClean: true,
    isSettled: true,
    place: directory.place,
    rows: known,
    layout: "",
  };
  await new Promise((done) => directory.identityFile.write(identity, done));
  await fill(join(dir, "log"), rows);
  await new Promise((done) => directory.close(done));
  return dir;
}

async function fill(path: string, rows: number): Promise<void> {
  const disk = new FileDisk(path);
  const log = await new Promise<RecoveredLog | { problem: string }>((done) => {
    recoverLog(disk, OPTIONS, done);
  });
  if ("problem" in log) throw new Error(log.problem);
  let completed: () => void = () => {};
  const engine = new LogEngine(disk, OPTIONS, log, {
    completed: () => completed(),
    failed: (problem) => assert.fail(problem),
  });
  for (let i = 0; i < rows; i++) {
    const written = new Promise<void>((done) => (completed = done));
    const key = keyOf("b", `key ${String(i).padStart(3, "0")}`);
    engine.write([{ partition: i % 4, key, row: ROW }], i);
    engine.flush();
    await written;
  }
  await new Promise<void>((done) => engine.close(done));
  await new Promise((done) => disk.close(done));
}

function segmentPath(dir: string, number: number): string {
  return join(dir, "log", `segment-${String(number).padStart(10, "0")}.log`);
}

function spoil(path: string, at: number): void {
  const bytes = fs.readFileSync(path);
  bytes[at]! ^= 0xff;
  fs.writeFileSync(path, bytes);
}

/** Every file of a directory with its bytes. */
function state(dir: string): readonly string[] {
  return fs
    .readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((name) => fs.statSync(join(dir, name)).isFile())
    .map((name) => {
      const bytes = fs.readFileSync(join(dir, name));
      return `${name} ${bytes.length} ${createHash("sha256").update(bytes).digest("hex")}`;
    })
    .toSorted();
}

interface Told {
  readonly verdict: string;
  readonly engine: string | null;
  readonly identity: Record<string, unknown>;
  readonly keys: readonly Record<string, unknown>[] | null;
  readonly log: {
    readonly segments: readonly Record<string, number | string | boolean | null>[];
    readonly manifests: readonly Record<string, unknown>[];
    readonly totals: Record<string, number>;
    readonly findings: Record<string, number>;
    readonly loss: { readonly segment: number } | null;
    readonly check: Record<string, number> | null;
  };
}

/** Runs it with --json, and sees that it changes nothing. */
async function inspected(dir: string, code: number, ...words: string[]): Promise<Told> {
  const before = state(dir);
  const ended = await gramme(["inspect", dir, "--json", ...words]);
  assert.equal(ended.code, code, ended.stderr + ended.stdout);
  assert.deepEqual(state(dir), before, "it changed the directory");
  return JSON.parse(ended.stdout) as Told;
}

test("inspect: the directory of a real node is at home, and a copy of it is not", async () => {
  const dir = join(root, String(made++));
  const settings = { ...STORAGE_DEFAULTS, reserveBytes: 65_536, dir };
  const owner = { clusterId: "c1", nodeId: "n1", layout: "1 replicas on n1" };
  for (let boots = 0; boots < 3; boots++) {
    const storage = await NodeStorage.open(settings, owner);
    const engine = storage.engine({
      completed: () => {},
      failed: (problem) => assert.fail(problem),
    });
    await new Promise<void>((closed) => engine.close(closed));
    await storage.close(true);
    assert.equal((await inspected(dir, 0)).identity["isAtHome"], true);
  }
  assert.doesNotMatch((await gramme(["inspect", dir])).stdout, /this is a copy/);
  const copy = join(root, String(made++));
  fs.cpSync(dir, copy, { recursive: true });
  assert.equal((await inspected(copy, 0)).identity["isAtHome"], false);
  assert.match((await gramme(["inspect", copy])).stdout, /this is a copy/);
});

test("inspect: rows that are not those which the identity knows are told", async () => {
  const dir = await stored(3, { store: OPTIONS.newStore, writes: 4 });
  const { code, stdout } = await gramme(["inspect", dir]);
  assert.equal(code, 0);
  assert.match(stdout, /its rows are older than it.*the next start draws a new actor/);
  const same = await stored(3, { store: OPTIONS.newStore, writes: 3 });
  assert.match((await gramme(["inspect", same])).stdout, /stopped in order/);
});

test("inspect: a whole store, with all fields", async () => {
  const dir = await stored();
  const told = await inspected(dir, 0, "--check", "--keys", "--limit", "3");
  assert.deepEqual(Object.keys(told), [
    "directory",
    "engine",
    "verdict",
    "identity",
    "log",
    "keys",
  ]);
  assert.equal(told.verdict, "good");
  assert.equal(told.engine, "log");
  assert.deepEqual(told.identity, {
    state: "found",
    clusterId: "c1",
    nodeId: "n1",
    actor: "12345678fffffffe",
    generation: 7,
    leaseEnd: 30_001,
    bootFloor: 10_001,
    isClean: true,
    isSettled: true,
    isAtHome: true,
    hasItsRows: null,
  });
  const { segments, totals, findings, loss, check } = told.log;
  assert.ok(segments.length >= 3);
  assert.deepEqual(Object.keys(segments[0]!), [
    "number",
    "state",
    "bytes",
    "liveBytes",
    "records",
    "keys",
    "damagedKeys",
    "first",
    "hasHint",
  ]);
  assert.equal(totals["keys"], 100);
  assert.equal(totals["keyAndRowBytes"], 100 * (RECORD_BYTES - 28));
  assert.deepEqual(findings, { tornBytes: 0, damagedRows: 0, lostPlaces: 0 });
  assert.equal(loss, null);
  assert.equal(check!["records"], 100);
  assert.equal(check!["damagedRows"], 0);
  const unread = await inspected(dir, 0);
  assert.equal(unread.log.check, null);
  assert.equal(unread.keys, null);
  const records = unread.log.segments.map((segment) => segment["records"]);
  assert.deepEqual(
    records,
    segments.map((segment) => segment["records"]),
  );
  assert.deepEqual(told.keys, [
    ...["key 000", "key 004", "key 008"].map((key) => ({
      bucket: "b",
      key,
      encoding: "utf8",
      partition: 0,
      rowBytes: 100,
      segment: 1,
      state: "good",
    })),
  ]);
});

test("inspect: text for people, and the exit code, say what is damaged", async () => {
  const dir = await stored();
  const whole = await gramme(["inspect", dir]);
  assert.equal(whole.code, 0);
  assert.match(whole.stdout, /node n1 of cluster c1/);
  assert.match(whole.stdout, /stopped in order/);
  assert.match(whole.stdout, /SEGMENT +STATE +BYTES/);
  assert.match(whole.stdout, /100 keys/);
  assert.match(whole.stdout, /nothing is wrong that a start would see/);
  spoil(segmentPath(dir, 2), HEAD_BYTES + RECORD_BYTES - 1);
  const damaged = await gramme(["inspect", dir, "--keys"]);
  assert.equal(damaged.code, 6);
  assert.match(damaged.stdout, /damaged: the rows of 1 keys cannot be read/);
  assert.match(damaged.stdout, /b\/"key \d+" +- +2 +damaged/);
});

test("inspect: a torn end is told, is no damage, and is left where it is", async () => {
  const dir = await stored(10);
  // A clean stop says how much was durable: that a write was under way is not its word.
  fs.appendFileSync(segmentPath(dir, 1), new Uint8Array(50).fill(1));
  const told = await inspected(dir, 0, "--check");
  assert.equal(told.log.findings["tornBytes"], 50);
  assert.match((await gramme(["inspect", dir])).stdout, /50 bytes of a write that was under way/);
});

test("inspect: a check finds what a hint file hides", async () => {
  const dir = await stored();
  const disk = new FileDisk(join(dir, "log"));
  const log = await new Promise<RecoveredLog>((done) => {
    recoverLog(disk, OPTIONS, (each) => done(each as RecoveredLog));
  });
  const engine = new LogEngine(disk, OPTIONS, log, { completed: () => {}, failed: assert.fail });
  while (engine.work(1 << 20)) await new Promise((next) => setImmediate(next));
  await new Promise<void>((done) => engine.close(done));
  await new Promise((done) => disk.close(done));
  spoil(segmentPath(dir, 1), HEAD_BYTES + 3);
  spoil(segmentPath(dir, 1), HEAD_BYTES + 3 * RECORD_BYTES - 1);
  const unread = await inspected(dir, 0);
  assert.equal(unread.log.segments[0]!["hasHint"], true);
  const told = await inspected(dir, 6, "--check");
  assert.equal(told.log.check!["damagedRows"], 2);
  assert.equal(told.log.check!["badPlaces"], 1);
  assert.equal(told.log.totals["damagedKeys"], 2);
});

test("inspect: losses are accepted with --yes alone, and then what is left is good", async () => {
  const dir = await stored();
  spoil(segmentPath(dir, 2), HEAD_BYTES + 3);
  assert.equal((await inspected(dir, 6)).log.loss!.segment, 2);
  const before = state(dir);
  const asked = await gramme(["inspect", dir, "--accept-losses"]);
  assert.equal(asked.code, 2);
  assert.match(asked.stdout, /what is left is the truth from now on/);
  assert.match(asked.stderr, /add --yes/);
  assert.deepEqual(state(dir), before);
  const accepted = await gramme(["inspect", dir, "--accept-losses", "--yes", "--json"]);
  assert.equal(accepted.code, 0, accepted.stderr);
  assert.match(accepted.stderr, /accepted: what was lost before byte \d+ of segment 2/);
  const told = JSON.parse(accepted.stdout) as Told;
  assert.equal(told.log.loss, null);
  assert.equal(told.log.totals["keys"], 99);
  assert.equal(told.identity["isClean"], false, "the next start must raise its boot floor");
  assert.equal((await inspected(dir, 0, "--check")).verdict, "good");
  const again = await gramme(["inspect", dir, "--accept-losses", "--yes"]);
  assert.match(again.stderr, /nothing to accept/);
});

test("inspect: what is no data directory, or is in use, is refused, and nothing is made", async () => {
  const nowhere = join(root, "nowhere");
  const missing = await gramme(["inspect", nowhere]);
  assert.equal(missing.code, 5);
  assert.match(missing.stderr, /nowhere: it is not there/);
  assert.equal(fs.existsSync(nowhere), false);
  fs.mkdirSync(nowhere);
  assert.match((await gramme(["inspect", nowhere])).stderr, /no node has kept anything in it/);
  assert.deepEqual(fs.readdirSync(nowhere), []);

  const dir = await stored(3);
  const holder = openDataDirectory(dir);
  const held = await gramme(["inspect", dir]);
  assert.equal(held.code, 5);
  assert.match(
    held.stderr,
    new RegExp(`in use by the process ${process.pid}; stop that node first`),
  );
  await new Promise((done) => holder.close(done));
  assert.equal((await gramme(["inspect", dir])).code, 0);
  assert.equal((await gramme(["inspect"])).code, 2);
});

test("inspect: a damaged identity, a copied directory, and rows of another engine are told", async () => {
  const dir = await stored(3);
  const copy = join(root, "copy");
  fs.cpSync(dir, copy, { recursive: true });
  assert.equal((await inspected(copy, 0)).identity["isAtHome"], false);
  for (const file of ["identity-0", "identity-1"]) spoil(join(dir, file), 20);
  assert.equal((await inspected(dir, 6)).identity["state"], "damaged");
  fs.renameSync(join(copy, "log"), join(copy, "level"));
  const other = await inspected(copy, 0);
  assert.equal(other.engine, "level");
  assert.equal(other.log, null);
});
