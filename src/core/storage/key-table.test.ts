import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../base/random.ts";
import type { Key } from "../ring/key.ts";
import { keyOf } from "../ring/key.ts";
import { KeyTable, NO_NUMBER } from "./key-table.ts";

test("key table: numbers keys in the order in which they come, each partition by itself", () => {
  const table = new KeyTable({ high: 1, low: 2 });
  const key = keyOf("b", "k");
  assert.equal(table.find(3, key), NO_NUMBER);
  assert.equal(table.firstOf(3), NO_NUMBER);
  assert.equal(table.add(3, key), 0);
  assert.equal(table.find(4, key), NO_NUMBER);
  assert.equal(table.add(4, key), 1);
  assert.equal(table.find(3, key), 0);
  assert.equal(table.find(4, key), 1);
  assert.equal(table.keyOf(1), key);
});

test("key table: agrees with a map over many keys of many lengths", () => {
  const table = new KeyTable({ high: -7, low: 99 });
  const random = new Random("key table");
  const model = new Map<string, number>();
  const order: Key[][] = [[], [], []];
  for (let step = 0; step < 60_000; step++) {
    const partition = random.integer(3);
    const length = random.chance(0.01) ? 4096 : 1 + random.integer(12);
    const text = String.fromCharCode(...Array.from({ length }, () => random.integer(256)));
    const key = keyOf("b", text);
    const known = model.get(`${partition} ${key}`);
    assert.equal(table.find(partition, key), known ?? NO_NUMBER);
    if (known !== undefined) continue;
    model.set(`${partition} ${key}`, table.add(partition, key));
    order[partition]!.push(key);
  }
  assert.equal(table.count, model.size);
  for (const [partition, keys] of order.entries()) {
    const met: Key[] = [];
    for (let n = table.firstOf(partition); n !== NO_NUMBER; n = table.after(n)) {
      met.push(table.keyOf(n));
    }
    assert.deepEqual(met, keys);
  }
});
