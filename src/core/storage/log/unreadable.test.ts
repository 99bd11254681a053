/** A device that answers with errors for a while, and is well again: nothing is lost by that. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Key, keyOf } from "../../ring/key.ts";
import { UNREADABLE } from "../disk.ts";
import { DAMAGED } from "../engine.ts";
import { decodeManifest } from "./manifest.ts";
import { MANIFEST_FILES } from "./manifest-file.ts";
import { OpenedEngine, PlainDisk } from "./plain-disk.test.ts";

const FIRST = "segment-0000000001.log";
const SECOND = "segment-0000000002.log";
const ROW = new Uint8Array(100).fill(7);
const NEW_ROW = new Uint8Array(100).fill(9);

/** Cannot read these bytes of a file now. */
class SickDisk extends PlainDisk {
  sick: { readonly file: string; readonly from: number; readonly to: number } | undefined;

  override read(file: string, offset: number, length: number): Uint8Array | typeof UNREADABLE {
    const { sick } = this;
    const isMet = sick?.file === file && offset < sick.to && offset + length > sick.from;
    return isMet ? UNREADABLE : super.read(file, offset, length);
  }
}

function nth(i: number): Key {
  return keyOf("b", `key ${String(i).padStart(4, "0")}`);
}

function fill(opened: OpenedEngine, from: number, to: number, row: Uint8Array = ROW): void {
  for (let i = from; i < to; i++) {
    opened.put(0, nth(i), row);
    opened.settle();
  }
}

for (const stop of ["clean", "killed"]) {
  test(`unreadable: the last segment, for one start: what is written then stays (${stop})`, () => {
    const disk = new PlainDisk();
    const first = new OpenedEngine(disk);
    fill(first, 0, 60);
    first.close();
    disk.broken.add(SECOND);
    const sick = new OpenedEngine(disk);
    fill(sick, 0, 10, NEW_ROW);
    if (stop === "clean") sick.close();
    disk.broken.clear();
    const well = new OpenedEngine(disk);
    for (let i = 0; i < 10; i++) assert.deepEqual(well.engine.get(0, nth(i)), NEW_ROW, `key ${i}`);
    assert.equal(well.log.findings.tornBytes, 0);
  });
}

test("unreadable: the end of the active segment is not torn, and nothing is cut off", () => {
  const disk = new SickDisk();
  fill(new OpenedEngine(disk, { segmentBytes: 1 << 20 }), 0, 100);
  const { length } = disk.bytes(FIRST);
  disk.sick = { file: FIRST, from: 8192, to: length };
  const sick = new OpenedEngine(disk);
  assert.equal(sick.log.findings.lostPlaces, 1);
  assert.equal(sick.engine.get(0, nth(99)), DAMAGED);
  assert.equal(disk.bytes(FIRST).length, length);
  disk.sick = undefined;
  const well = new OpenedEngine(disk);
  for (let i = 0; i < 100; i++) assert.notEqual(well.engine.get(0, nth(i)), undefined, `key ${i}`);
});

test("unreadable: what is written again does not join the file that lost it", () => {
  const disk = new PlainDisk();
  const opened = new OpenedEngine(disk, { segmentBytes: 1 << 20 });
  fill(opened, 0, 40);
  disk.files.delete(FIRST);
  assert.equal(opened.engine.get(0, nth(0)), DAMAGED);
  // By now the writer is elsewhere: who mends it writes once.
  fill(opened, 100, 101);
  fill(opened, 0, 40, NEW_ROW);
  for (let i = 0; i < 40; i++) assert.deepEqual(opened.engine.get(0, nth(i)), NEW_ROW, `key ${i}`);
  assert.deepEqual(
    [...disk.files.keys()].filter((name) => name === SECOND),
    [SECOND],
  );
});

test("unreadable: compaction and hint files take no error of a moment for the end of a row", () => {
  for (const sickUntil of ["hints", "compaction"]) {
    const disk = new SickDisk();
    const opened = new OpenedEngine(disk);
    fill(opened, 0, 100);
    if (sickUntil === "compaction") opened.rest();
    for (let i = 0; i < 100; i++) if (i % 4 > 0) fill(opened, i, i + 1);
    disk.sick = { file: FIRST, from: 0, to: 4096 };
    opened.rest();
    disk.sick = undefined;
    for (let i = 0; i < 100; i++) assert.deepEqual(opened.engine.get(0, nth(i)), ROW, `key ${i}`);
    // A scrub looks at it again, and then it is compacted as well as any other.
    opened.engine.scrub(() => {});
    for (let round = 0; round < 40; round++) opened.rest();
    fill(opened, 0, 100);
    opened.rest();
    assert.ok(!disk.files.has(FIRST), sickUntil);
    const again = new OpenedEngine(disk);
    for (let i = 0; i < 100; i++) assert.deepEqual(again.engine.get(0, nth(i)), ROW, `key ${i}`);
  }
});

test("unreadable: a segment is compacted when nothing current lies where it cannot be read", () => {
  const disk = new SickDisk();
  const opened = new OpenedEngine(disk);
  fill(opened, 0, 60);
  opened.rest();
  disk.sick = { file: FIRST, from: 0, to: 4096 };
  fill(opened, 0, 60);
  opened.rest();
  assert.ok(!disk.files.has(FIRST));
});

test("manifest: whatever a crash leaves of a pair, the next start makes it a pair again", () => {
  const disk = new PlainDisk();
  const moments: PlainDisk[] = [];
  const append = disk.append.bind(disk);
  disk.append = (file, pieces, answer) => {
    append(file, pieces, answer);
    if (file.startsWith("manifest")) moments.push(disk.copy());
  };
  const opened = new OpenedEngine(disk);
  fill(opened, 0, 100);
  for (let i = 1; i < 100; i += 2) fill(opened, i, i + 1);
  opened.rest();
  for (const moment of moments) {
    new OpenedEngine(moment).rest();
    for (const file of MANIFEST_FILES) {
      const rotten = moment.copy();
      const manifest = decodeManifest(rotten.bytes(file));
      assert.ok(manifest !== undefined);
      rotten.spoil(file, 20);
      assert.equal(new OpenedEngine(rotten).log.findings.lostPlaces, 0);
    }
  }
});
