import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../base/random.ts";
import type { Key } from "../ring/key.ts";
import { keyOf } from "../ring/key.ts";
import { KeyArena } from "./key-arena.ts";
import { FIRST_POSITION, KeyTable, NO_NUMBER, NO_POSITION } from "./key-table.ts";

function keysOf(table: KeyTable, partition: number, limit: number): Key[] {
  const met: Key[] = [];
  let position = FIRST_POSITION;
  while (position !== NO_POSITION) {
    const numbers: number[] = [];
    position = table.walk(partition, position, limit, numbers);
    met.push(...numbers.map((number) => table.keyOf(number)));
  }
  return met;
}

test("key table: numbers keys in the order in which they come, and gives free numbers again", () => {
  const table = new KeyTable({ high: 1, low: 2 });
  const key = keyOf("b", "k");
  assert.equal(table.find(3, key), NO_NUMBER);
  assert.equal(table.remove(3, key), NO_NUMBER);
  assert.deepEqual(keysOf(table, 3, 1), []);
  assert.equal(table.add(3, key), 0);
  assert.equal(table.find(4, key), NO_NUMBER);
  assert.equal(table.add(4, key), 1);
  assert.equal(table.find(3, key), 0);
  assert.equal(table.find(4, key), 1);
  assert.equal(table.keyOf(1), key);
  assert.equal(table.remove(3, key), 0);
  assert.equal(table.find(3, key), NO_NUMBER);
  assert.equal(table.find(4, key), 1);
  assert.equal(table.count, 1);
  assert.equal(table.add(5, keyOf("b", "other")), 0);
  assert.equal(table.keyOf(0), keyOf("b", "other"));
});

test("key table: agrees with a map while keys of many lengths come and go", () => {
  const table = new KeyTable({ high: -7, low: 99 });
  const random = new Random("key table");
  const model = new Map<string, number>();
  const byPartition: Set<Key>[] = [new Set(), new Set(), new Set()];
  for (let step = 0; step < 120_000; step++) {
    // It grows, and shrinks to nearly nothing.
    const isShrinking = Math.floor(step / 30_000) % 2 === 1;
    const partition = random.integer(3);
    const keys = byPartition[partition]!;
    const length = random.chance(0.01) ? 4096 : 1 + random.integer(12);
    const text = String.fromCharCode(...Array.from({ length }, () => random.integer(256)));
    const first: Key | undefined = keys.values().next().value;
    const key = isShrinking && first !== undefined ? first : keyOf("b", text);
    const id = `${partition} ${key}`;
    const known = model.get(id);
    assert.equal(table.find(partition, key), known ?? NO_NUMBER);
    if (known === undefined) {
      model.set(id, table.add(partition, key));
      keys.add(key);
    } else if (random.chance(isShrinking ? 0.95 : 0.3)) {
      assert.equal(table.remove(partition, key), known);
      model.delete(id);
      keys.delete(key);
    }
    if (step % 20_000 !== 19_999) continue;
    assert.equal(table.count, model.size);
    assert.equal(new Set(model.values()).size, model.size, "two keys have one number");
    for (const [index, expected] of byPartition.entries()) {
      for (const limit of [1, 7, 10_000]) {
        assert.deepEqual(keysOf(table, index, limit).sort(), [...expected].sort());
      }
    }
  }
});

test("key table: a walk meets what is there all the time once, while others come and go", () => {
  for (let seed = 0; seed < 30; seed++) {
    const random = new Random(`walk ${seed}`);
    const table = new KeyTable({ high: seed, low: 3 });
    const others: Key[] = [];
    const stay = new Set<Key>();
    for (let i = 0; i < 2000; i++) {
      const key = keyOf("b", `${i}`);
      table.add(1, key);
      if (random.chance(0.5)) stay.add(key);
      else others.push(key);
    }
    const met: Key[] = [];
    let position = FIRST_POSITION;
    while (position !== NO_POSITION) {
      const numbers: number[] = [];
      position = table.walk(1, position, 1 + random.integer(50), numbers);
      met.push(...numbers.map((number) => table.keyOf(number)));
      // Its table becomes larger in some runs, and much smaller in others.
      for (let i = 0; i < 60; i++) {
        const other = others.pop();
        if (seed % 2 === 0 && other !== undefined) table.remove(1, other);
        else table.add(seed % 3, keyOf("b", `new ${met.length} ${i}`));
      }
    }
    const stayed = met.filter((key) => stay.has(key));
    assert.deepEqual(stayed.sort(), [...stay].sort(), `seed ${seed}`);
  }
});

test("key arena: the room of a key that is gone is for the next one of its length", () => {
  const arena = new KeyArena();
  const lengths = [1, 2, 200, 4000];
  const keys = lengths.map((length) => keyOf("b", "k".repeat(length)));
  const room = new Set<number>();
  for (let round = 0; round < 500; round++) {
    const starts = [...keys, ...keys].map((key) => arena.add(key));
    for (const [i, start] of starts.entries()) {
      room.add(start);
      assert.ok(arena.isAt(start, keys[i % keys.length]!));
      assert.equal(arena.keyAt(start), keys[i % keys.length]);
    }
    for (const start of starts) arena.remove(start);
  }
  assert.equal(room.size, 2 * keys.length);
});
