/** Removing rows, as every engine has to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "#src/core/base/random.ts";
import type { Key } from "#src/core/ring/key.ts";
import type { ScanPosition, ScanSlice } from "#src/core/storage/engine.ts";
import {
  assertScanned,
  bytes,
  key,
  type Model,
  type Open,
  scanInPieces,
  statsOf,
} from "./engine-stand.ts";

export function testRemoving(name: string, open: Open): void {
  testOneRemoved(name, open);
  testAbsentRemoved(name, open);
  testScanWhileRemoving(name, open);
}

function testOneRemoved(name: string, open: Open): void {
  void test(`${name}: a removed row is gone at once, and can be written again`, async () => {
    const { engine, close } = await open();
    const [one, other] = [key("a"), key("b")];
    engine.write([{ partition: 1, key: one, row: bytes(1, 2) }], 1);
    engine.write([{ partition: 1, key: other, row: bytes(3) }], 1);
    engine.write([{ partition: 2, key: one, row: bytes(4) }], 1);
    const before = engine.get(1, one);
    engine.write([{ partition: 1, key: one, row: undefined }], 2);
    assert.equal(engine.get(1, one), undefined);
    assert.deepEqual(before, bytes(1, 2), "a row that was read stays as it was");
    assert.deepEqual(engine.get(1, other), bytes(3));
    assert.deepEqual(engine.get(2, one), bytes(4));
    assert.deepEqual(scanInPieces(engine, 1, 10), [other]);
    assert.deepEqual(engine.stats(), { keys: 2, bytes: 2 * one.length + 2 });
    engine.write([{ partition: 1, key: one, row: bytes(5) }], 3);
    assert.deepEqual(engine.get(1, one), bytes(5));
    assert.deepEqual(scanInPieces(engine, 1, 1).sort(), [one, other].sort());
    await close();
  });

  void test(`${name}: in a batch of writes and removals the last one of a key wins`, async () => {
    const stand = await open();
    const { engine, completions, close } = stand;
    const [partition, row] = [1, bytes(1)];
    engine.write([{ partition, key: key("old"), row }], 1);
    engine.write(
      [
        { partition, key: key("a"), row },
        { partition, key: key("old"), row: undefined },
        { partition, key: key("b"), row: undefined },
        { partition, key: key("b"), row },
        { partition, key: key("a"), row: undefined },
        { partition, key: key("never"), row: undefined },
      ],
      2,
    );
    assert.deepEqual(scanInPieces(engine, 1, 2), [key("b")]);
    await stand.settle();
    assert.deepEqual(scanInPieces(engine, 1, 2), [key("b")]);
    assert.deepEqual(completions, [
      [1, "durable"],
      [2, "durable"],
    ]);
    await close();
  });
}

function testAbsentRemoved(name: string, open: Open): void {
  void test(`${name}: removing what is not there changes nothing, and completes`, async () => {
    const stand = await open();
    const { engine, completions, close } = stand;
    const write = (text: string, row: Uint8Array | undefined, token: number): void =>
      engine.write([{ partition: 1, key: key(text), row }], token);
    write("never", undefined, 1);
    write("a", bytes(1), 2);
    write("never", undefined, 3);
    write("a", undefined, 4);
    write("a", undefined, 5);
    await stand.settle();
    write("a", undefined, 6);
    await stand.settle();
    assert.deepEqual(
      completions,
      [1, 2, 3, 4, 5, 6].map((token) => [token, "durable"]),
    );
    assert.deepEqual(engine.stats(), { keys: 0, bytes: 0 });
    assert.deepEqual(scanInPieces(engine, 1, 5), []);
    await close();
  });
}

function testScanWhileRemoving(name: string, open: Open): void {
  void test(`${name}: removals behind, before and at a scan do not disturb it`, async () => {
    const stand = await open();
    const { engine, close } = stand;
    const random = new Random("engine scan removals");
    for (const isSettled of [true, false]) {
      const keys = Array.from({ length: 300 }, (_, i) => key(`${i}`));
      for (const each of keys) engine.write([{ partition: 7, key: each, row: bytes(1) }], 1);
      if (isSettled) await stand.settle();
      const left = new Set(keys);
      const met: Key[] = [];
      let from: ScanPosition | undefined = undefined;
      do {
        const slice: ScanSlice = engine.scan(7, from, 1 + random.integer(9));
        met.push(...slice.entries.map((entry) => entry.key));
        from = slice.next;
        for (const each of left) {
          if (!random.chance(0.02)) continue;
          left.delete(each);
          engine.write([{ partition: 7, key: each, row: undefined }], 1);
        }
        // Others take the places of those that are gone.
        const other = key(`other ${random.integer(1000)}`);
        engine.write([{ partition: 7, key: other, row: bytes(2) }], 1);
        if (random.chance(0.2)) engine.flush();
        if (isSettled && random.chance(0.1)) await stand.settle();
      } while (from !== undefined);
      assert.equal(new Set(met).size, met.length, "a key came twice");
      const stayed = met.filter((each) => left.has(each));
      assert.deepEqual(stayed.sort(), [...left].sort());
    }
    await stand.settle();
    await close();
  });
}

/** For engines that remember. */
export function testRemovedForEver(name: string, open: Open): void {
  void test(`${name}: reopened again and again, what was removed never comes back`, async () => {
    let stand = await open();
    const model: Model = new Map([[4, new Map()]]);
    const rows = model.get(4)!;
    const random = new Random("engine removals");
    let token = 0;
    for (let round = 0; round < 12; round++) {
      for (let i = 0; i < 250; i++) {
        const each = key(`${random.integer(random.chance(0.3) ? 8 : 400)}`);
        // Long rows fill segments, so that some engines compact; later there is hardly anything.
        const isRemoved = random.chance(round % 4 === 3 ? 0.9 : 0.4);
        const row = isRemoved ? undefined : new Uint8Array(random.integer(3000)).fill(i);
        stand.engine.write([{ partition: 4, key: each, row }], ++token);
        if (row === undefined) rows.delete(each);
        else rows.set(each, row);
        if (random.chance(0.3)) await stand.settle();
      }
      assertScanned(stand.engine, 4, rows, 50);
      stand = await stand.restarted();
      assertScanned(stand.engine, 4, rows, 50);
      assert.deepEqual(stand.engine.stats(), statsOf(model));
    }
    await stand.close();
  });
}
