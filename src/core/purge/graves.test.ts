import assert from "node:assert/strict";
import { test } from "node:test";
import { keyOf } from "../ring/key.ts";
import { Graves, type RoundSize } from "./graves.ts";

const DIGEST = { high: 1, low: 2 };
const keys = Array.from({ length: 9 }, (_, index) => keyOf("b", `k${index}`));

/** Of nine rows in one partition, those with even numbers are tombstones; two come at a time. */
function graves(rememberedMax: number): Graves {
  return new Graves(
    {
      scan: (_partition, from, limit) => {
        const start = typeof from === "number" ? from : 0;
        const entries = keys
          .map((key, index) => ({ key, row: Uint8Array.of(index) }))
          .slice(start, start + limit);
        const next = start + limit < keys.length ? start + limit : undefined;
        return { entries, next };
      },
      mayBeOver: () => true,
      tombstoneIn: (row) => (row[0]! % 2 === 0 ? DIGEST : undefined),
    },
    rememberedMax,
  );
}

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
  full.note(3, keys[0]!);
  full.begin(ANY);
  for (const { key } of full.begin(ANY)) full.done(key);
  for (let slice = 0; slice < 2; slice++) full.scan(6);
  assert.ok(!full.isScanned);
});

test("graves: one that is found again is not remembered twice", () => {
  const some = graves(100);
  some.note(1, keys[0]!);
  some.begin(ANY);
  some.note(1, keys[0]!);
  assert.equal(some.begin(ANY).length, 1);
  some.note(1, keys[0]!);
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
  for (let index = 0; index < 6; index++) all.note(1, keys[index]!);
  all.begin(ANY);
  const bytes = 3 * (keys[0]!.length + 10);
  assert.equal(all.begin({ keysMax: 4, bytesMax: bytes }).length, 3);
  assert.equal(all.begin({ keysMax: 2, bytesMax: bytes }).length, 2);
  assert.equal(all.begin({ keysMax: 2, bytesMax: 1 }).length, 1);
});
