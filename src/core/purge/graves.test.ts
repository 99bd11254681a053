import assert from "node:assert/strict";
import { test } from "node:test";
import type { Digest } from "../causality/record-codec.ts";
import { type Key, keyOf } from "../ring/key.ts";
import { Graves, type RoundSize } from "./graves.ts";
import type { PurgeStore } from "./purge-store.ts";

const DIGEST = { high: 1, low: 2 };
const keys = Array.from({ length: 9 }, (_, index) => keyOf("b", `k${index}`));

/** The rows of one partition, in the order of the keys, without those that are gone. */
function rowsOf(
  all: readonly Key[],
  gone: ReadonlySet<Key> = new Set(),
): Pick<PurgeStore, "scan" | "mayBeOver"> {
  return {
    scan: (_partition, from, limit) => {
      const start = typeof from === "number" ? from : 0;
      const entries = all
        .map((key, index) => ({ key, row: Uint8Array.of(index) }))
        .slice(start, start + limit)
        .filter(({ key }) => !gone.has(key));
      return { entries, next: start + limit < all.length ? start + limit : undefined };
    },
    mayBeOver: () => true,
  };
}

/** Of nine rows in one partition, those with even numbers are tombstones. */
function graves(rememberedMax: number): Graves {
  const tombstoneIn = (row: Uint8Array): Digest | undefined =>
    row[0]! % 2 === 0 ? DIGEST : undefined;
  return new Graves({ ...rowsOf(keys), tombstoneIn }, rememberedMax);
}

const TOMBSTONE = Uint8Array.of(0);
const ANY: RoundSize = { keysMax: 100, bytesMax: 1_000_000 };
const TWO: RoundSize = { ...ANY, keysMax: 2 };

test("graves: tombstones of an earlier life are found by a scan, and are ripe a round later", () => {
  const all = graves(100);
  all.own([3]);
  while (!all.isScanned) all.scan(2);
  assert.deepEqual(all.begin(ANY), []);
  const found = all.begin(ANY);
  assert.deepEqual(
    found.map(({ key }) => key),
    keys.filter((_, index) => index % 2 === 0),
  );
  assert.ok(found.every(({ partition }) => partition === 3));
  assert.equal(all.count, 0);
});

test("graves: more than can be remembered are scanned for again when there is room", () => {
  const few = graves(2);
  few.own([3]);
  const found: string[] = [];
  for (let round = 0; round < 20; round++) {
    for (let slice = 0; slice < 9; slice++) few.scan(2);
    for (const { key } of few.begin(TWO)) {
      found.push(key);
      few.done(key);
    }
  }
  for (const [index, key] of keys.entries()) {
    assert.equal(found.includes(key), index % 2 === 0, key);
  }
});

test("graves: what is stored where a full scan has been is scanned for again", () => {
  const full = graves(2);
  full.own([3]);
  full.scan(6);
  full.onRow(3, keys[0]!, TOMBSTONE);
  full.begin(ANY);
  for (const { key } of full.begin(ANY)) full.done(key);
  for (let slice = 0; slice < 2; slice++) full.scan(6);
  assert.ok(!full.isScanned);
});

test("graves: one that is found again is not remembered twice", () => {
  const some = graves(100);
  some.onRow(1, keys[0]!, TOMBSTONE);
  some.begin(ANY);
  some.onRow(1, keys[0]!, TOMBSTONE);
  assert.equal(some.begin(ANY).length, 1);
  some.onRow(1, keys[0]!, TOMBSTONE);
  assert.equal(some.begin(ANY).length, 0);
  assert.equal(some.count, 1);
});

test("graves: those that cannot go leave room for others, though a scan finds them first", () => {
  const few = graves(2);
  few.own([3]);
  const found = new Set<string>();
  for (let round = 0; round < 20; round++) {
    for (let slice = 0; slice < 9; slice++) few.scan(2);
    for (const { key } of few.begin(ANY)) {
      found.add(key);
      if (key !== keys[0] && key !== keys[2]) few.done(key);
    }
  }
  assert.equal(found.size, 5);
});

test("graves: a round is as large as its question may be, and the rest comes in the next", () => {
  const all = graves(100);
  for (let index = 0; index < 6; index++) all.onRow(1, keys[index]!, TOMBSTONE);
  all.begin(ANY);
  const bytes = 3 * (keys[0]!.length + 10);
  assert.equal(all.begin({ keysMax: 4, bytesMax: bytes }).length, 3);
  assert.equal(all.begin({ keysMax: 2, bytesMax: bytes }).length, 2);
  assert.equal(all.begin({ keysMax: 2, bytesMax: 1 }).length, 1);
});

test("graves: however many cannot go, the others go", () => {
  for (const [room, keysMax, slice] of [
    [1, 1, 2],
    [2, 1, 2],
    [4, 2, 2],
    [8, 4, 2],
    [2, 100, 2],
    [2, 100, 256],
  ] as const) {
    for (let stuck = 0; stuck <= 3 * (room + keysMax); stuck++) {
      const names = Array.from({ length: stuck + 3 }, (_, index) => keyOf("b", `k${index}`));
      const gone = new Set<Key>();
      const all = new Graves({ ...rowsOf(names, gone), tombstoneIn: () => DIGEST }, room);
      all.own([3]);
      for (let round = 0; round < 2_000 && gone.size < 3; round++) {
        for (let scan = 0; scan < 40; scan++) all.scan(slice);
        for (const { key } of all.begin({ ...ANY, keysMax })) {
          if (names.indexOf(key) < stuck) continue;
          gone.add(key);
          all.done(key);
        }
      }
      assert.equal(gone.size, 3, `room for ${room}, rounds of ${keysMax}, ${stuck} that stay`);
    }
  }
});
