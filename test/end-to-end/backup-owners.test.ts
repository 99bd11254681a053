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
import { keyOf } from "#src/core/ring/key.ts";
import { done, get, LocalCluster, put } from "../support/local-cluster.ts";

const TIMEOUT_MS = 2_000;
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
  const manifest = await takeBackup(new PatientCalls(door, { timeoutMs: TIMEOUT_MS }), writer, {
    owners,
    isPartial: false,
    program: "test",
    findings: new Map(),
    onPartition: () => {},
  });
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
