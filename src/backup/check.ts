/**
 * Reads all of a backup and holds it against its manifest: every block and every record, and what
 * each partition amounts to.
 */
import { decodeRecord } from "../core/causality/record-codec.ts";
import { entriesIn } from "./backup-format.ts";
import type { BadPlace, ReadBlock } from "./backup-reader.ts";
import { blocksOf, readManifest } from "./backup-reader.ts";
import type { Manifest } from "./manifest.ts";
import { PartitionSum } from "./partition-sum.ts";

export interface CheckedBackup {
  readonly manifest: Manifest;
  /** What was read and is good. */
  readonly entries: number;
  readonly tombstones: number;
  readonly bytes: number;
  /** Places and partitions that are not as they were written; empty for a good backup. */
  readonly damage: readonly Damage[];
  /** Partitions that were not backed up. */
  readonly missing: readonly number[];
}

export interface Damage {
  /** Null for what is wrong with a partition as a whole. */
  readonly file: string | null;
  readonly offset: number | null;
  readonly partition: number | null;
  readonly what: string;
}

/** Rejects with a BackupError when there is nothing that could be checked. */
export async function checkBackup(
  dir: string,
  onRead: (bytes: number, totalBytes: number) => void,
): Promise<CheckedBackup> {
  const manifest = await readManifest(dir);
  const totalBytes = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0);
  const check = new Check(manifest);
  for await (const place of blocksOf(dir, manifest)) {
    if (place.kind === "block") onRead(place.body.length, totalBytes);
    check.add(place);
  }
  return check.end();
}

class Check {
  readonly #manifest: Manifest;
  readonly #sums: PartitionSum[];
  readonly #damage: Damage[] = [];
  #tombstones = 0;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
    this.#sums = manifest.partitions.map(() => new PartitionSum());
  }

  add(place: ReadBlock | BadPlace): void {
    const { file, offset } = place;
    if (place.kind === "bad") {
      this.#damage.push({ file, offset, partition: null, what: place.what });
      return;
    }
    const { partition, body, length } = place;
    const sum = this.#sums[partition];
    const damage = (what: string): number => this.#damage.push({ file, offset, partition, what });
    if (sum === undefined) return void damage("a partition that the backup does not have");
    for (const entry of entriesIn(body, length)) {
      if (entry === undefined) return void damage("the entries are malformed");
      const { key, record, start, end } = entry;
      const decoded = decodeRecord(record);
      if (decoded === undefined) {
        damage(`the record of ${JSON.stringify(key)} is malformed`);
        continue;
      }
      if (decoded.isTombstone) this.#tombstones++;
      sum.add(body, start, end, key.length + record.length);
    }
  }

  end(): CheckedBackup {
    const missing: number[] = [];
    let entries = 0;
    let bytes = 0;
    for (const expected of this.#manifest.partitions) {
      const { partition, read } = expected;
      const sum = this.#sums[partition]!;
      entries += sum.entries;
      bytes += sum.bytes;
      if (read.length === 0) missing.push(partition);
      const what = differenceOf(sum, expected);
      if (what !== undefined) this.#damage.push({ file: null, offset: null, partition, what });
    }
    const damage = this.#damage;
    const tombstones = this.#tombstones;
    return { manifest: this.#manifest, entries, tombstones, bytes, damage, missing };
  }
}

function differenceOf(
  sum: PartitionSum,
  expected: Manifest["partitions"][number],
): string | undefined {
  const { entries, bytes, digest } = expected;
  if (sum.entries !== entries) return `${sum.entries} entries, it should have ${entries}`;
  if (sum.bytes !== bytes) return `${sum.bytes} bytes, it should have ${bytes}`;
  const found = sum.digest();
  return found === digest ? undefined : `the digest ${found}, it should have ${digest}`;
}
