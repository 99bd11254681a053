/**
 * Deletions in a cluster of processes on disks: kept while a member is away, forgotten when all are
 * there, and not back after a kill.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, text } from "gramme/client";
import { Dev } from "../support/cli.ts";

const QUICK = ["--set", "config.purgeEveryMs=200", "--set", "config.eraMs=100"];
const KEYS = 50;
const WITHIN_MS = 30_000;

interface NodeDocument {
  readonly id: string;
  readonly keys: number | null;
  readonly tombstones: {
    readonly era: number;
    readonly tombstones: number;
    readonly isScanned: boolean;
    readonly purged: number;
    readonly waitsFor: readonly string[];
  } | null;
}

async function nodesOf(dev: Dev): Promise<readonly NodeDocument[]> {
  const { nodes } = (await dev.json(["status"])) as { readonly nodes: readonly NodeDocument[] };
  return nodes;
}

async function become(dev: Dev, isSo: (nodes: readonly NodeDocument[]) => boolean): Promise<void> {
  const end = performance.now() + WITHIN_MS;
  for (;;) {
    const nodes = await nodesOf(dev);
    if (isSo(nodes)) return;
    assert.ok(performance.now() < end, `it stays so: ${JSON.stringify(nodes)}`);
  }
}

test("tombstones: what is deleted is forgotten by all nodes, and does not come back", async () => {
  const dev = await Dev.start(QUICK);
  try {
    const store = await connect(dev.addresses);
    const texts = store.bucket("texts", text);
    for (let n = 0; n < KEYS; n++) await texts.put(`k${n}`, `${n}`, { w: "all" });
    await texts.put("stays", "v", { w: "all" });
    for (let n = 0; n < KEYS; n++) await texts.delete(`k${n}`);
    // Of each node the kept key, and the era that it is in, are left.
    await become(dev, (nodes) =>
      nodes.every(({ keys, tombstones }) => keys! <= 2 && tombstones!.era > 0),
    );
    for (let n = 0; n < KEYS; n++) assert.equal(await texts.get(`k${n}`, { r: "all" }), undefined);
    assert.equal(await texts.get("stays", { r: "all" }), "v");
    await texts.put("k7", "again");
    assert.equal(await texts.get("k7", { r: "all" }), "again");
    await store.close();
  } finally {
    await dev.stop();
  }
});

test("tombstones: they stay while a member is away, and status says for whom", async () => {
  const dev = await Dev.start(QUICK);
  try {
    const store = await connect(dev.addresses);
    const texts = store.bucket("texts", text);
    for (let n = 0; n < KEYS; n++) await texts.put(`k${n}`, `${n}`, { w: "all" });
    await dev.killNode("n2");
    for (let n = 0; n < KEYS; n++) await texts.delete(`k${n}`);
    await new Promise((later) => setTimeout(later, 3_000));
    const nodes = await nodesOf(dev);
    assert.ok(nodes.every(({ keys }) => keys === null || keys >= KEYS));
    const reports = nodes.flatMap(({ tombstones }) => tombstones ?? []);
    assert.equal(reports.length, 2);
    for (const { waitsFor, isScanned, purged } of reports) {
      assert.deepEqual([waitsFor, isScanned, purged], [["n2"], true, 0]);
    }
    assert.ok(reports.some(({ tombstones }) => tombstones > 0));
    const { stderr } = await dev.run(["status"]);
    assert.match(stderr, /n[01] keeps \d+ tombstones until n2 can be reached/);
    await store.close();
  } finally {
    await dev.stop();
  }
});
