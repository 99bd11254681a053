/** Whose rows a backup takes: of all owners or of one, damaged ones, those of one that restarts. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { BackupWriter } from "#src/backup/backup-writer.ts";
import { checkBackup } from "#src/backup/check.ts";
import type { Manifest } from "#src/backup/manifest.ts";
import { type CopyDoor, PatientCalls } from "#src/backup/patient-calls.ts";
import { restoreBackup } from "#src/backup/restore-backup.ts";
import { takeBackup } from "#src/backup/take-backup.ts";
import { RemoteClient } from "#src/client/remote-client.ts";
import { EMPTY_CONTEXT } from "#src/core/causality/context.ts";
import { encodeRecord } from "#src/core/causality/record-codec.ts";
import { putDelta, REGISTER } from "#src/core/causality/record.ts";
import { type Key, keyOf, userKeyOf } from "#src/core/ring/key.ts";
import { done, get, LocalCluster, put } from "../support/local-cluster.ts";

const TIMEOUT_MS = 2_000;
const PLAN = { isPartial: false, program: "test", findings: new Map(), onPartition: () => {} };
const root = fs.mkdtempSync(join(tmpdir(), "gramme-backup-owners-"));
after(() => fs.rmSync(root, { recursive: true, force: true }));

let made = 0;

function newDirectory(): string {
  return join(root, String(made++));
}

async function backUp(
  door: CopyDoor,
  owners: "all" | "one" = "all",
): Promise<{ readonly dir: string; readonly manifest: Manifest }> {
  const dir = newDirectory();
  const writer = await BackupWriter.create(dir, new Uint8Array(8));
  const calls = new PatientCalls(door, { timeoutMs: TIMEOUT_MS });
  const manifest = await takeBackup(calls, writer, { ...PLAN, owners });
  assert.deepEqual((await checkBackup(dir, () => {})).damage, []);
  return { dir, manifest };
}

function keysIn({ partitions }: Manifest): number {
  return partitions.reduce((sum, { keys }) => sum + keys, 0);
}

test("backup: what a single owner has is in it, unless one owner is enough", async () => {
  const cluster = await LocalCluster.start({ settings: { partitions: 16 } });
  const client = await RemoteClient.connect(cluster.addresses);
  const key = keyOf("test", "lonely");
  const last = client.layout().ownersOf(key)[2]!;
  const dot = { high: 9, low: 9, epoch: 1, n: 1, kind: REGISTER, path: "" };
  const record = encodeRecord(putDelta(EMPTY_CONTEXT, { ...dot, payload: Uint8Array.of(0, 5) }));
  const records = [{ key, record }];
  const answer = await client.copy(last, { kind: "join-ask", epoch: 1, records }, TIMEOUT_MS);
  assert.equal(answer.kind, "join-told");
  assert.equal(keysIn((await backUp(client, "one")).manifest), 0);
  const { dir, manifest } = await backUp(client);
  assert.equal(keysIn(manifest), 1);
  const report = await restoreBackup(new PatientCalls(client, { timeoutMs: TIMEOUT_MS }), dir, {
    onChecked: () => {},
    onSent: () => {},
  });
  assert.deepEqual(report.heldBy, [0, 0, 0, 1]);
  assert.equal((await done(client, { operation: "get", key, r: "all" })).kind, "found");
  await client.close();
  await cluster.stop();
});

test("backup: rows that cannot be read are counted and named", async () => {
  const storage = { dir: newDirectory() };
  const cluster = await LocalCluster.start({ count: 1, settings: { partitions: 16, storage } });
  const { host } = cluster.nodes[0]!;
  for (const name of ["a", "b", "c"]) await put(host, name, Buffer.from(`the value of ${name}`));
  await cluster.stop();
  const path = join(storage.dir, "log", "segment-0000000001.log");
  const bytes = fs.readFileSync(path);
  bytes[bytes.indexOf("the value of b")]! ^= 1;
  fs.writeFileSync(path, bytes);
  await cluster.startNode(0);
  const client = await RemoteClient.connect(cluster.addresses);
  const { manifest } = await backUp(client);
  assert.equal(keysIn(manifest), 2);
  assert.equal(manifest.damaged.count, 1);
  const { partition: _, ...row } = manifest.damaged.rows[0]!;
  const key = { bucket: "test", key: "b", encoding: "utf8" };
  assert.deepEqual(row, { node: "n1", ...key, isSaved: false });
  await client.close();
  await cluster.stop();
});

test("backup: a node that restarts in the middle of a partition is read again from its beginning", async () => {
  const storage = { dir: newDirectory() };
  const cluster = await LocalCluster.start({ count: 1, settings: { partitions: 16, storage } });
  const { host } = cluster.nodes[0]!;
  for (let i = 0; i < 30; i++) await put(host, `{same}${i}`, new Uint8Array(30_000));
  const client = await RemoteClient.connect(cluster.addresses);
  let restarts = 0;
  const door: CopyDoor = {
    layout: () => client.layout(),
    copy: async (node, question, timeoutMs) => {
      const isMidway = question.kind === "rows-ask" && question.position.length > 0;
      if (isMidway && restarts === 0) {
        restarts++;
        await cluster.nodes[0]!.stop();
        await cluster.startNode(0);
      }
      return client.copy(node, question, timeoutMs);
    },
  };
  const { manifest } = await backUp(door);
  assert.equal(restarts, 1);
  assert.equal(keysIn(manifest), 30);
  await client.close();
  await cluster.stop();
});

test("backup: siblings that are too long for one question are restored in pieces", async () => {
  const cluster = await LocalCluster.start({ count: 1, settings: { partitions: 16 } });
  const client = await RemoteClient.connect(cluster.addresses);
  const { host } = cluster.nodes[0]!;
  const key = keyOf("test", "long");
  const value = new Uint8Array(9 * 1024 * 1024);
  for (let i = 0; i < 3; i++) {
    value[0] = i;
    const request = { operation: "put", mode: "siblings", key, value: value.slice() } as const;
    assert.equal((await done(host, request)).kind, "stored");
  }
  await put(host, "short", Uint8Array.of(1));
  const { dir, manifest } = await backUp(client);
  assert.equal(keysIn(manifest), 2);
  const other = await LocalCluster.start({ count: 1 });
  const restored = await RemoteClient.connect(other.addresses);
  const plan = { onChecked: () => {}, onSent: () => {} };
  const calls = new PatientCalls(restored, { timeoutMs: 10_000 });
  assert.deepEqual((await restoreBackup(calls, dir, plan)).heldBy, [0, 2]);
  const found = await done(restored, { operation: "get", key });
  assert.equal(found.kind === "found" && found.siblings.length, 3);
  assert.deepEqual(await get(restored, "short"), Uint8Array.of(1));
  for (const each of [client, restored]) await each.close();
  for (const each of [cluster, other]) await each.stop();
});

test("backup: of many rows that cannot be read, those that are lost are named", async () => {
  const cluster = await LocalCluster.start({ count: 2, settings: { partitions: 16 } });
  const client = await RemoteClient.connect(cluster.addresses);
  const layout = client.layout();
  const keys = Array.from({ length: 2_000 }, (_, i) => keyOf("test", `key ${i}`));
  await Promise.all(keys.map((_, i) => put(client, `key ${i}`, Uint8Array.of(1))));
  // Partitions are read in their order, so when this one is, a thousand others have been named.
  const lost = keys.find((key) => layout.partitioner.of(key) === 15)!;
  const door: CopyDoor = {
    layout: () => layout,
    copy: async (node, question, timeoutMs) => {
      const answer = await client.copy(node, question, timeoutMs);
      if (answer.kind !== "rows-told") return answer;
      const isBad = ({ key }: { readonly key: Key }): boolean => node === "n1" || key === lost;
      const damaged = answer.records.filter(isBad).map(({ key }) => key);
      return { ...answer, damaged, records: answer.records.filter((each) => !isBad(each)) };
    },
  };
  const { manifest } = await backUp(door);
  const { count, rows } = manifest.damaged;
  assert.equal(count, 2_001);
  assert.equal(rows.length, 1_000);
  const named = rows.filter(({ isSaved }) => !isSaved);
  assert.deepEqual(new Set(named.map(({ key }) => key)), new Set([userKeyOf(lost)]));
  assert.deepEqual(new Set(named.map(({ node }) => node)), new Set(["n1", "n2"]));
  await client.close();
  await cluster.stop();
});

test("backup: a value that is too long for the nodes there leaves out no other", async () => {
  const dir = newDirectory();
  const writer = await BackupWriter.create(dir, new Uint8Array(8));
  const from = await LocalCluster.start({ count: 1, settings: { partitions: 16 } });
  const source = await RemoteClient.connect(from.addresses);
  for (let i = 0; i < 500; i++) await put(source, `{same}${i}`, new Uint8Array(2_000));
  const dot = { high: 9, low: 9, epoch: 1, n: 1, kind: REGISTER, path: "" };
  const payload = new Uint8Array(19 * 1024 * 1024);
  const record = encodeRecord(putDelta(EMPTY_CONTEXT, { ...dot, payload }));
  const long = { key: keyOf("test", "{same}long"), record };
  // As from a node with a larger `config.valueBytesMax`.
  const door: CopyDoor = {
    layout: () => source.layout(),
    copy: async (node, question, timeoutMs) => {
      const answer = await source.copy(node, question, timeoutMs);
      if (answer.kind !== "rows-told" || answer.records.length === 0) return answer;
      const isFirst = question.kind === "rows-ask" && question.position.length === 0;
      return isFirst ? { ...answer, records: [long, ...answer.records] } : answer;
    },
  };
  const calls = new PatientCalls(door, { timeoutMs: TIMEOUT_MS });
  await takeBackup(calls, writer, { ...PLAN, owners: "one" });
  const to = await LocalCluster.start({ count: 2 });
  const target = await RemoteClient.connect(to.addresses);
  const report = await restoreBackup(new PatientCalls(target, { timeoutMs: TIMEOUT_MS }), dir, {
    onChecked: () => {},
    onSent: () => {},
  });
  assert.deepEqual(report.heldBy, [1, 0, 500]);
  for (const problem of report.silent.values()) {
    assert.match(problem, /a record of 199229\d\d bytes, and its config.valueBytesMax may be less/);
  }
  assert.equal(report.silent.size, 2);
  for (const each of [source, target]) await each.close();
  for (const each of [from, to]) await each.stop();
});
