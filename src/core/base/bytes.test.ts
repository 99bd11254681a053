import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteReader, bytesEqual, ByteWriter } from "./bytes.ts";
import { Random } from "./random.ts";

const MAX = Number.MAX_SAFE_INTEGER;

/** Both sides of every power of two, where an encoder that mixes 32 bits and doubles goes wrong. */
const EDGES = Array.from({ length: 53 }, (_, bit) => 2 ** bit)
  .flatMap((power) => [power - 1, power, power + 1])
  .filter((value) => value <= MAX)
  .concat(MAX - 1, MAX);

test("varint: writes seven bits a byte, low bits first", () => {
  assert.deepEqual([...varint(0)], [0]);
  assert.deepEqual([...varint(127)], [0x7f]);
  assert.deepEqual([...varint(128)], [0x80, 0x01]);
  assert.deepEqual([...varint(300)], [0xac, 0x02]);
  assert.deepEqual([...varint(2 ** 31)], [0x80, 0x80, 0x80, 0x80, 0x08]);
  assert.deepEqual([...varint(MAX)], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]);
});

test("varint: agrees with bigint arithmetic and comes back, on both sides of every power of two", () => {
  for (const value of EDGES) {
    const bytes = varint(value);
    assert.deepEqual([...bytes], varintOfBigint(BigInt(value)), `${value}`);
    const reader = new ByteReader(bytes);
    assert.equal(reader.varint(), value);
    assert.ok(reader.finished);
  }
});

test("varint: any safe integer comes back", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      const reader = new ByteReader(varint(value));
      assert.equal(reader.varint(), value);
      assert.ok(reader.finished);
    }),
  );
});

test("varint: what is not an integer of the range is a bug of the writer", () => {
  for (const value of [-1, MAX + 1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => new ByteWriter().varint(value), /varint out of range/, `${value}`);
  }
});

test("varint: only the shortest form is read, and nothing above 2^53 - 1", () => {
  const refused = [
    [0x80, 0x00],
    [0xff, 0x80, 0x00],
    [0x80],
    [0xff, 0xff],
    // 2^53, 2^56 - 1, and nine bytes.
    [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    [],
  ];
  for (const bytes of refused) {
    const reader = new ByteReader(Uint8Array.from(bytes));
    assert.equal(reader.varint(), 0, bytes.join());
    assert.ok(reader.failed, bytes.join());
  }
});

test("varint: whatever is read is written back as the very bytes that were read", () => {
  const random = new Random("varint");
  for (let round = 0; round < 50_000; round++) {
    const bytes = Uint8Array.from({ length: 9 }, () =>
      random.chance(0.5) ? random.integer(256) : random.pick([0, 1, 0x0f, 0x10, 0x7f, 0x80, 0xff]),
    );
    const reader = new ByteReader(bytes);
    const value = reader.varint();
    if (reader.failed) continue;
    assert.deepEqual(varint(value), bytes.slice(0, reader.offset));
  }
});

test("bytes: fixed integers are big-endian and come back", () => {
  const writer = new ByteWriter(1);
  writer.u8(0xab);
  writer.u16(0xfffe);
  writer.u32(0xdeadbeef);
  writer.u32(-2);
  writer.u64(MAX);
  writer.u64(0x1_0000_0002);
  const bytes = writer.finish();
  assert.equal(
    Buffer.from(bytes).toString("hex"),
    "abfffedeadbeeffffffffe001fffffffffffff0000000100000002",
  );
  const reader = new ByteReader(bytes);
  assert.equal(reader.u8(), 0xab);
  assert.equal(reader.u16(), 0xfffe);
  assert.equal(reader.u32(), 0xdeadbeef);
  assert.equal(reader.i32(), -2);
  assert.equal(reader.u64(), MAX);
  assert.equal(reader.u64(), 0x1_0000_0002);
  assert.ok(reader.finished);
});

test("bytes: a u64 above 2^53 - 1 is refused", () => {
  for (const bytes of ["0020000000000000", "ffffffffffffffff"]) {
    const reader = new ByteReader(Buffer.from(bytes, "hex"));
    assert.equal(reader.u64(), 0);
    assert.ok(reader.failed);
  }
});

test("bytes: blobs and binary strings of every length come back, however small the writer began", () => {
  for (const length of [0, 1, 47, 48, 49, 127, 128, 4095, 4096, 4097, 20_000]) {
    const content = Uint8Array.from({ length }, (_, index) => (index * 7) & 0xff);
    const text = String.fromCharCode(...content);
    const writer = new ByteWriter(0);
    writer.blob(content);
    writer.binary(text);
    writer.raw(content);
    const reader = new ByteReader(writer.finish());
    assert.deepEqual(reader.blob(), content);
    assert.equal(reader.binary(), text);
    assert.deepEqual(reader.raw(length), content);
    assert.ok(reader.finished, `${length}`);
  }
});

test("bytes: a length that promises more than there is fails and allocates nothing", () => {
  for (const promised of [4, 2 ** 31, 2 ** 32, MAX]) {
    const writer = new ByteWriter();
    writer.varint(promised);
    writer.raw(Uint8Array.of(1, 2, 3));
    for (const read of ["blob", "binary"] as const) {
      const reader = new ByteReader(writer.finish());
      assert.equal(reader[read]().length, 0);
      assert.ok(reader.failed);
    }
  }
  const reader = new ByteReader(new Uint8Array(3));
  assert.equal(reader.raw(-1).length, 0);
  assert.ok(reader.failed);
});

test("reader: once failed, every later read answers zero or empty and stays failed", () => {
  const reader = new ByteReader(Uint8Array.of(1, 2, 3));
  reader.u32();
  assert.ok(reader.failed);
  assert.deepEqual(
    [reader.u8(), reader.u16(), reader.u32(), reader.i32(), reader.u64(), reader.varint()],
    [0, 0, 0, 0, 0, 0],
  );
  assert.deepEqual([reader.raw(1).length, reader.blob().length, reader.binary()], [0, 0, ""]);
  assert.equal(reader.remaining, 0);
  assert.ok(reader.failed && !reader.finished);
});

test("reader: never throws and never leaves its range, whatever it is asked", () => {
  const random = new Random("reader");
  const reads = ["u8", "u16", "u32", "i32", "u64", "varint", "blob", "binary"] as const;
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from({ length: random.integer(24) }, () => random.integer(256));
    const start = random.between(0, bytes.length);
    const end = random.between(start, bytes.length);
    const reader = new ByteReader(bytes, start, end);
    for (let count = random.integer(8); count > 0; count--) {
      const before = reader.offset;
      if (random.chance(0.2)) reader.raw(random.between(-3, 30));
      else reader[random.pick(reads)]();
      assert.ok(reader.offset >= before && reader.offset <= end);
      assert.equal(reader.remaining, end - reader.offset);
    }
  }
});

test("reader: a range outside of the bytes is a bug of the caller", () => {
  const bytes = new Uint8Array(4);
  assert.throws(() => new ByteReader(bytes, 0, 5), /bad range/);
  assert.throws(() => new ByteReader(bytes, 3, 2), /bad range/);
  assert.throws(() => new ByteReader(bytes, -1), /bad range/);
});

test("reader: raw bytes are a view, finish is a copy", () => {
  const writer = new ByteWriter();
  writer.raw(Uint8Array.of(1, 2, 3));
  const copy = writer.finish();
  writer.bytes[0] = 9;
  assert.equal(copy[0], 1);
  const view = new ByteReader(copy).raw(2);
  copy[0] = 7;
  assert.equal(view[0], 7);
});

test("writer: a place that was passed can be patched, one that was not is a bug", () => {
  const writer = new ByteWriter();
  writer.u32(0);
  writer.u8(5);
  writer.patchU32(0, 0xfffffff0);
  assert.deepEqual([...writer.finish()], [0xff, 0xff, 0xff, 0xf0, 5]);
  assert.throws(() => writer.patchU32(2, 1), /patch at 2 beyond 5/);
  writer.reset();
  assert.equal(writer.finish().length, 0);
});

test("bytesEqual: length and every byte count", () => {
  assert.ok(bytesEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 2)));
  assert.ok(bytesEqual(new Uint8Array(0), new Uint8Array(0)));
  assert.ok(!bytesEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 3)));
  assert.ok(!bytesEqual(Uint8Array.of(1, 2), Uint8Array.of(1)));
});

function varint(value: number): Uint8Array {
  const writer = new ByteWriter(0);
  writer.varint(value);
  return writer.finish();
}

function varintOfBigint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 128);
  } while (rest !== 0n);
  return bytes;
}
