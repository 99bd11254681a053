/** A small backup for tests: a few records in two partitions, by a writer without a cluster. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { EMPTY_CONTEXT } from "../core/causality/context.ts";
import { encodeRecord } from "../core/causality/record-codec.ts";
import { deleteDelta, putDelta, REGISTER, type Record } from "../core/causality/record.ts";
import { keyOf } from "../core/ring/key.ts";
import type { KeyRecord } from "../core/wire/copy-codec.ts";
import { BackupWriter } from "./backup-writer.ts";
import type { DataFile, Manifest } from "./manifest.ts";
import { PartitionCopy } from "./partition-copy.ts";

export const SMALL_ID: Uint8Array = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const PARTITIONS = 16;

let root: string | undefined = undefined;
let made = 0;

/** A directory of its own that is not there yet; gone after the tests. */
export function newDirectory(): string {
  if (root === undefined) {
    const path = mkdtempSync(join(tmpdir(), "gramme-backup-"));
    root = path;
    after(() => rmSync(path, { recursive: true, force: true }));
  }
  return join(root, String(made++));
}

/** A record with one value of one actor. */
export function valueOf(n: number, bytes = 1): Record {
  const actor = { high: 1, low: 2, epoch: 3 };
  const payload = new Uint8Array(bytes).fill(n);
  return putDelta(EMPTY_CONTEXT, { ...actor, n, kind: REGISTER, path: "", payload });
}

export function keyRecord(name: string, record: Record): KeyRecord {
  return { key: keyOf("b", name), record: encodeRecord(record) };
}

/** Two keys and a tombstone in partition 2, one key in partition 5. */
export async function writeSmall(dir: string, fileBytesMax?: number): Promise<Manifest> {
  const writer = await BackupWriter.create(dir, SMALL_ID, fileBytesMax);
  const two = new PartitionCopy(2, writer);
  two.add(keyRecord("one", valueOf(1)));
  two.add(keyRecord("\xff\x00", valueOf(2, 300)));
  two.add(keyRecord("gone", deleteDelta(valueOf(3).context)));
  await two.end();
  const five = new PartitionCopy(5, writer);
  five.add(keyRecord("two", valueOf(4, 5)));
  await five.end();
  return writer.finish((files) => manifestOf([two, five], files));
}

export function manifestOf(copies: readonly PartitionCopy[], files: readonly DataFile[]): Manifest {
  const empty = (partition: number): PartitionCopy => {
    return new PartitionCopy(partition, { append: () => Promise.resolve() });
  };
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => {
    const copy = copies.find((each) => each.partition === partition) ?? empty(partition);
    const { keys, sum } = copy;
    const { entries, bytes } = sum;
    return { partition, read: ["n1"], keys, entries, bytes, digest: sum.digest() };
  });
  const nodes = [{ id: "n1", address: "10.0.0.1:7400", reached: true, findings: "" }];
  return {
    version: 1,
    id: Buffer.from(SMALL_ID).toString("hex"),
    program: "1.2.3",
    startedAt: "2026-01-02T03:04:05.678Z",
    finishedAt: "2026-01-02T03:04:06.789Z",
    cluster: {
      id: "c-5f1e",
      epoch: 1,
      strategy: "balanced",
      replicas: 3,
      partitions: PARTITIONS,
      nodes,
    },
    owners: "all",
    complete: true,
    files,
    partitions,
    damaged: { count: 0, rows: [] },
  };
}

export function filesIn(dir: string): readonly string[] {
  return readdirSync(dir).toSorted();
}
