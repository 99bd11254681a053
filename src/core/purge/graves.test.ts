import assert from "node:assert/strict";
import { test } from "node:test";
import { keyOf } from "../ring/key.ts";
import { Graves } from "./graves.ts";

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

test("graves: tombstones of an earlier life are found by a scan, and are ripe a round later", () => {
  const all = graves(100);
  all.own([3]);
  while (!all.isScanned) all.scan(2);
  assert.deepEqual(all.take(100), []);
  all.ripen();
  const found = all.take(100);
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
    few.ripen();
    found.push(...few.take(2).map(({ key }) => key));
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
  full.ripen();
  full.take(9);
  for (let slice = 0; slice < 2; slice++) full.scan(6);
  assert.ok(!full.isScanned);
});

test("graves: one that is put back is not remembered twice", () => {
  const some = graves(100);
  some.note(1, keys[0]!);
  some.ripen();
  some.note(1, keys[0]!);
  some.ripen();
  assert.equal(some.count, 1);
});
