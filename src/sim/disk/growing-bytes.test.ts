import assert from "node:assert/strict";
import { test } from "node:test";
import { GrowingBytes } from "./growing-bytes.ts";

test("growing bytes: a hole is zeros, also where bytes were cut off", () => {
  const bytes = new GrowingBytes();
  bytes.write(0, Uint8Array.of(1, 2, 3, 4, 5, 6));
  bytes.cut(2);
  bytes.cut(4);
  assert.equal(bytes.length, 2);
  bytes.write(4, Uint8Array.of(9));
  assert.deepEqual([...bytes.copy(0, 100)], [1, 2, 0, 0, 9]);
  bytes.extend(7);
  bytes.extend(3);
  assert.deepEqual([...bytes.copy(3, 100)], [0, 9, 0, 0]);
});

test("growing bytes: what was written is there after it grew", () => {
  const bytes = new GrowingBytes();
  for (let i = 0; i < 3000; i++) bytes.write(bytes.length, Uint8Array.of(i % 251));
  assert.equal(bytes.length, 3000);
  assert.ok(bytes.view(0, 3000).every((byte, index) => byte === index % 251));
});

test("growing bytes: a copy stays as it was, and a view does not", () => {
  const bytes = new GrowingBytes();
  bytes.write(0, Uint8Array.of(1, 2));
  const [copy, view] = [bytes.copy(0, 2), bytes.view(0, 2)];
  bytes.flipBit(0, 3);
  assert.deepEqual([copy[0], view[0]], [1, 9]);
  assert.throws(() => bytes.flipBit(2, 0), /no byte 2/);
});
