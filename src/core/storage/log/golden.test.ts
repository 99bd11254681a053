/**
 * The fixtures are the format: a small store, written once by a program that shares nothing with
 * this one. It is read for ever, and written the same way while the version stays. A failure here
 * is a change of the format. It needs a new version, and these files stay as they are.
 *
 *     v1, segment 1 sealed     a=apple │ b=bread c="" d=dates │ a=avocado │ x damaged │ a long key
 *         segment 2 active     b=brioche │ \xff\x00=00…ff last=end
 *
 *     v1-removed, segment 1    a=apple │ b=bread c=cherry │ -a │ -b c=cocoa │ -d e=00…
 *                 segment 2    -c │ a=again │ -b f=fig              │ ends a write, - removes
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { EMPTY_BYTES } from "../../base/bytes.ts";
import { utf8Encode } from "../../base/utf8.ts";
import type { Key } from "../../ring/key.ts";
import { keyOf } from "../../ring/key.ts";
import { DAMAGED } from "../engine.ts";
import { runTask } from "./disk-task.ts";
import { collectHints, storeHints } from "./hint-job.ts";
import { DAMAGED_LENGTH } from "./log-index.ts";
import { KIND_DAMAGED, KIND_REMOVED, KIND_ROW, recordLength } from "./log-record.ts";
import { LogWriter } from "./log-writer.ts";
import { decodeManifest, encodeManifest, type Manifest } from "./manifest.ts";
import { OpenedEngine, OPTIONS, PlainDisk, recovered, STORE } from "./plain-disk.test.ts";
import { RecentBytes } from "./recent-bytes.ts";
import { SegmentReader } from "./segment-reader.ts";

const FIXTURES = new URL("../../../../src/core/storage/log/fixtures/", import.meta.url);
const HINT = "segment-0000000001.hint";

const LONG_KEY: Key = keyOf(
  "b".repeat(64),
  String.fromCharCode(...Array.from({ length: 4096 }, (_, i) => (i * 7) % 256)),
);
const ALL_BYTES: Uint8Array = Uint8Array.from({ length: 256 }, (_, i) => i);

interface Row {
  readonly kind: number;
  readonly partition: number;
  readonly key: Key;
  readonly row: Uint8Array;
}

function row(partition: number, key: Key, bytes: Uint8Array | string): Row {
  return { kind: KIND_ROW, partition, key, row: textOrBytes(bytes) };
}

function textOrBytes(bytes: Uint8Array | string): Uint8Array {
  return typeof bytes === "string" ? utf8Encode(bytes) : bytes;
}

/** Writes in their order, each a batch of its own. */
const WRITES: readonly (readonly Row[])[] = [
  [row(0, keyOf("carts", "a"), "apple")],
  [
    row(0, keyOf("carts", "b"), "bread"),
    row(7, keyOf("carts", "c"), ""),
    row(65_535, keyOf("carts", "d"), "dates"),
  ],
  [row(0, keyOf("carts", "a"), "avocado")],
  [{ kind: KIND_DAMAGED, partition: 9, key: keyOf("carts", "x"), row: EMPTY_BYTES }],
  [row(300, LONG_KEY, "!")],
  [row(0, keyOf("carts", "b"), "brioche")],
  [row(0, keyOf("carts", "\xff\x00"), ALL_BYTES), row(65_535, keyOf("s", "last"), "end")],
];

const CURRENT: readonly Row[] = [
  ...WRITES[1]!.slice(1),
  ...WRITES[2]!,
  ...WRITES[4]!,
  ...WRITES[5]!,
  ...WRITES[6]!,
];

function removal(partition: number, key: Key): Row {
  return { kind: KIND_REMOVED, partition, key, row: EMPTY_BYTES };
}

const LARGE = Uint8Array.from({ length: 4200 }, (_, i) => i * 7);

const WRITES_AND_REMOVALS: readonly (readonly Row[])[] = [
  [row(0, keyOf("carts", "a"), "apple")],
  [row(0, keyOf("carts", "b"), "bread"), row(7, keyOf("carts", "c"), "cherry")],
  [removal(0, keyOf("carts", "a"))],
  [removal(0, keyOf("carts", "b")), row(7, keyOf("carts", "c"), "cocoa")],
  [removal(65_535, keyOf("carts", "d")), row(300, keyOf("carts", "e"), LARGE)],
  [removal(7, keyOf("carts", "c"))],
  [row(0, keyOf("carts", "a"), "again")],
  [removal(0, keyOf("carts", "b")), row(9, keyOf("carts", "f"), "fig")],
];

/** By the directory of their fixtures. */
const STORES = { v1: WRITES, "v1-removed": WRITES_AND_REMOVALS };

function fixtures(store: keyof typeof STORES): PlainDisk {
  const disk = new PlainDisk();
  const directory = new URL(`${store}/`, FIXTURES);
  for (const name of readdirSync(directory)) {
    disk.files.set(name, new Uint8Array(readFileSync(new URL(name, directory))));
  }
  return disk;
}

for (const withHint of [true, false]) {
  test(`golden log: every row is read, ${withHint ? "with" : "without"} the hint file`, () => {
    const disk = fixtures("v1");
    if (!withHint) disk.files.delete(HINT);
    const { engine, log } = new OpenedEngine(disk);
    assert.equal(engine.stats().keys, CURRENT.length + 1);
    for (const { partition, key, row: bytes } of CURRENT) {
      assert.deepEqual(engine.get(partition, key), bytes, key.slice(0, 20));
      assert.equal(engine.get(partition + 1, key), undefined);
    }
    assert.equal(engine.get(9, keyOf("carts", "x")), DAMAGED);
    assert.equal(engine.get(0, keyOf("carts", "y")), undefined);
    assert.deepEqual(engine.findings, { tornBytes: 0, damagedRows: 1, lostPlaces: 0 });
    assert.deepEqual(log.store, STORE);
    assert.equal(log.sequence, 10);
    assert.equal(log.active?.number, 2);
    assert.equal(log.segments.get(1).hasHint, withHint);
  });
}

for (const withHint of [true, false]) {
  test(`golden log: what was removed is absent, ${withHint ? "with" : "without"} the hint file`, () => {
    const disk = fixtures("v1-removed");
    if (!withHint) disk.files.delete(HINT);
    const { engine, log } = new OpenedEngine(disk);
    const last = WRITES_AND_REMOVALS.at(-1)![1]!;
    const current = [WRITES_AND_REMOVALS[4]![1]!, ...WRITES_AND_REMOVALS[6]!, last];
    assert.equal(engine.stats().keys, current.length);
    for (const { partition, key, row: bytes } of current) {
      assert.deepEqual(engine.get(partition, key), bytes, key);
    }
    assert.equal(engine.get(0, keyOf("carts", "b")), undefined);
    assert.equal(engine.get(7, keyOf("carts", "c")), undefined);
    assert.equal(engine.get(65_535, keyOf("carts", "d")), undefined);
    assert.deepEqual(engine.findings, { tornBytes: 0, damagedRows: 0, lostPlaces: 0 });
    assert.equal(log.sequence, 12);
    assert.equal(log.segments.get(1).hasHint, withHint);
  });
}

for (const [store, writes] of Object.entries(STORES)) {
  test(`golden log, ${store}: every record is met in its order, with every field`, () => {
    const disk = fixtures(store as keyof typeof STORES);
    const { segments } = recovered(disk);
    const met: unknown[] = [];
    for (const segment of segments) {
      const reader = new SegmentReader(disk, segment, segment.end);
      while (reader.next() === "record") {
        const { kind, partition, hasMore, sequence } = reader.head;
        assert.ok(reader.isIntact);
        met.push([sequence, hasMore, { kind, partition, key: reader.key(), row: reader.row() }]);
      }
    }
    let sequence = 0;
    const expected = writes.flatMap((write) =>
      write.map((each, index) => [++sequence, index < write.length - 1, each]),
    );
    assert.deepEqual(met, expected);
  });
}

const NEWEST_GENERATION = 3;

/** The newest manifest says what the fixture's newest says; the older one there is encoded anew. */
function withGeneration(written: Uint8Array, fixture: Uint8Array): Uint8Array {
  const [ours, theirs] = [decodeManifest(written), decodeManifest(fixture)] as Manifest[];
  const isNewest = theirs!.generation === NEWEST_GENERATION;
  return encodeManifest(isNewest ? { ...ours!, generation: theirs!.generation } : theirs!);
}

for (const [store, writes] of Object.entries(STORES)) {
  test(`golden log, ${store}: the same writes make the same bytes`, () => {
    const disk = new PlainDisk();
    const log = recovered(disk);
    disk.files.delete("reserve");
    const { segments, index, manifest, reserve } = log;
    const recent = new RecentBytes(OPTIONS.chunkBytes, OPTIONS.recentBytes);
    const events = { completed: () => {}, failed: (problem: string) => assert.fail(problem) };
    const writer = new LogWriter({
      ...{ disk, options: OPTIONS, store: log.store, segments, recent, manifest, reserve, events },
      ...{ sequence: 0, active: undefined },
    });
    for (const write of writes) {
      for (const [at, { kind, partition, key, row: bytes }] of write.entries()) {
        const offset = writer.append(kind, at < write.length - 1, partition, key, bytes);
        const length = kind === KIND_ROW ? recordLength(key, bytes.length) : DAMAGED_LENGTH;
        const { number } = writer.segment;
        if (kind === KIND_REMOVED) index.remove(partition, key, number, offset);
        else index.place(partition, key, number, offset, length);
      }
      writer.flush();
      disk.settle();
    }
    const collecting = collectHints(disk, segments.get(1), index);
    let step = collecting.next();
    while (step.done !== true) step = collecting.next();
    runTask(storeHints(disk, segments.get(1), step.value.bytes), (answer) =>
      assert.equal(answer, "done"),
    );
    disk.settle();
    manifest.save((answer) => assert.equal(answer, "done"));
    disk.settle();
    const expected = fixtures(store as keyof typeof STORES);
    assert.deepEqual([...disk.files.keys()].sort(), [...expected.files.keys()].sort());
    for (const [name, bytes] of expected.files) {
      // How often a manifest was saved until then is not a matter of the format: its number is.
      const written = name.startsWith("manifest")
        ? withGeneration(disk.bytes(name), bytes)
        : disk.bytes(name);
      assert.equal(Buffer.from(written).toString("hex"), Buffer.from(bytes).toString("hex"), name);
    }
  });
}
