/** The four codecs of the log, against bytes that were put together by hand from the document. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { crc32c } from "../../base/crc32c.ts";
import { utf8Encode } from "../../base/utf8.ts";
import type { Key } from "../../ring/key.ts";
import { keyOf } from "../../ring/key.ts";
import { HintWriter, readHints } from "./hint-file.ts";
import { isRowIntact, readHead, RecordHead, recordLength, writeRecord } from "./log-record.ts";
import { decodeManifest, encodeManifest } from "./manifest.ts";
import { STORE } from "./plain-disk.test.ts";
import { decodeSegmentHead, encodeSegmentHead, Segment, segmentNumberOf } from "./segment.ts";

function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(" ", ""), "hex"));
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** The bytes with one bit changed, for every bit. */
function* flipped(bytes: Uint8Array): Generator<readonly [bit: number, wrong: Uint8Array]> {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const wrong = bytes.slice();
    wrong[bit >>> 3]! ^= 1 << (bit & 7);
    yield [bit, wrong];
  }
}

/** A later version, with a good checksum over it. */
function resealed(bytes: Uint8Array, at: number, value: number, checked: number): Uint8Array {
  const sealed = bytes.slice();
  sealed[at] = value;
  new DataView(sealed.buffer).setUint32(checked, crc32c(sealed, 0, checked, 0));
  return sealed;
}

const SEGMENT_HEAD = bytesOf("47524d53 0001 0000 01020304 a0b0c0d0e0f0 1021324354657687 5d28b1aa");

test("segment head: its bytes, and no wrong bit goes unnoticed", () => {
  const head = { number: 0x0102_0304, first: 0xa0b0_c0d0_e0f0, store: STORE };
  assert.equal(hexOf(encodeSegmentHead(head)), hexOf(SEGMENT_HEAD));
  assert.deepEqual(decodeSegmentHead(SEGMENT_HEAD), head);
  assert.deepEqual(decodeSegmentHead(Uint8Array.of(...SEGMENT_HEAD, 1, 2, 3)), head);
  for (const [bit, wrong] of flipped(SEGMENT_HEAD)) {
    assert.equal(decodeSegmentHead(wrong), undefined, `bit ${bit}`);
  }
  for (let length = 0; length < SEGMENT_HEAD.length; length++) {
    assert.equal(decodeSegmentHead(SEGMENT_HEAD.subarray(0, length)), undefined);
  }
  assert.deepEqual(decodeSegmentHead(resealed(SEGMENT_HEAD, 5, 2, 26)), { version: 2 });
});

test("segment: the names of its files and their numbers", () => {
  const segment = new Segment(17, 1);
  assert.equal(segment.file, "segment-0000000017.log");
  assert.equal(segment.hintFile, "segment-0000000017.hint");
  assert.equal(segmentNumberOf(segment.file), 17);
  assert.equal(segmentNumberOf(segment.hintFile), 17);
  assert.equal(segmentNumberOf("segment-4294967295.log"), 0xffff_ffff);
  for (const name of ["segment-4294967296.log", "segment-17.log", "manifest-0", "reserve"]) {
    assert.equal(segmentNumberOf(name), undefined, name);
  }
});

const RECORD = bytesOf(
  "bea5e80a bb3fe82d a1a2a3a4a5a6 01 01 0b0c 0003 00000003 05060000 622f6b 726f77",
);
const MARKER = bytesOf("bb6267bb 00000000 000000000009 02 00 0005 0003 00000000 00000000 622f6b");
const KEY: Key = keyOf("b", "k");
const PLACE = {
  segment: 0x0102_0304,
  offset: 0x0506_0708,
  sequence: 0xa1a2_a3a4_a5a6,
  durable: 0x0506_0000,
};

test("record: its bytes, wherever they stand", () => {
  for (const at of [0, 1, 13]) {
    const bytes = new Uint8Array(at + RECORD.length + 2).fill(0xee);
    writeRecord(bytes, at, PLACE, 1, true, 0x0b0c, KEY, utf8Encode("row"));
    assert.equal(hexOf(bytes.subarray(at, -2)), hexOf(RECORD));
    const head = new RecordHead();
    assert.ok(readHead(head, bytes, at, bytes.length, PLACE.segment, PLACE.offset));
    assert.ok(isRowIntact(head, bytes, at, bytes.length));
    const { sequence, kind, hasMore, partition, keyLength, rowLength, durable, length } = head;
    assert.deepEqual(
      [sequence, kind, hasMore, partition, keyLength, rowLength, durable, length],
      [PLACE.sequence, 1, true, 0x0b0c, 3, 3, PLACE.durable, RECORD.length],
    );
  }
  const place = { segment: 3, offset: 30, sequence: 9, durable: 0 };
  const head = new RecordHead();
  const marker = new Uint8Array(MARKER.length);
  for (const kind of [0, 1, 2, 3, 4]) {
    writeRecord(marker, 0, place, kind, false, 5, KEY, new Uint8Array());
    const isRead = readHead(head, marker, 0, marker.length, place.segment, place.offset);
    assert.equal(isRead, kind >= 1 && kind <= 3, `kind ${kind}`);
    if (kind === 2) assert.equal(hexOf(marker), hexOf(MARKER));
  }
});

test("record: a wrong bit in the head or the key is no record, one in the row a damaged row", () => {
  const head = new RecordHead();
  const rowAt = RECORD.length - 3;
  for (const [bit, wrong] of flipped(RECORD)) {
    const at = bit >>> 3;
    const isRead = readHead(head, wrong, 0, wrong.length, PLACE.segment, PLACE.offset);
    const isInRow = at >= rowAt || (at >= 4 && at < 8);
    assert.equal(isRead, isInRow, `bit ${bit}`);
    if (isRead) assert.equal(isRowIntact(head, wrong, 0, wrong.length), false, `bit ${bit}`);
  }
});

test("record: one that is cut short, or stands at another place, is none", () => {
  const head = new RecordHead();
  const { segment, offset } = PLACE;
  for (let end = 0; end < RECORD.length; end++) {
    const isRead = readHead(head, RECORD, 0, end, segment, offset);
    assert.equal(isRead, end >= RECORD.length - 3, `cut at ${end}`);
    if (isRead) assert.equal(isRowIntact(head, RECORD, 0, end), false);
  }
  const end = RECORD.length;
  assert.equal(readHead(head, RECORD, 0, end, segment, offset + 1), false);
  assert.equal(readHead(head, RECORD, 0, end, segment + 1, offset), false);
  assert.equal(readHead(head, RECORD, 0, end, offset, segment), false);
});

test("record: one that says more was durable than what is before it is none", () => {
  const bytes = new Uint8Array(RECORD.length);
  const head = new RecordHead();
  for (const [durable, isOne] of [
    [99, true],
    [100, true],
    [101, false],
  ] as const) {
    const place = { segment: 1, offset: 100, sequence: 1, durable };
    writeRecord(bytes, 0, place, 1, false, 0, KEY, utf8Encode("row"));
    assert.equal(readHead(head, bytes, 0, bytes.length, 1, 100), isOne);
  }
});

test("record: a length of four billion is only a number", () => {
  const bytes = new Uint8Array(recordLength(KEY, 3));
  writeRecord(bytes, 0, { ...PLACE }, 1, false, 0, KEY, utf8Encode("row"));
  const view = new DataView(bytes.buffer);
  view.setUint32(20, 0xffff_ffff);
  const place = new Uint8Array(8);
  new DataView(place.buffer).setUint32(0, PLACE.segment);
  new DataView(place.buffer).setUint32(4, PLACE.offset);
  view.setUint32(0, crc32c(bytes, 8, 31, crc32c(place, 0, 8, 0)));
  const head = new RecordHead();
  assert.ok(readHead(head, bytes, 0, bytes.length, PLACE.segment, PLACE.offset));
  assert.equal(head.rowLength, 0xffff_ffff);
  assert.equal(isRowIntact(head, bytes, 0, bytes.length), false);
});

const MANIFEST = bytesOf(
  `47524d4d 0001 1021324354657687 000102030405 00000003 ffffffff 00000002
   00000003 01 000000000007 00001000  00000004 00 000000000384 0000001e  bf1d17cf`.replaceAll(
    "\n",
    "",
  ),
);

test("manifest: its bytes, and no wrong bit, cut or byte too many goes unnoticed", () => {
  const manifest = {
    store: STORE,
    generation: 0x01_0203_0405,
    loss: { segment: 3, offset: 0xffff_ffff },
    segments: [
      { number: 3, isSealed: true, first: 7, bytes: 4096 },
      { number: 4, isSealed: false, first: 900, bytes: 30 },
    ],
  };
  assert.equal(hexOf(encodeManifest(manifest)), hexOf(MANIFEST));
  assert.deepEqual(decodeManifest(MANIFEST), manifest);
  for (const [bit, wrong] of flipped(MANIFEST)) {
    assert.equal(decodeManifest(wrong), undefined, `bit ${bit}`);
  }
  for (let length = 0; length < MANIFEST.length; length++) {
    assert.equal(decodeManifest(MANIFEST.subarray(0, length)), undefined);
  }
  assert.equal(decodeManifest(Uint8Array.of(...MANIFEST, 0)), undefined);
  const none = { ...manifest, loss: undefined, segments: [] };
  assert.deepEqual(decodeManifest(encodeManifest(none)), none);
  const later = resealed(MANIFEST, 5, 2, MANIFEST.length - 4);
  assert.deepEqual(decodeManifest(later), { version: 2 });
});

test("manifest: a count of four billion segments is refused before any is made", () => {
  const many = MANIFEST.slice();
  many.fill(0xff, 28, 32);
  assert.equal(decodeManifest(resealed(many, 28, 0xff, MANIFEST.length - 4)), undefined);
});

const LONG: Key = keyOf("b", "k".repeat(198));
const HINTS = bytesOf(
  `47524d48 0001 00000003 00001000 0005 0000001e 00000000 03 622f6b 0006 0000003d 0000012c c801 622f
   ${"6b".repeat(198)} 00000000000c 0dcfe36e`.replaceAll("\n", ""),
);

test("hint file: its bytes, and no wrong bit or cut goes unnoticed", () => {
  const writer = new HintWriter(3, 4096);
  writer.add(5, KEY, 30, 0);
  writer.add(6, LONG, 61, 300);
  assert.equal(hexOf(writer.finish(12)), hexOf(HINTS));
  const met: unknown[] = [];
  const read = (bytes: Uint8Array, segment = 3, segmentBytes = 4096): number | undefined =>
    readHints(bytes, segment, segmentBytes, (...entry) => met.push(entry));
  assert.equal(read(HINTS), 12);
  assert.deepEqual(met.splice(0), [
    [5, KEY, 30, 0],
    [6, LONG, 61, 300],
  ]);
  for (const [bit, wrong] of flipped(HINTS)) assert.equal(read(wrong), undefined, `bit ${bit}`);
  for (let length = 0; length < HINTS.length; length++) {
    assert.equal(read(HINTS.subarray(0, length)), undefined);
  }
  assert.equal(read(HINTS, 4), undefined);
  assert.equal(read(HINTS, 3, 4097), undefined);
  assert.equal(read(resealed(HINTS, 5, 2, HINTS.length - 4)), undefined);
  assert.deepEqual(met, [], "an entry of a wrong file was visited");
});

test("codecs: bytes of strangers never throw", () => {
  const head = new RecordHead();
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 10, maxLength: 300 }), fc.nat(400), (bytes, offset) => {
      const end = bytes.length - 4;
      const sealed = bytes.slice();
      new DataView(sealed.buffer).setUint32(end, crc32c(bytes, 0, end, 0));
      for (const each of [bytes, sealed]) {
        decodeSegmentHead(each);
        decodeManifest(each);
        readHints(each, 1, 1, () => {});
        const isRead = readHead(head, each, 0, each.length, 1, offset);
        assert.equal(isRead && isRowIntact(head, each, 0, each.length), false);
      }
    }),
  );
});
