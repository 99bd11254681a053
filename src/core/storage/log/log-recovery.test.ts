import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Key } from "../../ring/key.ts";
import { keyOf } from "../../ring/key.ts";
import { DAMAGED } from "../engine.ts";
import { acceptLosses } from "./accept-losses.ts";
import { crc32c } from "../../base/crc32c.ts";
import { RECORD_HEAD_BYTES, writeRecord } from "./log-record.ts";
import { MANIFEST_FILES } from "./manifest-file.ts";
import { OpenedEngine, PlainDisk, recover, recovered } from "./plain-disk.test.ts";
import { SEGMENT_HEAD_BYTES } from "./segment.ts";

const FIRST = "segment-0000000001.log";
const SECOND = "segment-0000000002.log";
const ROW = new Uint8Array(100).fill(7);
const RECORD_BYTES: number = RECORD_HEAD_BYTES + nth(0).length + ROW.length;

function nth(i: number): Key {
  return keyOf("b", `key ${String(i).padStart(4, "0")}`);
}

/** So many rows, each in a batch of its own, all of them durable. */
function filled(count: number, from = 0, disk: PlainDisk = new PlainDisk()): PlainDisk {
  const opened = new OpenedEngine(disk);
  for (let i = from; i < from + count; i++) {
    opened.put(i % 3, nth(i), ROW);
    opened.settle();
  }
  opened.close();
  return disk;
}

function loseManifests(disk: PlainDisk): void {
  for (const file of MANIFEST_FILES) disk.files.delete(file);
}

/** What is written after the start is there, now and after another one. */
function checkGoesOn(disk: PlainDisk): void {
  for (let life = 0; life < 2; life++) {
    const opened = new OpenedEngine(disk);
    const key = keyOf("b", `new ${life}`);
    opened.put(1, key, ROW);
    opened.settle();
    assert.deepEqual(opened.engine.get(1, key), ROW, "a new row cannot be read");
    opened.rest();
    opened.close();
    const again = new OpenedEngine(disk.copy());
    assert.deepEqual(again.engine.get(1, key), ROW, "a new row cannot be read after a start");
  }
}

test("recovery: without manifests, a torn end of the last segment takes no new rows into doubt", () => {
  const disk = filled(40);
  assert.ok(disk.files.has(SECOND));
  disk.files.set(SECOND, disk.bytes(SECOND).slice(0, -3));
  loseManifests(disk);
  checkGoesOn(disk);
});

test("recovery: without manifests, a last segment without a head takes no new rows into doubt", () => {
  for (const bytes of [SEGMENT_HEAD_BYTES, 400]) {
    const disk = filled(40);
    disk.files.set(SECOND, disk.bytes(SECOND).slice(0, bytes));
    disk.spoil(SECOND, 3);
    loseManifests(disk);
    assert.equal(new OpenedEngine(disk.copy()).engine.get(0, nth(0)), DAMAGED);
    checkGoesOn(disk);
  }
});

test("recovery: one segment without a manifest and without a head is lost, and not a new store", () => {
  const disk = filled(5);
  disk.spoil(FIRST, 3);
  loseManifests(disk);
  const opened = new OpenedEngine(disk);
  assert.equal(opened.engine.get(0, nth(0)), DAMAGED);
  assert.ok(disk.files.has(FIRST), "its file was removed");
});

test("recovery: a segment that was never written to is left over, whatever its bytes", () => {
  const disk = filled(5);
  disk.files.set(SECOND, new Uint8Array(SEGMENT_HEAD_BYTES).fill(9));
  const opened = new OpenedEngine(disk);
  assert.deepEqual(opened.engine.get(0, nth(0)), ROW);
  assert.equal(opened.engine.get(0, nth(7)), undefined);
  assert.equal(disk.files.has(SECOND), false);
  assert.deepEqual(opened.engine.findings, { tornBytes: 0, damagedRows: 0, lostPlaces: 0 });
});

test("recovery: a number that no segment can have is no segment", () => {
  const disk = filled(5);
  disk.files.set("segment-9999999999.log", new Uint8Array(100));
  const opened = new OpenedEngine(disk);
  assert.deepEqual(opened.engine.get(0, nth(0)), ROW);
  assert.ok(disk.files.has("segment-9999999999.log"), "a file of somebody else was removed");
});

test("recovery: a later version of the manifest or of a segment is told, and nothing is changed", () => {
  for (const file of [...MANIFEST_FILES, FIRST]) {
    const disk = filled(5);
    const bytes = disk.bytes(file);
    bytes[5] = 2;
    const checked = file === FIRST ? SEGMENT_HEAD_BYTES - 4 : bytes.length - 4;
    new DataView(bytes.buffer).setUint32(checked, crc32c(bytes, 0, checked, 0));
    const before = disk.copy().files;
    const log = recover(disk);
    assert.match("problem" in log ? log.problem : "", /has format 2, and this program reads 1/);
    assert.deepEqual(disk.files, before);
  }
});

/** A record of its own batch behind the others, as the engine would write it. */
function appendRecord(disk: PlainDisk, i: number, hasMore: boolean, sequence: number): number {
  const before = disk.bytes(FIRST);
  const bytes = new Uint8Array(before.length + RECORD_BYTES);
  bytes.set(before);
  const offset = before.length;
  const place = { segment: 1, offset, sequence, durable: offset };
  writeRecord(bytes, offset, place, 1, hasMore, i % 3, nth(i), ROW);
  disk.files.set(FIRST, bytes);
  return offset;
}

test("recovery: a torn write behind rot takes no durable write along, and nothing is appended there", () => {
  const disk = filled(1);
  const rot = disk.bytes(FIRST).length + RECORD_BYTES;
  appendRecord(disk, 1, true, 2);
  assert.equal(appendRecord(disk, 2, false, 3), rot);
  const torn = appendRecord(disk, 3, true, 4);
  appendRecord(disk, 4, false, 5);
  disk.spoil(FIRST, rot);
  disk.spoil(FIRST, torn + RECORD_BYTES);
  const log = recovered(disk.copy());
  assert.deepEqual(log.segments.loss, { segment: 1, offset: torn });
  assert.equal(log.findings.tornBytes, 2 * RECORD_BYTES);
  assert.equal(log.segments.get(1).end, torn, "something durable was cut off");
  assert.equal(log.active, undefined);
  checkGoesOn(disk);
});

test("recovery: many damaged rows in the active segment are read once, and not once for each", () => {
  const disk = new PlainDisk();
  const opened = new OpenedEngine(disk, { segmentBytes: 8 << 20 });
  for (let i = 0; i < 4000; i++) {
    opened.put(0, nth(i), ROW);
    opened.settle();
  }
  const bytes = disk.bytes(FIRST);
  for (let i = 0; i < 2000; i++) {
    disk.spoil(FIRST, SEGMENT_HEAD_BYTES + i * RECORD_BYTES + RECORD_BYTES - 1);
  }
  disk.bytesAsked = 0;
  const log = recovered(disk);
  assert.equal(log.findings.damagedRows, 2000);
  assert.ok(disk.bytesAsked < 6 * bytes.length, `${disk.bytesAsked} of ${bytes.length}`);
});

test("recovery: bytes of strangers never throw, and never hang", () => {
  const file = fc.uint8Array({ maxLength: 3000 });
  const names = [FIRST, SECOND, "segment-0000000001.hint", ...MANIFEST_FILES];
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...names), file), { maxLength: 4 }), (files) => {
      const disk = new PlainDisk();
      for (const [name, bytes] of files) disk.files.set(name, bytes);
      recover(disk);
    }),
    { numRuns: 300 },
  );
});

test("recovery: a head that claims four billion bytes costs no more than the file has", () => {
  for (const isSealed of [false, true]) {
    const disk = filled(isSealed ? 40 : 5);
    const bytes = disk.bytes(FIRST);
    const at = SEGMENT_HEAD_BYTES + RECORD_BYTES;
    const view = new DataView(bytes.buffer);
    view.setUint32(at + 20, 0xffff_ffff);
    const place = new Uint8Array(8);
    new DataView(place.buffer).setUint32(0, 1);
    new DataView(place.buffer).setUint32(4, at);
    const headEnd = at + RECORD_HEAD_BYTES + nth(0).length;
    view.setUint32(at, crc32c(bytes, at + 8, headEnd, crc32c(place, 0, 8, 0)));
    disk.bytesAsked = 0;
    const opened = new OpenedEngine(disk);
    assert.deepEqual(opened.engine.get(0, nth(0)), ROW);
    assert.equal(opened.engine.get(1, nth(1)), DAMAGED);
    opened.engine.scrub(() => {});
    opened.rest();
    assert.ok(disk.bytesAsked < 20 * bytes.length, `${disk.bytesAsked}`);
  }
});

test("recovery: records of any lengths and numbers, with good checksums, never throw or hang", () => {
  const whole = filled(40);
  const wrong = fc.tuple(fc.nat(39), fc.constantFrom(8, 10, 14, 15, 16, 18, 20, 24), fc.nat());
  fc.assert(
    fc.property(fc.array(wrong, { minLength: 1, maxLength: 6 }), (wrongs) => {
      const disk = whole.copy();
      for (const [i, field, value] of wrongs) {
        const file = i < 30 ? FIRST : SECOND;
        const at = SEGMENT_HEAD_BYTES + (i % 30) * RECORD_BYTES;
        const bytes = disk.bytes(file);
        if (at + RECORD_BYTES > bytes.length) continue;
        const view = new DataView(bytes.buffer);
        if (field === 20 || field === 24) view.setUint32(at + field, value);
        else if (field === 14 || field === 15) view.setUint8(at + field, value & 3);
        else view.setUint16(at + field, value);
        const place = new Uint8Array(8);
        new DataView(place.buffer).setUint32(0, file === FIRST ? 1 : 2);
        new DataView(place.buffer).setUint32(4, at);
        const end = Math.min(bytes.length, at + RECORD_HEAD_BYTES + view.getUint16(at + 18));
        view.setUint32(at, crc32c(bytes, at + 8, end, crc32c(place, 0, 8, 0)));
      }
      const opened = new OpenedEngine(disk);
      for (let i = 0; i < 40; i++) opened.engine.get(i % 3, nth(i));
      opened.engine.scrub(() => {});
      opened.rest();
      opened.close();
      assert.ok(!("problem" in recover(disk)));
    }),
    { numRuns: 200 },
  );
});

test("recovery: whatever a few wrong bytes do to a store, what it says of its rows is honest", () => {
  const whole = filled(40);
  const names = [...whole.files.keys()];
  const wrong = fc.record({
    name: fc.constantFrom(...names),
    place: fc.double({ min: 0, max: 1, noNaN: true }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }),
    kind: fc.constantFrom("overwrite", "cut", "lose", "broken"),
  });
  fc.assert(
    fc.property(fc.array(wrong, { minLength: 1, maxLength: 2 }), (wrongs) => {
      // Only the newest manifest knows that the end of the last segment was not torn.
      const hit = wrongs.map(({ name }) => name);
      fc.pre(!(hit.includes(SECOND) && hit.some((name) => name.startsWith("manifest"))));
      const disk = whole.copy();
      for (const { name, place, bytes, kind } of wrongs) {
        const before = disk.files.get(name);
        if (before === undefined) continue;
        const at = Math.floor(place * Math.max(0, before.length - bytes.length));
        if (kind === "overwrite") before.set(bytes.subarray(0, before.length - at), at);
        if (kind === "cut") disk.files.set(name, before.slice(0, at));
        if (kind === "lose") disk.files.delete(name);
        if (kind === "broken") disk.broken.add(name);
      }
      const log = recover(disk);
      if ("problem" in log) return;
      const { engine } = new OpenedEngine(disk);
      for (let i = 0; i < 40; i++) {
        const row = engine.get(i % 3, nth(i));
        assert.ok(row !== undefined, `row ${i} is absent`);
        if (row !== DAMAGED) assert.deepEqual(row, ROW);
      }
    }),
    { numRuns: 400 },
  );
});

test("recovery: a store of many damaged keys is not compacted without end", () => {
  const small = Uint8Array.of(1);
  const disk = new PlainDisk();
  const opened = new OpenedEngine(disk);
  for (let i = 0; i < 1000; i++) {
    opened.put(0, nth(i), small);
    opened.settle();
  }
  opened.rest();
  opened.close();
  const logs = [...disk.files.keys()].filter((name) => name.endsWith(".log"));
  for (const name of logs.slice(0, logs.length / 2)) disk.files.delete(name);
  const again = new OpenedEngine(disk);
  again.rest();
  assert.equal(again.engine.get(0, nth(0)), DAMAGED);
  assert.deepEqual(again.engine.get(0, nth(999)), small);
});

test("accepted losses: what is left is the truth, for this start and all later ones", () => {
  const disk = filled(100);
  const logs = [...disk.files.keys()].filter((name) => name.endsWith(".log"));
  assert.ok(logs.length >= 4);
  disk.files.delete(logs[1]!);
  disk.spoil(logs[2]!, SEGMENT_HEAD_BYTES + RECORD_BYTES + 1);
  disk.spoil(logs[2]!, SEGMENT_HEAD_BYTES + 3 * RECORD_BYTES - 1);
  const doubtful = new OpenedEngine(disk.copy());
  assert.equal(doubtful.engine.get(0, nth(0)), DAMAGED);
  assert.equal(doubtful.engine.get(0, keyOf("b", "never")), DAMAGED);

  const log = recovered(disk);
  assert.ok(log.segments.loss !== undefined);
  let answer: unknown = undefined;
  acceptLosses(disk, log, (told) => (answer = told));
  disk.settle();
  assert.equal(answer, "done");
  for (let start = 0; start < 3; start++) {
    const opened = new OpenedEngine(disk);
    assert.equal(opened.engine.findings.lostPlaces, 0);
    assert.equal(opened.engine.findings.damagedRows, 1);
    assert.deepEqual(opened.engine.get(0, nth(0)), ROW);
    assert.equal(opened.engine.get(0, keyOf("b", "never")), undefined);
    const rows = Array.from({ length: 100 }, (_, i) => opened.engine.get(i % 3, nth(i)));
    const count = (row: unknown): number => rows.filter((each) => each === row).length;
    assert.equal(count(DAMAGED), 1, "the key of a damaged row is known");
    assert.ok(count(undefined) > 20 && count(undefined) < 40, `${count(undefined)} are lost`);
    opened.rest();
    opened.close();
  }
});

test("accepted losses: a crash before the manifest leaves the loss as it was", () => {
  const disk = filled(100);
  disk.files.delete(SECOND);
  const log = recovered(disk);
  const manifests = MANIFEST_FILES.map((file) => [file, disk.bytes(file).slice()] as const);
  acceptLosses(disk, log, () => {});
  disk.settle();
  for (const [file, bytes] of manifests) disk.files.set(file, bytes);
  assert.equal(new OpenedEngine(disk).engine.get(0, nth(0)), DAMAGED);
});
