/** `gramme backup`, `verify` and `restore` as people run them, on clusters of real processes. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, test } from "node:test";
import { Dev, gramme } from "../support/cli.ts";
import { until } from "../support/local-cluster.ts";

const CLI = fileURLToPath(new URL("../../cli/main.js", import.meta.url));
const root = fs.mkdtempSync(join(tmpdir(), "gramme-cli-backup-"));
after(() => fs.rmSync(root, { recursive: true, force: true }));

let made = 0;

function newDirectory(): string {
  return join(root, String(made++));
}

/** Runs the test with a cluster that is stopped whatever happens. */
async function withDev<T>(
  words: readonly string[],
  nodes: number,
  use: (dev: Dev) => Promise<T>,
): Promise<T> {
  const dev = await Dev.start(words, nodes);
  try {
    return await use(dev);
  } finally {
    await dev.stop();
  }
}

/** Stores `key 0` and so on, each with a value that says which it is. */
async function fill(dev: Dev, count: number, valueBytes = 10): Promise<void> {
  const lines = Array.from({ length: count }, (_, i) => {
    return JSON.stringify({ key: `key ${i}`, value: `value ${i}`.padEnd(valueBytes, ".") });
  });
  const { code, stderr } = await dev.run(["batch", "-"], { input: lines.join("\n") });
  assert.equal(code, 0, stderr);
}

/** What a get says of the key, without what differs from cluster to cluster. */
async function read(dev: Dev, key: string): Promise<unknown> {
  const { values, siblings, found } = await dev.json(["get", key, "-c", "all"]);
  return { values, siblings, found };
}

interface Told {
  readonly verdict: string;
  readonly keys: number;
  readonly tombstones: number;
  readonly damagedRows: number;
  readonly missing: readonly number[];
  readonly damage: readonly { readonly file: string | null }[];
}

async function verdict(
  dir: string,
): Promise<{ readonly code: number | null; readonly told: Told }> {
  const { code, stdout } = await gramme(["verify", dir, "--json"]);
  return { code, told: JSON.parse(stdout) as Told };
}

async function backUp(dev: Dev, ...words: string[]): Promise<string> {
  const dir = newDirectory();
  const { complete, lost } = await dev.json(["backup", dir, ...words]);
  assert.deepEqual({ complete, lost }, { complete: true, lost: 0 });
  return dir;
}

/** Restores, and sees that every owner holds every key. */
async function restore(dev: Dev, dir: string): Promise<Record<string, unknown>> {
  const report = await dev.json(["restore", dir]);
  const heldBy = report["heldBy"] as readonly number[];
  assert.equal(heldBy.at(-1), report["records"], JSON.stringify(report));
  return report;
}

async function twoSiblings(dev: Dev, key: string): Promise<string> {
  for (const value of ["one", "two"]) {
    assert.equal((await dev.run(["put", key, value, "-m", "siblings"])).code, 0);
  }
  return String((await dev.json(["get", key]))["context"]);
}

for (const [engine, words] of [
  ["memory", ["--memory"]],
  ["log", []],
] as const) {
  test(`backup: a round trip, engine ${engine}: values, siblings, deletions and contexts`, async () => {
    const { dir, context, before } = await withDev(words, 3, async (dev) => {
      await fill(dev, 300);
      const token = await twoSiblings(dev, "both");
      await dev.run(["delete", "key 7"]);
      const taken = await backUp(dev);
      return { dir: taken, context: token, before: await read(dev, "both") };
    });
    const { code, told } = await verdict(dir);
    assert.equal(code, 0);
    assert.equal(told.verdict, "good");
    assert.equal(told.damagedRows, 0);
    // Also the key with which `dev` sees that it is ready, which it deletes.
    assert.equal(told.keys, 302);
    assert.equal(told.tombstones, 2);
    await withDev(words, 3, async (dev) => {
      assert.equal((await restore(dev, dir))["owners"], 3);
      assert.deepEqual(await read(dev, "both"), before);
      assert.equal((await dev.run(["get", "key 7"])).code, 1);
      for (const i of [0, 6, 8, 299]) {
        const { value } = await dev.json(["get", `key ${i}`]);
        assert.equal(value, `value ${i}`.padEnd(10, "."));
      }
      // The context of a read before the backup replaces what that read saw, and nothing later.
      assert.equal((await dev.run(["put", "both", "later", "-m", "siblings"])).code, 0);
      assert.equal((await dev.run(["put", "both", "merged", "--context", context])).code, 0);
      const { values } = (await read(dev, "both")) as { readonly values: readonly string[] };
      assert.deepEqual(values.toSorted(), ["later", "merged"]);
    });
  });
}

test("backup: from one engine into another", async () => {
  const path: readonly (readonly [engine: string, nodes: number])[] = [
    ["lmdb", 3],
    ["level", 1],
    ["log", 1],
    ["lmdb", 1],
  ];
  let dir = "";
  let both: unknown = undefined;
  for (const [engine, nodes] of path) {
    await withDev(["--engine", engine, "--partitions", "16"], nodes, async (dev) => {
      if (dir === "") {
        await fill(dev, 300, 1_000);
        await twoSiblings(dev, "both");
        await dev.run(["delete", "key 7"]);
        both = await read(dev, "both");
      } else {
        await restore(dev, dir);
      }
      assert.deepEqual(await read(dev, "both"), both, engine);
      assert.equal((await dev.run(["get", "key 7"])).code, 1);
      dir = await backUp(dev);
      const { told } = await verdict(dir);
      assert.deepEqual([told.verdict, told.keys, told.tombstones], ["good", 302, 2], engine);
    });
  }
});

test("backup: into clusters of one and of five nodes, with other partitions", async () => {
  const dir = await withDev(["--partitions", "64"], 3, async (dev) => {
    await fill(dev, 500);
    return backUp(dev, "--owners", "one");
  });
  for (const [nodes, owners, words] of [
    [1, 1, ["--partitions", "16"]],
    [5, 4, ["--partitions", "256", "--replicas", "4"]],
  ] as const) {
    await withDev(words, nodes, async (dev) => {
      const report = await restore(dev, dir);
      assert.equal(report["records"], 501);
      assert.equal(report["owners"], owners);
      for (const i of [0, 250, 499]) {
        const { value } = await dev.json(["get", `key ${i}`, "-c", "all"]);
        assert.equal(value, `value ${i}`.padEnd(10, "."));
      }
    });
  }
});

test("backup: a restore undoes nothing that is newer, and running it again changes nothing", async () => {
  await withDev(["--memory"], 3, async (dev) => {
    await fill(dev, 50);
    const dir = await backUp(dev);
    await dev.run(["put", "key 1", "newer"]);
    await dev.run(["delete", "key 2"]);
    await dev.run(["put", "key 50", "new"]);
    for (let round = 0; round < 2; round++) await restore(dev, dir);
    assert.equal((await dev.json(["get", "key 1"]))["value"], "newer");
    assert.equal((await dev.run(["get", "key 2"])).code, 1);
    assert.equal((await dev.json(["get", "key 50"]))["value"], "new");
    const { told } = await verdict(await backUp(dev));
    assert.equal(told.keys, 52);
  });
});

test("backup: while a writer writes, what was acknowledged before is in it", async () => {
  await withDev([], 3, async (dev) => {
    await fill(dev, 2_000, 100);
    let isDone = false;
    const writing = (async () => {
      let rounds = 0;
      for (; !isDone; rounds++) {
        const lines = Array.from({ length: 500 }, (_, i) => {
          return JSON.stringify({ key: `key ${i}`, value: `round ${rounds}` });
        });
        const { code } = await dev.run(["batch", "-"], { input: lines.join("\n") });
        assert.equal(code, 0);
      }
      return rounds;
    })();
    const dir = await backUp(dev);
    isDone = true;
    assert.ok((await writing) > 0);
    const { code, told } = await verdict(dir);
    assert.equal(code, 0);
    assert.equal(told.keys, 2_001);
    await withDev([], 1, async (other) => {
      await restore(other, dir);
      for (const i of [0, 499, 500, 1_999]) {
        const { value, siblings: count } = await other.json(["get", `key ${i}`]);
        assert.match(String(value), i < 500 ? /^(value|round) / : /^value /);
        assert.equal(count, 1);
      }
    });
  });
});

test("backup: a node that dies meanwhile is done without, and named", async () => {
  await withDev([], 3, async (dev) => {
    await fill(dev, 4_000, 1_000);
    const pid = (await dev.pids()).get("n2")!;
    const dir = newDirectory();
    const backup = dev.run(["backup", dir, "--json"]);
    await until("it has begun", () => fs.existsSync(join(dir, "data-0001.unfinished")));
    process.kill(pid, "SIGKILL");
    const { code, stdout, stderr } = await backup;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /n2 did not answer all along/);
    const told = JSON.parse(stdout);
    assert.equal(told.complete, true);
    assert.equal(told.belowQuorum, 0);
    assert.equal(told.keys, 4_001);
    assert.equal((await verdict(dir)).code, 0);
    // Into the cluster without that node: a quorum holds each key, and the warning says so.
    const restored = await dev.run(["restore", dir]);
    assert.equal(restored.code, 0, restored.stderr);
    assert.match(restored.stdout, /4001 held by 2 of 3 owners/);
    assert.match(restored.stderr, /warning: not all owners hold every key, though 2 or more/);
    process.kill((await dev.pids()).get("n1")!, "SIGKILL");
    const alone = await dev.run(["restore", dir]);
    assert.equal(alone.code, 3);
    assert.match(alone.stderr, /4001 keys are held by less than 2 of 3 owners/);
  });
});

test("backup: a partition without an owner fails it, or is listed as missing", async () => {
  await withDev(["--memory", "--replicas", "1", "--partitions", "16"], 2, async (dev) => {
    await fill(dev, 100);
    process.kill((await dev.pids()).get("n1")!, "SIGKILL");
    const dir = newDirectory();
    const failed = await dev.run(["backup", dir]);
    assert.equal(failed.code, 3);
    assert.match(failed.stderr, /no owner of partition \d+ can be read \(n1\)/);
    assert.match(failed.stderr, /--partial/);
    assert.deepEqual(fs.readdirSync(dir), []);
    const partial = await dev.run(["backup", dir, "--partial"]);
    assert.equal(partial.code, 0, partial.stderr);
    assert.match(partial.stdout, /partial backup .* in 8 of 16 partitions/);
    const { code, told } = await verdict(dir);
    assert.equal(code, 0);
    assert.equal(told.verdict, "partial");
    assert.equal(told.missing.length, 8);
  });
});

test("backup: what is damaged, cut short or interrupted is found, and nothing of it is restored", async () => {
  await withDev(["--memory"], 3, async (dev) => {
    await fill(dev, 3_000, 1_000);
    const whole = await backUp(dev);
    const path = join(whole, "data-0001");
    const good = fs.readFileSync(path);
    const middle = good.length >> 1;
    for (const bad of [good.with(middle, good[middle]! ^ 1), good.subarray(0, -1)]) {
      fs.writeFileSync(path, bad);
      const { code, told } = await verdict(whole);
      assert.equal(code, 6);
      assert.equal(told.verdict, "damaged");
      assert.equal(told.damage[0]!.file, "data-0001");
      assert.match((await gramme(["verify", whole])).stdout, /damaged {2}data-0001, byte \d+: /);
      await withDev(["--memory"], 1, async (empty) => {
        const refused = await empty.run(["restore", whole]);
        assert.equal(refused.code, 6);
        assert.match(refused.stderr, /the backup is damaged, nothing was restored/);
        assert.equal((await empty.run(["get", "key 1"])).code, 1);
      });
    }
    const half = newDirectory();
    const child = spawn(process.execPath, [CLI, "backup", half, ...dev.nodeFlags]);
    const closed = new Promise((resolve) => child.once("close", resolve));
    await until("it has begun", () => fs.existsSync(join(half, "data-0001.unfinished")));
    child.kill("SIGKILL");
    await closed;
    assert.ok(!fs.existsSync(join(half, "manifest.json")));
    for (const words of [
      ["verify", half],
      ["restore", half, ...dev.nodeFlags],
    ]) {
      const refused = await gramme(words);
      assert.equal(refused.code, 6);
      assert.match(refused.stderr, /a backup that was interrupted: it has no manifest/);
    }
    const again = await dev.run(["backup", half]);
    assert.equal(again.code, 5);
    assert.match(again.stderr, /it holds half a backup/);
  });
});

test("backup: a restore that was interrupted is run again", async () => {
  const dir = await withDev(["--memory"], 1, async (dev) => {
    await fill(dev, 4_000, 1_000);
    return backUp(dev);
  });
  await withDev(["--memory"], 3, async (dev) => {
    const keys = async (): Promise<number> => {
      const { nodes } = (await dev.json(["status"])) as { readonly nodes: readonly Counted[] };
      return nodes[0]!.keys;
    };
    const child = spawn(process.execPath, [CLI, "restore", dir, ...dev.nodeFlags]);
    const closed = new Promise((resolve) => child.once("close", resolve));
    while ((await keys()) < 2);
    child.kill("SIGKILL");
    await closed;
    assert.equal((await restore(dev, dir))["records"], 4_001);
    // The key of `dev` is the same in both clusters.
    assert.equal(await keys(), 4_001);
  });
});

interface Counted {
  readonly keys: number;
}

test("backup: usage: directories that are none, and nobody to ask", async () => {
  const nowhere = newDirectory();
  assert.equal((await gramme(["verify", nowhere])).code, 5);
  assert.equal((await gramme(["restore", nowhere, "--node", "127.0.0.1:1"])).code, 3);
  const unreached = await gramme(["backup", nowhere, "--node", "127.0.0.1:1", "--json"]);
  assert.equal(unreached.code, 3);
  assert.equal(JSON.parse(unreached.stdout).error.code, "UNAVAILABLE");
  assert.equal((await gramme(["backup", nowhere, "--owners", "some"])).code, 2);
  assert.equal((await gramme(["backup"])).code, 2);
});
