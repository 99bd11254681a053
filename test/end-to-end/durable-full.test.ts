/**
 * A disk of a few MiB that fills up: what no longer fits is refused in words, everything that was
 * acknowledged stays, deletes go through, and what they free is room again.
 *
 * The disk is a tmpfs, which only root may mount.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { GrammeError, text } from "gramme/client";
import { gramme } from "../support/cli.ts";
import { DurableCluster } from "../support/durable-cluster.ts";
import { patiently } from "../support/durable-load.ts";

const MIB = 1024 * 1024;
const DISK_BYTES = 5 * MIB;
const SIZES = [
  ...["--set", `storage.segmentBytes=${MIB / 2}`],
  ...["--set", `storage.reserveBytes=${MIB}`],
];
const VALUE = "x".repeat(20_000);
const DELETED_OF_TEN = 8;
const ROOM_WITHIN_MS = 100_000;
const REFUSALS = 10;
const AGAIN = 50;

/** Small disks, mounted for the length of a test; undefined where that is not allowed. */
class SmallDisks {
  readonly root: string = mkdtempSync(join(tmpdir(), "gramme-full-"));
  readonly #mounted: string[] = [];

  mount(name: string): string {
    const path = join(this.root, name);
    mkdirSync(path);
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", path], {
      stdio: "pipe",
    });
    this.#mounted.push(path);
    return path;
  }

  release(): void {
    for (const path of this.#mounted) execFileSync("umount", [path]);
    rmSync(this.root, { recursive: true, force: true });
  }
}

function whyNot(): string | false {
  const disks = new SmallDisks();
  try {
    disks.mount("probe");
    return false;
  } catch (error) {
    return `a tmpfs cannot be mounted: ${(error as Error).message.split("\n")[0]!}`;
  } finally {
    disks.release();
  }
}

const skip = whyNot();

/** What happens to the nodes while their disks are full. */
const WAYS: readonly { readonly isKilled: boolean; readonly count: number }[] = [
  { isKilled: true, count: 1 },
  { isKilled: true, count: 3 },
  { isKilled: false, count: 1 },
];

for (const { isKilled, count } of WAYS) {
  const how = isKilled ? "killed and started again" : "running on";
  test(
    `durable: ${count} full disks, ${how}: nothing is lost, and deletes make room`,
    { skip },
    async (t) => {
      const disks = new SmallDisks();
      try {
        const mounts = Array.from({ length: count }, (_, index) => disks.mount(`n${index}`));
        const dirOf = (index: number): string => join(mounts[index]!, "data");
        const cluster = await DurableCluster.start({ count, words: SIZES, dirOf });
        try {
          await judgeFull(cluster, isKilled, t);
        } finally {
          await cluster.end();
        }
      } finally {
        disks.release();
      }
    },
  );
}

async function judgeFull(
  cluster: DurableCluster,
  isKilled: boolean,
  t: TestContext,
): Promise<void> {
  const rows = await fill(cluster, t);
  await judgeRows(cluster, rows);
  await deleteMost(cluster, rows);
  await judgeRows(cluster, rows);
  if (isKilled) {
    await cluster.kill(...cluster.indices);
    await cluster.startAll();
    await judgeRows(cluster, rows);
  }
  t.diagnostic(`room again after ${await writeAgain(cluster, rows)} ms`);
  await judgeRows(cluster, rows);
  for (const index of cluster.indices) assert.equal(await cluster.stop(index), 0);
  await cluster.startAll();
  await judgeRows(cluster, rows);
  for (const index of cluster.indices) {
    assert.doesNotMatch(cluster.told(index), /damaged|were lost|new identity|error/);
  }
}

/** What must be read under each key; nothing where it was deleted. */
type Rows = Map<string, string | undefined>;

/** Writes until there is no room: ten refusals in a row, each in a short time. */
async function fill(cluster: DurableCluster, t: TestContext): Promise<Rows> {
  await using store = await cluster.connect();
  const bucket = store.bucket("full", text);
  const rows: Rows = new Map();
  const refusals: GrammeError[] = [];
  for (let count = 0; refusals.length < REFUSALS; count++) {
    const value = `${count} ${VALUE}`;
    try {
      await bucket.put(`key ${count}`, value, { retries: 0, timeoutMs: 5_000 });
      rows.set(`key ${count}`, value);
    } catch (error) {
      assert.ok(GrammeError.is(error), String(error));
      refusals.push(error);
    }
  }
  assert.ok(rows.size * VALUE.length > DISK_BYTES / 2, `only ${rows.size} values found room`);
  assert.ok(
    refusals.every(({ code }) => code !== "UNAVAILABLE"),
    "a full node is no node that is away",
  );
  t.diagnostic(`${rows.size} values of ${VALUE.length} bytes fit; then ${refusals[0]!.message}`);
  const words = ["put", "key", VALUE, "--node", cluster.addresses[0]!];
  const { code, stderr } = await gramme(words);
  assert.ok(code === 3 || code === 4, `exit code ${code}: ${stderr}`);
  t.diagnostic(`exit code ${code}: ${stderr.trim()}`);
  return rows;
}

async function judgeRows(cluster: DurableCluster, rows: Rows): Promise<void> {
  await using store = await cluster.connect();
  const bucket = store.bucket("full", text);
  const keys = [...rows.keys()];
  const values = await patiently(() => bucket.getMany(keys, { timeoutMs: 20_000 }));
  const wrong = keys.filter((key, index) => values[index] !== rows.get(key));
  assert.deepEqual(wrong, []);
  const statuses = await store.status();
  assert.equal(statuses.length, cluster.ports.length, "they all run");
}

async function deleteMost(cluster: DurableCluster, rows: Rows): Promise<void> {
  await using store = await cluster.connect();
  const bucket = store.bucket("full", text);
  for (const [index, key] of [...rows.keys()].entries()) {
    if (index % 10 >= DELETED_OF_TEN) continue;
    assert.equal(await bucket.delete(key), true, key);
    rows.set(key, undefined);
  }
}

/** Answers how long there was no room. */
async function writeAgain(cluster: DurableCluster, rows: Rows): Promise<number> {
  await using store = await cluster.connect();
  const bucket = store.bucket("full", text);
  const startedAt = performance.now();
  let waitedMs = 0;
  for (const key of [...rows.keys()].slice(0, AGAIN)) {
    for (;;) {
      try {
        await bucket.put(key, VALUE);
        break;
      } catch (error) {
        waitedMs = Math.round(performance.now() - startedAt);
        if (waitedMs > ROOM_WITHIN_MS) throw error;
        await sleep(50);
      }
    }
    rows.set(key, VALUE);
  }
  return waitedMs;
}
