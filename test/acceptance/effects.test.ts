/**
 * Everything that can be set, every flag of every verb and every field of the status has an effect
 * that a test shows. The tables are in `effects-shown.ts` and `status-shown.ts`; here they are held
 * against what there is.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { DEFAULT_CONFIG } from "#src/core/config.ts";
import { STORAGE_DEFAULTS } from "#src/disk/storage-settings.ts";
import { DEFAULT_LIMITS } from "#src/host/host-limits.ts";
import { gramme } from "../support/cli.ts";
import { DurableCluster, SMALL_RESERVE } from "../support/durable-cluster.ts";
import { FLAGS, MEANINGLESS, SETTINGS } from "./effects-shown.ts";
import type { Shown } from "./shown.ts";
import { STATUS_FIELDS } from "./status-shown.ts";

/** The named test is there, and its file speaks of the name in question. */
function assertShown(name: string, word: string, [file, title]: Shown): void {
  const path = `dist/${file}.test.js`;
  assert.ok(existsSync(path), `${name}: there is no ${path}`);
  const text = readFileSync(path, "utf8");
  assert.ok(text.includes(title), `${name}: ${file} has no test "${title}"`);
  const spoken = new RegExp(`(?<![\\w-])${word}(?![\\w-])`);
  assert.ok(spoken.test(text), `${name}: ${file} says nothing of ${word}`);
}

function assertAll(
  what: string,
  names: readonly string[],
  table: Readonly<Record<string, Shown>>,
): void {
  assert.deepEqual(names.toSorted(), Object.keys(table).toSorted(), what);
}

test("acceptance 13: every setting has an effect that a test shows", () => {
  const rooms = { config: DEFAULT_CONFIG, limits: DEFAULT_LIMITS, storage: STORAGE_DEFAULTS };
  const names = Object.entries(rooms).flatMap(([room, fields]) =>
    Object.keys(fields).map((field) => `${room}.${field}`),
  );
  assertAll("settings", names, SETTINGS);
  for (const [name, shown] of Object.entries(SETTINGS)) {
    assertShown(name, name.slice(name.indexOf(".") + 1), shown);
  }
});

test("acceptance 13: every flag of every verb has an effect that a test shows", async () => {
  const { stdout } = await gramme(["--help"]);
  const verbs = [...stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, verb]) => verb!);
  const names: string[] = [];
  for (const verb of verbs.filter((each) => each !== "help")) {
    const help = await gramme([verb, "--help"]);
    for (const [, flag] of help.stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)) {
      if (flag !== "--help") names.push(`${verb} ${flag}`);
    }
  }
  assert.ok(names.length > 100, `only ${names.length} flags were found`);
  const known = names.filter((name) => !MEANINGLESS.includes(name));
  assert.equal(names.length - known.length, MEANINGLESS.length);
  assertAll("flags", [...new Set(known)], FLAGS);
  for (const [name, shown] of Object.entries(FLAGS)) {
    const flag = name.slice(name.indexOf(" ") + 1);
    // -r and -w have a short form that is as good.
    const word = flag.length === 3 ? `--?${flag.slice(2)}` : flag;
    assertShown(name, word, shown);
  }
});

test("acceptance 13: every field of the status says what is so", async () => {
  const cluster = await DurableCluster.start({ words: [...SMALL_RESERVE, "--partitions", "16"] });
  const ask = async (): Promise<StatusDocument> => {
    const words = ["status", "--partitions", "--json", "--node", cluster.addresses[0]!];
    return JSON.parse((await gramme(words)).stdout) as StatusDocument;
  };
  try {
    const store = await cluster.connect();
    const before = await ask();
    for (let i = 0; i < 20; i++) await store.put(`${i}`, "x".repeat(1_000), { w: 2 });
    const after = await ask();
    const { clusterId, epoch, strategy, replicas, partitions, nodes } = after;
    assert.deepEqual(
      [clusterId, epoch, strategy, replicas, partitions],
      ["gramme", 1, "balanced", 3, 16],
    );
    for (const [index, node] of nodes.entries()) {
      const { id, address, state, reason, pid, layoutEpoch, generation, storage } = node;
      assert.deepEqual(
        [id, address, state, reason, pid, layoutEpoch],
        [`n${index}`, cluster.addresses[index], "up", "", cluster.running(index).process.pid, 1],
      );
      const { dir, engine, sync, boot, findings } = storage;
      assert.ok(generation > 0);
      assert.deepEqual(
        [dir, engine, sync, boot, findings],
        [cluster.directory(index), "log", "always", "first", ""],
      );
      assert.ok(node.uptimeMs > before.nodes[index]!.uptimeMs);
      assert.match(node.version, /^\d+\.\d+\.\d+/);
      assert.equal(node.repair.pairs, 32);
    }
    const sum = (of: (node: NodeDocument) => number, { nodes: all }: StatusDocument): number =>
      all.reduce((total, node) => total + of(node), 0);
    assert.ok(sum(({ keys }) => keys, after) - sum(({ keys }) => keys, before) >= 40);
    assert.ok(sum(({ bytes }) => bytes, after) - sum(({ bytes }) => bytes, before) >= 40_000);

    await cluster.kill(2);
    for (let i = 0; i < 20; i++) await store.put(`${i}`, "y", { w: 2 });
    const { nodes: left } = await ask();
    assert.equal(left[2]!.state, "down");
    assert.notEqual(left[2]!.reason, "");
    assert.ok(left[0]!.hints + left[1]!.hints >= 20);
    const lost = left[0]!.peers.find(({ id }) => id === "n2")!;
    assert.notEqual(lost.state, "linked");
    assert.notEqual(lost.problem, "");
    assert.equal(lost.address, cluster.addresses[2]);
    await store.close();
    await cluster.start(2);
    const again = (await ask()).nodes[2]!;
    assert.equal(again.storage.boot, "unclean");
    assert.ok(again.generation > nodes[2]!.generation);

    assertAll("fields of the status", [...new Set([...pathsOf(before), ...pathsOf(after)])], {
      ...STATUS_FIELDS,
    });
    for (const [name, shown] of Object.entries(STATUS_FIELDS)) {
      assertShown(name, name.slice(name.lastIndexOf(".") + 1).replaceAll("[]", ""), shown);
    }
  } finally {
    await cluster.end();
  }
});

interface NodeDocument {
  readonly id: string;
  readonly address: string;
  readonly state: string;
  readonly reason: string;
  readonly pid: number;
  readonly version: string;
  readonly generation: number;
  readonly layoutEpoch: number;
  readonly keys: number;
  readonly bytes: number;
  readonly hints: number;
  readonly uptimeMs: number;
  readonly repair: { readonly pairs: number };
  readonly storage: Readonly<Record<"dir" | "engine" | "sync" | "boot" | "findings", string>>;
  readonly peers: readonly Readonly<Record<"id" | "address" | "state" | "problem", string>>[];
}

interface StatusDocument {
  readonly clusterId: string;
  readonly epoch: number;
  readonly strategy: string;
  readonly replicas: number;
  readonly partitions: number;
  readonly nodes: readonly NodeDocument[];
}

/** What is nothing or empty at times, and counts as one. */
const WHOLE = /\.(?:scrub|waiting|degraded)$/;

/** The names of all leaves: `nodes[].storage.dir`. What is empty or nothing is a leaf as well. */
function pathsOf(value: unknown, path = ""): readonly string[] {
  if (WHOLE.test(path)) return [path];
  if (Array.isArray(value) && value.length > 0) {
    return value.flatMap((each: unknown) => pathsOf(each, `${path}[]`));
  }
  const fields = typeof value === "object" && value !== null ? Object.entries(value) : [];
  if (fields.length === 0) return [path];
  return fields.flatMap(([name, each]) => pathsOf(each, path === "" ? name : `${path}.${name}`));
}
