/** Backups on a disk: written, read, damaged in every place, and cut short at every length. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { encodeRecord } from "../core/causality/record-codec.ts";
import { BackupError } from "./backup-error.ts";
import { entriesIn } from "./backup-format.ts";
import { blocksOf } from "./backup-reader.ts";
import { BackupWriter } from "./backup-writer.ts";
import { checkBackup, type CheckedBackup } from "./check.ts";
import type { Manifest } from "./manifest.ts";
import { decodeManifest, encodeManifest } from "./manifest.ts";
import { PartitionCopy } from "./partition-copy.ts";
import {
  filesIn,
  keyRecord,
  newDirectory,
  SMALL_ID,
  valueOf,
  writeSmall,
} from "./small-backup.test.ts";

const FIXTURE = fileURLToPath(new URL("../../src/backup/fixtures/v1", import.meta.url));

function check(dir: string): Promise<CheckedBackup> {
  return checkBackup(dir, () => {});
}

async function recordsIn(dir: string, manifest: Manifest): Promise<ReadonlyMap<string, string>> {
  const records = new Map<string, string>();
  for await (const place of blocksOf(dir, manifest)) {
    assert.equal(place.kind, "block");
    if (place.kind !== "block") continue;
    for (const entry of entriesIn(place.body, place.length)) {
      records.set(entry!.key, Buffer.from(entry!.record).toString("hex"));
    }
  }
  return records;
}

/** The places that are found damaged, or that it cannot be read at all. */
async function damageIn(dir: string): Promise<readonly string[]> {
  try {
    return (await check(dir)).damage.map(({ file, what }) => `${file}: ${what}`);
  } catch (error) {
    assert.ok(error instanceof BackupError, String(error));
    return [error.message];
  }
}

test("backup: golden bytes", async () => {
  const dir = newDirectory();
  await writeSmall(dir);
  assert.deepEqual(filesIn(dir), filesIn(FIXTURE));
  for (const name of filesIn(FIXTURE)) {
    const [ours, theirs] = [dir, FIXTURE].map((each) => fs.readFileSync(join(each, name)));
    assert.equal(ours!.toString("latin1"), theirs!.toString("latin1"), name);
  }
});

test("backup: the fixture is read as what it was made of", async () => {
  const { manifest, entries, tombstones, damage, missing } = await check(FIXTURE);
  assert.deepEqual(
    { entries, tombstones, damage, missing },
    {
      entries: 4,
      tombstones: 1,
      damage: [],
      missing: [],
    },
  );
  const records = await recordsIn(FIXTURE, manifest);
  assert.deepEqual([...records.keys()], ["b/one", "b/\xff\x00", "b/gone", "b/two"]);
  assert.equal(records.get("b/two"), Buffer.from(encodeRecord(valueOf(4, 5))).toString("hex"));
});

test("backup: what it spreads over several files is all there", async () => {
  const dir = newDirectory();
  const manifest = await writeSmall(dir, 100);
  assert.deepEqual(filesIn(dir), ["data-0001", "data-0002", "manifest.json"]);
  assert.deepEqual((await check(dir)).damage, []);
  assert.equal((await recordsIn(dir, manifest)).size, 4);
  fs.renameSync(join(dir, "data-0001"), join(dir, "other"));
  fs.renameSync(join(dir, "data-0002"), join(dir, "data-0001"));
  fs.renameSync(join(dir, "other"), join(dir, "data-0002"));
  const damage = await damageIn(dir);
  assert.equal(damage.filter((each) => each.includes("does not begin like")).length, 2);
});

test("backup: every changed byte is found", async () => {
  const dir = newDirectory();
  await writeSmall(dir);
  for (const name of filesIn(dir)) {
    const path = join(dir, name);
    const good = fs.readFileSync(path);
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at]! ^= 1 << (at % 8);
      fs.writeFileSync(path, bad);
      assert.notEqual((await damageIn(dir)).length, 0, `byte ${at} of ${name}`);
    }
    fs.writeFileSync(path, good);
  }
  assert.deepEqual(await damageIn(dir), []);
});

test("backup: every end that is missing, and every byte too many, is found", async () => {
  const dir = newDirectory();
  await writeSmall(dir);
  for (const name of filesIn(dir)) {
    const path = join(dir, name);
    const good = fs.readFileSync(path);
    for (let length = 0; length < good.length; length++) {
      fs.writeFileSync(path, good.subarray(0, length));
      assert.notEqual((await damageIn(dir)).length, 0, `${length} bytes of ${name}`);
    }
    fs.writeFileSync(path, Buffer.concat([good, Buffer.of(0)]));
    assert.notEqual((await damageIn(dir)).length, 0, `one byte more of ${name}`);
    fs.writeFileSync(path, good);
  }
});

test("backup: damage is named by its place, and what is behind it is still read", async () => {
  const dir = newDirectory();
  await writeSmall(dir);
  const path = join(dir, "data-0001");
  const bytes = fs.readFileSync(path);
  bytes[24 + 12 + 5]! ^= 1;
  fs.writeFileSync(path, bytes);
  const { damage, entries } = await check(dir);
  assert.equal(entries, 1);
  assert.deepEqual(damage[0], {
    file: "data-0001",
    offset: 24,
    partition: null,
    what: "383 bytes of entries of partition 2 are damaged",
  });
  assert.deepEqual(damage[1], {
    file: null,
    offset: null,
    partition: 2,
    what: "0 entries, it should have 3",
  });
  assert.equal(damage.length, 2);
});

test("backup: a missing file is found", async () => {
  const dir = newDirectory();
  await writeSmall(dir);
  fs.rmSync(join(dir, "data-0001"));
  assert.match((await damageIn(dir))[0]!, /data-0001: it cannot be opened: ENOENT/);
});

test("backup: blocks of a backup with another id are refused", async () => {
  const [one, other] = [newDirectory(), newDirectory()];
  await writeSmall(one);
  const writer = await BackupWriter.create(
    other,
    SMALL_ID.map((byte) => byte + 1),
  );
  await writer.finish((files) => ({ ...manifestIn(one), id: "0203040506070809", files }));
  fs.copyFileSync(join(one, "data-0001"), join(other, "data-0001"));
  const files = manifestIn(one).files;
  const bytes = encodeManifest({ ...manifestIn(other), files });
  fs.writeFileSync(join(other, "manifest.json"), bytes);
  assert.match((await damageIn(other))[0]!, /does not begin like this file of this backup/);
});

test("backup: what is not finished is none", async () => {
  const dir = newDirectory();
  await writeSmall(dir);
  fs.rmSync(join(dir, "manifest.json"));
  await assert.rejects(check(dir), /a backup that was interrupted: it has no manifest/);
  await assert.rejects(check(newDirectory()), /it is not there/);
  await assert.rejects(check(fs.mkdtempSync(newDirectory())), /it is empty/);
});

test("backup: only a new or an empty directory is written into", async () => {
  const dir = newDirectory();
  fs.mkdirSync(dir);
  await writeSmall(dir);
  const before = filesIn(dir);
  await assert.rejects(BackupWriter.create(dir, SMALL_ID), /it holds a backup/);
  assert.deepEqual(filesIn(dir), before);
  const half = newDirectory();
  fs.mkdirSync(half);
  fs.writeFileSync(join(half, "data-0001.unfinished"), "");
  await assert.rejects(BackupWriter.create(half, SMALL_ID), /it holds half a backup/);
  const other = newDirectory();
  fs.mkdirSync(other);
  fs.writeFileSync(join(other, "notes"), "");
  await assert.rejects(BackupWriter.create(other, SMALL_ID), /it is not empty/);
  await assert.rejects(BackupWriter.create(join(other, "notes"), SMALL_ID), /EEXIST|ENOTDIR/);
});

test("backup: of two that begin at once one gets the directory", async () => {
  const dir = newDirectory();
  const begun = await Promise.allSettled([
    BackupWriter.create(dir, SMALL_ID),
    BackupWriter.create(dir, SMALL_ID),
  ]);
  const reasons = begun.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
  assert.equal(reasons.length, 1);
  assert.match(String(reasons[0]), /it holds half a backup/);
  for (const each of begun) if (each.status === "fulfilled") await each.value.abandon();
  assert.deepEqual(filesIn(dir), []);
});

test("backup: what is given up is removed, and nothing beside it", async () => {
  const dir = newDirectory();
  const writer = await BackupWriter.create(dir, SMALL_ID, 100);
  const copy = new PartitionCopy(2, writer);
  for (const name of ["one", "two"]) {
    copy.add(keyRecord(name, valueOf(1, 300)));
    await copy.end();
  }
  fs.writeFileSync(join(dir, "notes"), "");
  assert.ok(filesIn(dir).includes("data-0002.unfinished"));
  await writer.abandon();
  assert.deepEqual(filesIn(dir), ["notes"]);
});

test("backup: what the file system says is told; anything else is no problem of a directory", () => {
  const full = Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC", errno: -28 });
  const told = BackupError.ofSystem("/mnt/x", full) as BackupError;
  assert.equal(told.message, "/mnt/x: ENOSPC: no space left");
  assert.match(told.hint, /make room there/);
  const bug = new TypeError("x is not a function");
  assert.equal(BackupError.ofSystem("/mnt/x", bug), bug);
});

test("backup: a manifest of a newer version is not damaged, but cannot be used", async () => {
  const dir = newDirectory();
  fs.mkdirSync(dir);
  const manifest = manifestIn(FIXTURE);
  const problems = [];
  for (const version of [2, 0]) {
    fs.writeFileSync(join(dir, "manifest.json"), encodeManifest({ ...manifest, version }));
    const error: unknown = await check(dir).catch((reason: unknown) => reason);
    assert.ok(error instanceof BackupError);
    problems.push(error.problem);
  }
  assert.deepEqual(problems, ["directory", "damaged"]);
});

test("backup: whatever field of a manifest is of another kind is named", () => {
  const manifest = manifestIn(FIXTURE);
  const row = { node: "n1", partition: 1, bucket: "b", key: "k", encoding: "utf8", isSaved: true };
  const good = JSON.stringify({ ...manifest, damaged: { count: 1, rows: [row] } });
  let seen = 0;
  const tryAll = (at: object, place: string, root: object): void => {
    for (const [name, value] of Object.entries(at)) {
      const here = Array.isArray(at) ? `${place}[${name}]` : `${place}.${name}`;
      for (const wrong of [null, undefined, -1, 1e300, {}, "\u001b[31m", { toString: 1 }]) {
        if (typeof wrong === "string" && /findings|key$/.test(name)) continue;
        Object.assign(at, { [name]: wrong });
        const decoded = decodeManifest(encodeManifest(root as Manifest));
        assert.ok("problem" in decoded, `${here}: ${JSON.stringify(wrong)}`);
        assert.match(decoded.problem, /it has version|it must be/);
        if (wrong === null) assert.ok(decoded.problem.includes(here), decoded.problem);
        seen++;
      }
      Object.assign(at, { [name]: value });
      if (typeof value === "object" && value !== null) tryAll(value, here, root);
    }
  };
  const manifestToChange = JSON.parse(good) as Manifest;
  assert.ok(!("problem" in decodeManifest(encodeManifest(manifestToChange))));
  tryAll(manifestToChange, "backup", manifestToChange);
  assert.ok(seen > 500, `${seen} changes`);
});

test("backup: a manifest whose parts do not belong together, or that leads elsewhere, is refused", () => {
  const manifest = manifestIn(FIXTURE);
  const problemOf = (changes: Partial<Manifest>): string => {
    const decoded = decodeManifest(encodeManifest({ ...manifest, ...changes }));
    return "problem" in decoded ? decoded.problem : "";
  };
  assert.equal(problemOf({}), "");
  assert.match(problemOf({ version: 2 }), /version 2, and this program reads version 1/);
  assert.match(problemOf({ id: "../../../etc" }), /its field backup.id is not what it must be/);
  const file = { name: "data-0001", bytes: 1, blocks: 1 };
  const outside = { ...file, name: "../data-0001" };
  assert.match(problemOf({ files: [outside] }), /its file 1 is named ..\/data-0001/);
  assert.match(problemOf({ files: [file, file] }), /its file 2 is named data-0001/);
  assert.match(problemOf({ partitions: manifest.partitions.slice(1) }), /lists 15 of 16/);
  const swapped = manifest.partitions.toReversed();
  assert.match(problemOf({ partitions: swapped }), /partition 0 is not where it should be/);
});

function manifestIn(dir: string): Manifest {
  const manifest = decodeManifest(fs.readFileSync(join(dir, "manifest.json")));
  assert.ok(!("problem" in manifest));
  return manifest;
}
