import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../base/random.ts";
import { ABSENT_DIGEST } from "../causality/record-codec.ts";
import type { Key } from "../ring/key.ts";
import { keyOf } from "../ring/key.ts";
import { DAMAGED } from "../storage/engine.ts";
import type { DigestRead } from "./repair-store.ts";
import { isSameDigest } from "./repair-store.ts";
import { UntoldWrites } from "./untold-writes.ts";

const PARTITIONS = 4;

/** A row is its version, in one byte. */
function rowOf(version: number): Uint8Array {
  return Uint8Array.of(version);
}

function digestOf(row: Uint8Array): { readonly high: number; readonly low: number } {
  return { high: 9, low: row[0]! };
}

function untold(): UntoldWrites {
  return new UntoldWrites({
    scan: () => ({ entries: [], next: undefined }),
    rowDigest: digestOf,
  });
}

test("untold writes: of every key what it was before the first of them, once", () => {
  const writes = untold();
  const [a, b, c] = [keyOf("b", "a"), keyOf("b", "b"), keyOf("b", "c")];
  writes.add(0, a, undefined);
  writes.add(0, b, rowOf(4));
  writes.add(0, a, rowOf(1));
  writes.add(1, c, DAMAGED);
  assert.equal(writes.count, 3);
  const told: [number, Key, DigestRead][] = [];
  writes.tellOf(0, (...each) => told.push(each));
  assert.deepEqual(told, [
    [0, a, ABSENT_DIGEST],
    [0, b, digestOf(rowOf(4))],
  ]);
  assert.equal(writes.count, 1);
  writes.add(0, a, rowOf(2));
  told.length = 0;
  writes.tellSome(Infinity, (...each) => told.push(each));
  assert.deepEqual(
    told.toSorted(([one], [other]) => one - other),
    [
      [0, a, digestOf(rowOf(2))],
      [1, c, DAMAGED],
    ],
  );
  assert.equal(writes.count, 0);
});

test("untold writes: whoever is told in any order and slices, knows every row as it is", () => {
  const random = new Random("untold");
  const writes = untold();
  const rows = new Map<Key, Uint8Array>();
  const known = new Map<Key, DigestRead>();
  const stateOf = (key: Key): DigestRead => {
    const row = rows.get(key);
    return row === undefined ? ABSENT_DIGEST : digestOf(row);
  };
  const tell = (_partition: number, key: Key, before: DigestRead): void => {
    assert.ok(isSameDigest(known.get(key) ?? ABSENT_DIGEST, before), `${key}: a gap`);
    known.set(key, stateOf(key));
  };
  for (let step = 0; step < 20_000; step++) {
    const n = random.integer(50);
    const key = keyOf("b", `k${n}`);
    writes.add(n % PARTITIONS, key, rows.get(key));
    if (random.chance(0.2)) rows.delete(key);
    else rows.set(key, rowOf(random.integer(256)));
    if (random.chance(0.01)) writes.tellOf(random.integer(PARTITIONS), tell);
    if (random.chance(0.01)) writes.tellSome(random.integer(30), tell);
  }
  writes.tellSome(Infinity, tell);
  for (const key of rows.keys()) assert.ok(isSameDigest(known.get(key)!, stateOf(key)));
  assert.equal(writes.count, 0);
});
