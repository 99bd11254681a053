/** A removed key stays removed, whatever becomes of the segments, and takes no room in the end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../base/random.ts";
import type { Key } from "../../ring/key.ts";
import { keyOf } from "../../ring/key.ts";
import { DAMAGED } from "../engine.ts";
import { acceptLosses } from "./accept-losses.ts";
import { worthCompacting } from "./compaction.ts";
import { RECORD_HEAD_BYTES } from "./log-record.ts";
import { OpenedEngine, PlainDisk, recovered } from "./plain-disk.test.ts";
import { Segment, SEGMENT_HEAD_BYTES } from "./segment.ts";
import { Segments } from "./segments.ts";

const ROW = new Uint8Array(100).fill(7);
const RECORD_BYTES: number = RECORD_HEAD_BYTES + nth(0).length + ROW.length;
/** So many of them fill a segment. */
const PER_SEGMENT: number = Math.ceil((4096 - SEGMENT_HEAD_BYTES) / RECORD_BYTES);

function nth(i: number): Key {
  return keyOf("b", `key ${String(i).padStart(4, "0")}`);
}

function logFiles(disk: PlainDisk): readonly string[] {
  return [...disk.files.keys()].filter((name) => name.endsWith(".log")).sort();
}

function dropHints(disk: PlainDisk): PlainDisk {
  const copy = disk.copy();
  for (const name of copy.files.keys()) if (name.endsWith(".hint")) copy.files.delete(name);
  return copy;
}

class Removing extends OpenedEngine {
  remove(partition: number, key: Key): void {
    this.engine.write([{ partition, key, row: undefined }], 0);
  }

  /** Whole segments of rows, one write each. */
  fill(from: number, count: number, row: Uint8Array = ROW): void {
    for (let i = from; i < from + count; i++) {
      this.put(0, nth(i), row);
      this.settle();
    }
  }

  empty(from: number, count: number): void {
    for (let i = from; i < from + count; i++) {
      this.remove(0, nth(i));
      this.settle();
    }
  }
}

test("removal: compaction takes it along while an older segment may hold the key", () => {
  const disk = new PlainDisk();
  const opened = new Removing(disk);
  // The first segment is full of rows that stay, but for one.
  opened.fill(0, PER_SEGMENT);
  opened.rest();
  opened.remove(0, nth(3));
  // And all that follows is replaced again and again.
  for (let round = 0; round < 40; round++) {
    opened.fill(100, 20);
    opened.rest();
    for (const found of [disk.copy(), dropHints(disk)]) {
      const again = new OpenedEngine(found);
      assert.equal(again.engine.get(0, nth(3)), undefined, `round ${round}`);
      assert.deepEqual(again.engine.get(0, nth(4)), ROW);
      assert.equal(again.engine.stats().keys, opened.engine.stats().keys);
    }
  }
  assert.ok(!logFiles(disk).includes("segment-0000000002.log"), "nothing was compacted");
  assert.ok(logFiles(disk).includes("segment-0000000001.log"), "the first one was compacted too");
});

test("removal: when all is removed, hardly anything is left", () => {
  const disk = new PlainDisk();
  const opened = new Removing(disk);
  opened.fill(0, 1000);
  opened.rest();
  opened.empty(0, 1000);
  opened.rest();
  assert.deepEqual(opened.engine.stats(), { keys: 0, bytes: 0 });
  const bytes = logFiles(disk).reduce((sum, name) => sum + disk.bytes(name).length, 0);
  assert.ok(bytes < 3 * 4096, `${bytes} bytes are left`);
  opened.close();
  const again = new Removing(disk);
  assert.deepEqual(again.engine.stats(), { keys: 0, bytes: 0 });
  assert.equal(again.engine.findings.lostPlaces, 0);
  again.fill(0, 3);
  assert.deepEqual(again.engine.get(0, nth(1)), ROW);
});

test("removal: keys that come and go beside rows that stay take no more room in the end", () => {
  for (const rowBytes of [0, 300]) {
    const disk = new PlainDisk();
    const opened = new Removing(disk);
    opened.fill(0, 10 * PER_SEGMENT);
    opened.rest();
    const row = new Uint8Array(rowBytes);
    let most = 0;
    for (let i = 0; i < 6000; i++) {
      const key = keyOf("hints", `${String(i).padStart(8, "0")}`);
      opened.put(1, key, row);
      opened.settle();
      opened.remove(1, key);
      opened.settle();
      if (i % 50 === 0) opened.rest();
      const all = logFiles(disk).reduce((sum, name) => sum + disk.bytes(name).length, 0);
      if (i % 50 === 0) most = Math.max(most, all);
    }
    const least = 10 * PER_SEGMENT * RECORD_BYTES;
    assert.ok(most < 1.7 * least, `${most} bytes for ${least}`);
    assert.equal(opened.engine.stats().keys, 10 * PER_SEGMENT);
    const again = new OpenedEngine(disk.copy());
    assert.equal(again.engine.stats().keys, 10 * PER_SEGMENT);
  }
});

test("removal: of a key without a row nothing is written", () => {
  const disk = new PlainDisk();
  const opened = new Removing(disk);
  opened.fill(0, 1);
  const before = disk.bytes(logFiles(disk)[0]!).length;
  opened.remove(0, nth(7));
  opened.settle();
  assert.equal(opened.completed, 2);
  assert.equal(disk.bytes(logFiles(disk)[0]!).length, before);
});

test("removal: a damaged row is gone with its key, also when it was found damaged by compaction", () => {
  for (const isCompacted of [false, true]) {
    const disk = new PlainDisk();
    const opened = new Removing(disk);
    opened.fill(0, 3 * PER_SEGMENT);
    // Its head is good, its last byte is not.
    disk.spoil(logFiles(disk)[0]!, SEGMENT_HEAD_BYTES + 4 * RECORD_BYTES - 1);
    if (isCompacted) {
      opened.fill(4, PER_SEGMENT - 4);
      opened.rest();
    }
    assert.equal(opened.engine.get(0, nth(3)), DAMAGED);
    opened.remove(0, nth(3));
    assert.equal(opened.engine.get(0, nth(3)), undefined);
    opened.rest();
    for (const found of [disk.copy(), dropHints(disk)]) {
      assert.equal(new OpenedEngine(found).engine.get(0, nth(3)), undefined);
    }
  }
});

/** Rows that stay; then a segment that begins with the removal of one of them; then another. */
function removedInTheSecond(): Removing {
  const opened = new Removing(new PlainDisk());
  opened.fill(0, PER_SEGMENT);
  opened.remove(0, nth(3));
  opened.fill(100, 2 * PER_SEGMENT);
  return opened;
}

test("removal: one that cannot be read keeps its segment, and no hint file calls it whole", () => {
  const opened = removedInTheSecond();
  const { disk } = opened;
  const second = logFiles(disk)[1]!;
  disk.spoil(second, SEGMENT_HEAD_BYTES + 9);
  // Everything else in it is replaced.
  opened.fill(100, PER_SEGMENT);
  opened.rest();
  assert.equal(opened.engine.get(0, nth(3)), undefined);
  assert.ok(disk.files.has(second), "it was compacted");
  assert.ok(!disk.files.has(second.replace(".log", ".hint")), "it has a hint file");
  assert.equal(new OpenedEngine(disk.copy()).engine.get(0, nth(3)), DAMAGED);
  // Until it is the first one: then nothing is left that it could hide.
  opened.fill(0, PER_SEGMENT);
  opened.rest();
  opened.remove(0, nth(3));
  opened.rest();
  assert.ok(!disk.files.has(second), "it stays for ever");
  assert.equal(new OpenedEngine(disk.copy()).engine.get(0, nth(3)), undefined);
});

test("removal: a hint file that was written before knows what cannot be read later", () => {
  const opened = removedInTheSecond();
  const { disk } = opened;
  opened.rest();
  const second = logFiles(disk)[1]!;
  assert.ok(disk.files.has(second.replace(".log", ".hint")));
  disk.spoil(second, SEGMENT_HEAD_BYTES + 9);
  opened.fill(100, PER_SEGMENT);
  opened.rest();
  assert.ok(disk.files.has(second), "it was compacted");
  const again = new OpenedEngine(disk.copy());
  assert.equal(again.engine.get(0, nth(3)), undefined);
  again.rest();
  assert.equal(new OpenedEngine(again.disk.copy()).engine.get(0, nth(3)), undefined);
});

test("removal: where something was lost, only what was removed behind it is absent", () => {
  const disk = new PlainDisk();
  const first = new Removing(disk);
  first.fill(0, 2 * PER_SEGMENT);
  first.empty(3, 1);
  first.fill(100, 2 * PER_SEGMENT);
  first.close();
  disk.files.delete(logFiles(disk)[3]!);
  const second = new Removing(disk);
  assert.equal(second.engine.get(0, nth(3)), DAMAGED, "it may have been written again");
  second.remove(0, nth(3));
  second.remove(0, nth(4));
  assert.equal(second.engine.get(0, nth(3)), undefined);
  assert.equal(second.engine.get(0, nth(5)), DAMAGED);
  second.settle();
  second.close();
  const third = new Removing(disk);
  assert.equal(third.engine.get(0, nth(3)), undefined, "the loss came before the removal");
  assert.equal(third.engine.get(0, nth(4)), undefined);
  assert.equal(third.engine.get(0, nth(5)), DAMAGED);
  third.put(0, nth(3), ROW);
  assert.deepEqual(third.engine.get(0, nth(3)), ROW);
  third.fill(300, 2 * PER_SEGMENT);
  assert.equal(third.engine.get(0, nth(4)), undefined);
  third.close();
  // Another loss, behind all of them.
  const last = logFiles(disk).at(-1)!;
  disk.spoil(last, 3);
  assert.equal(new Removing(disk.copy()).engine.get(0, nth(4)), DAMAGED);
});

test("removal: accepting losses brings nothing back that was removed where it can be read", () => {
  for (const withHints of [true, false]) {
    const opened = removedInTheSecond();
    if (withHints) opened.rest();
    opened.close();
    const { disk } = opened;
    disk.files.delete(logFiles(disk)[2]!);
    const log = recovered(disk);
    assert.ok(log.segments.loss !== undefined);
    acceptLosses(disk, log, (answer) => assert.equal(answer, "done"));
    disk.settle();
    for (let life = 0; life < 3; life++) {
      const again = new Removing(disk);
      assert.equal(again.engine.findings.lostPlaces, 0);
      assert.equal(again.engine.get(0, nth(3)), undefined, `life ${life}`);
      assert.deepEqual(again.engine.get(0, nth(4)), ROW);
      again.fill(200, 2 * PER_SEGMENT);
      again.rest();
      again.close();
    }
  }
});

test("removal: the last segment that was begun stays, and one that gives nothing back is no gain", () => {
  const segments = new Segments();
  const [first, second, third] = [new Segment(1, 1), new Segment(2, 10), new Segment(3, 20)];
  for (const segment of [first, second, third]) segments.add(segment);
  for (const segment of [first, second]) {
    Object.assign(segment, { isSealed: true, isBegun: true, end: 1030 });
  }
  // Nothing is current in either.
  assert.equal(worthCompacting(segments, undefined), first);
  segments.delete(first);
  assert.equal(worthCompacting(segments, undefined), undefined);
  third.isBegun = true;
  assert.equal(worthCompacting(segments, undefined), second);

  // All of the first one is current, and of the second nothing but removals is left.
  const both = new Segments();
  for (const segment of [first, second, third]) both.add(segment);
  first.live = 1000;
  second.removalBytes = 1000;
  assert.equal(worthCompacting(both, undefined), first);
  assert.equal(worthCompacting(both, 999), undefined);
  // A part of it is neither.
  second.removalBytes = 600;
  assert.equal(worthCompacting(both, undefined), second);
  both.lose({ segment: 1, offset: 500 });
  assert.equal(worthCompacting(both, undefined), second);
  // The first one stays, and so do the removals: that is no room to be had.
  second.removalBytes = 1000;
  assert.equal(worthCompacting(both, undefined), undefined);
});

test("removal: files that a crash brings back after compaction say nothing", () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = new Random(`ghosts ${seed}`);
    const disk = new PlainDisk();
    const ghosts = new Map<string, Uint8Array>();
    const opened = new Removing(disk);
    const left = new Set<number>();
    const note = (): void => {
      for (const name of logFiles(disk)) ghosts.set(name, disk.bytes(name).slice());
    };
    for (let step = 0; step < 400; step++) {
      const i = random.integer(60);
      if (random.chance(0.5)) {
        opened.put(0, nth(i), ROW);
        left.add(i);
      } else {
        opened.remove(0, nth(i));
        left.delete(i);
      }
      opened.settle();
      note();
      if (random.chance(0.3)) opened.engine.work(4096);
    }
    for (let i = 0; i < 60; i++) if (random.chance(0.95)) opened.remove(0, nth(i));
    opened.settle();
    note();
    opened.rest();
    const crashed = disk.copy();
    for (const [name, bytes] of ghosts) {
      if (!crashed.files.has(name)) crashed.files.set(name, bytes);
    }
    const again = new OpenedEngine(crashed);
    for (let i = 0; i < 60; i++) {
      assert.deepEqual(again.engine.get(0, nth(i)), opened.engine.get(0, nth(i)), `key ${i}`);
    }
    assert.equal(again.engine.findings.lostPlaces, 0);
  }
});
