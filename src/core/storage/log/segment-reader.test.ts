import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../base/random.ts";
import type { Key } from "../../ring/key.ts";
import { keyOf } from "../../ring/key.ts";
import { KIND_ROW, RECORD_HEAD_BYTES, recordLength, writeRecord } from "./log-record.ts";
import { PlainDisk } from "./plain-disk.test.ts";
import { encodeSegmentHead, Segment, SEGMENT_HEAD_BYTES } from "./segment.ts";
import { SegmentReader } from "./segment-reader.ts";

const KIB = 1024;
const WINDOW_BYTES = 256 * KIB;

interface Record {
  readonly key: Key;
  readonly row: Uint8Array;
  offset: number;
}

/** A sealed segment of records with keys and rows of these lengths. */
class Written {
  readonly disk: PlainDisk = new PlainDisk();
  readonly segment: Segment = new Segment(1, 1);
  readonly records: Record[] = [];

  constructor(lengths: readonly (readonly [key: number, row: number])[]) {
    for (const [i, [keyLength, rowLength]] of lengths.entries()) {
      const key = keyOf("b", `${i}`.padEnd(keyLength, "k"));
      const row = new Uint8Array(rowLength).fill(i % 251);
      this.records.push({ key, row, offset: this.segment.end });
      this.segment.end += recordLength(key, rowLength);
    }
    const bytes = new Uint8Array(this.segment.end);
    bytes.set(encodeSegmentHead({ number: 1, first: 1, store: new Uint8Array(8) }));
    for (const [i, { key, row, offset }] of this.records.entries()) {
      const place = { segment: 1, offset, sequence: i + 1, durable: 0 };
      writeRecord(bytes, offset, place, KIND_ROW, false, i % 7, key, row);
    }
    this.disk.files.set(this.segment.file, bytes);
  }

  reader(): SegmentReader {
    return new SegmentReader(this.disk, this.segment, this.segment.end);
  }

  spoil(at: number, count = 1): void {
    this.disk.spoil(this.segment.file, at, count);
  }

  /** The records that are met, those behind bad places among them. */
  met(): readonly { readonly index: number; readonly isIntact: boolean }[] {
    const reader = this.reader();
    const met: { index: number; isIntact: boolean }[] = [];
    let found = reader.next();
    while (found !== "end") {
      if (found === "bad") {
        found = reader.resync() ? "record" : "end";
        continue;
      }
      const index = reader.head.sequence - 1;
      const { key, row, offset } = this.records[index]!;
      const { isIntact } = reader;
      assert.equal(reader.offset, offset);
      assert.equal(reader.key(), key);
      if (isIntact) assert.deepEqual(reader.row(), row);
      met.push({ index, isIntact });
      found = reader.next();
    }
    return met;
  }
}

function intact(count: number, without: readonly number[] = []): unknown {
  return Array.from({ length: count }, (_, index) => ({ index, isIntact: true })).filter(
    ({ index }) => !without.includes(index),
  );
}

test("segment reader: records larger than its window, and small ones between them", () => {
  const written = new Written([
    [5, 10],
    [5, WINDOW_BYTES - 100],
    [5, WINDOW_BYTES * 3],
    [4096, 0],
    [5, WINDOW_BYTES],
    [5, 1],
  ]);
  assert.deepEqual(written.met(), intact(6));
});

test("segment reader: heads, keys and rows at every distance from the end of a window", () => {
  const last = RECORD_HEAD_BYTES + 202 + 50;
  for (let before = 0; before <= last + 2; before += 3) {
    const first = WINDOW_BYTES - (RECORD_HEAD_BYTES + 12) - before;
    const written = new Written([
      [10, first],
      [200, 50],
      [200, 50],
    ]);
    assert.deepEqual(written.met(), intact(3), `${before} bytes before the end of the window`);
  }
});

test("segment reader: every byte is read about once, also of many small records", () => {
  const written = new Written(Array.from({ length: 20_000 }, () => [10, 30] as const));
  assert.equal(written.met().length, 20_000);
  const { end } = written.segment;
  assert.ok(written.disk.bytesAsked < 1.2 * end, `${written.disk.bytesAsked} of ${end}`);
});

test("segment reader: behind a bad head the next record is found, near and far", () => {
  for (const rowLength of [0, 100, WINDOW_BYTES / 2, WINDOW_BYTES + 1, 3 * WINDOW_BYTES]) {
    const written = new Written([
      [10, 20],
      [10, rowLength],
      [10, 20],
      [10, 20],
    ]);
    written.spoil(written.records[1]!.offset + 2);
    assert.deepEqual(written.met(), intact(4, [1]), `a row of ${rowLength} bytes`);
    const { bytesAsked } = written.disk;
    assert.ok(bytesAsked < 4 * written.segment.end + 4 * WINDOW_BYTES, `${bytesAsked}`);
  }
});

test("segment reader: a bad row is told and passed, and a bad end is an end", () => {
  const written = new Written([
    [10, 20],
    [10, 300_000],
    [10, 20],
  ]);
  const [, second, third] = written.records;
  written.spoil(second!.offset + 200_000);
  assert.deepEqual(written.met(), [
    { index: 0, isIntact: true },
    { index: 1, isIntact: false },
    { index: 2, isIntact: true },
  ]);
  written.spoil(third!.offset);
  assert.equal(written.met().length, 2);
});

test("segment reader: slices of a search add up to the same, and each is small", () => {
  const written = new Written([
    [10, 1000 * KIB],
    [10, 20],
  ]);
  written.spoil(SEGMENT_HEAD_BYTES);
  const reader = written.reader();
  assert.equal(reader.next(), "bad");
  const search = reader.resyncing();
  let slices = 0;
  let step = search.next();
  for (; step.done !== true; step = search.next()) {
    assert.ok(step.value > 0 && step.value <= 64 * KIB);
    slices++;
  }
  assert.equal(step.value, true);
  assert.equal(reader.offset, written.records[1]!.offset);
  assert.ok(slices >= 15, `${slices} slices`);
});

test("segment reader: a row that looks like heads is searched without a checksum for each byte", () => {
  // The kind, the length of a key, and the flags of a record, at every place.
  const written = new Written([
    [10, 4000 * KIB],
    [10, 20],
  ]);
  const { offset } = written.records[0]!;
  written.disk.bytes(written.segment.file).fill(1, offset + 40, written.records[1]!.offset);
  written.spoil(offset);
  const before = performance.now();
  assert.deepEqual(written.met(), [{ index: 1, isIntact: true }]);
  assert.ok(performance.now() - before < 5_000);
});

test("segment reader: what the disk cannot read, or does not have, counts as zeros", () => {
  const written = new Written([
    [10, 20],
    [10, 20],
  ]);
  const { file } = written.segment;
  written.disk.files.set(file, written.disk.bytes(file).slice(0, -1));
  assert.deepEqual(written.met(), [
    { index: 0, isIntact: true },
    { index: 1, isIntact: false },
  ]);
  written.disk.broken.add(file);
  assert.deepEqual(written.met(), []);
  const gone = new Written([[10, 20]]);
  gone.disk.files.clear();
  assert.deepEqual(gone.met(), []);
});

test("segment reader: wherever bytes are wrong, what is met is as it was written", () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = new Random(`wrong bytes ${seed}`);
    const written = new Written(
      Array.from({ length: 60 }, () => {
        const rowLength = random.chance(0.05) ? random.integer(400 * KIB) : random.integer(300);
        return [random.between(3, 400), rowLength] as const;
      }),
    );
    const wrongs = random.between(1, 8);
    for (let i = 0; i < wrongs; i++) {
      const count = random.between(1, 600);
      const room = written.segment.end - SEGMENT_HEAD_BYTES - count;
      written.spoil(SEGMENT_HEAD_BYTES + random.integer(room), count);
    }
    const met = written.met().map(({ index }) => index);
    assert.deepEqual(
      met,
      [...new Set(met)].sort((left, right) => left - right),
    );
    assert.ok(met.length >= 60 - wrongs * 20);
  }
});
