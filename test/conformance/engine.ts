/**
 * What every engine promises, as tests that run on any of them (see `src/core/storage/engine.ts`).
 * Those of removing are in `engine-removal.ts`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "#src/core/base/random.ts";
import { USER_KEY_BYTES_MAX, type Key } from "#src/core/ring/key.ts";
import type { ScanPosition, ScanSlice } from "#src/core/storage/engine.ts";
import { testRemovedForEver, testRemoving } from "./engine-removal.ts";
import {
  assertScanned,
  bytes,
  key,
  type MakeEngine,
  type Model,
  type Open,
  openStand,
  scanInPieces,
  type Stand,
  statsOf,
  turn,
  writeBoth,
} from "./engine-stand.ts";

export function testEngine(name: string, make: MakeEngine): void {
  const open = (): Promise<Stand> => openStand(make, []);
  testOneRow(name, open);
  testRemoving(name, open);
  testCompletions(name, open);
  testScan(name, open);
  testScanWhileWriting(name, open);
  testAgainstModel(name, open);
  testInterleaved(name, open);
  testClosing(name, open);
}

/** For engines that remember: what was completed is there after a restart. */
export function testDurableEngine(name: string, make: MakeEngine): void {
  testEngine(name, make);
  testReopening(name, () => openStand(make, []));
  testRemovedForEver(name, () => openStand(make, []));
}

function testOneRow(name: string, open: Open): void {
  void test(`${name}: a write is visible at once, to its partition and its key only`, async () => {
    const { engine, close } = await open();
    assert.equal(engine.get(1, key("a")), undefined);
    engine.write([{ partition: 1, key: key("a"), row: bytes(1, 2) }], 1);
    assert.deepEqual(engine.get(1, key("a")), bytes(1, 2));
    assert.equal(engine.get(2, key("a")), undefined);
    assert.equal(engine.get(1, key("b")), undefined);
    await close();
  });

  void test(`${name}: the last write of a key wins, inside one batch too`, async () => {
    const { engine, close } = await open();
    engine.write([{ partition: 1, key: key("a"), row: bytes(1) }], 1);
    engine.write(
      [
        { partition: 1, key: key("a"), row: bytes(2) },
        { partition: 1, key: key("b"), row: bytes(3) },
        { partition: 1, key: key("a"), row: bytes(4) },
      ],
      2,
    );
    assert.deepEqual(engine.get(1, key("a")), bytes(4));
    assert.deepEqual(engine.get(1, key("b")), bytes(3));
    await close();
  });

  void test(`${name}: an empty row is a row, and large ones come back whole`, async () => {
    const { engine, close } = await open();
    for (const length of [0, 1, 16 * 1024 - 1, 16 * 1024, 256 * 1024, 1024 * 1024 + 1]) {
      const row = Uint8Array.from({ length }, (_, index) => index * 7);
      engine.write([{ partition: 0, key: key(`${length}`), row }], length);
      assert.deepEqual(engine.get(0, key(`${length}`)), row, `${length} bytes`);
    }
    await close();
  });

  void test(`${name}: keys are any bytes`, async () => {
    const { engine, close } = await open();
    const keys = ["\x00", "\xff", "\x00\x00", "__proto__", "constructor", "a/b", "{"].map(key);
    for (const [index, each] of keys.entries()) {
      engine.write([{ partition: 0, key: each, row: bytes(index) }], index);
    }
    for (const [index, each] of keys.entries()) assert.deepEqual(engine.get(0, each), bytes(index));
    await close();
  });

  void test(`${name}: a row that was read stays as it was, whatever is written later`, async () => {
    const { engine, close } = await open();
    engine.write([{ partition: 0, key: key("a"), row: bytes(1, 2, 3) }], 1);
    const before = engine.get(0, key("a"));
    for (let round = 0; round < 2000; round++) {
      const row = new Uint8Array(500).fill(round);
      engine.write([{ partition: 0, key: key(round % 2 === 0 ? "a" : `k${round}`), row }], round);
    }
    assert.deepEqual(before, bytes(1, 2, 3));
    await close();
  });
}

function testCompletions(name: string, open: Open): void {
  void test(`${name}: every token comes back once, in the order of the writes`, async () => {
    const stand = await open();
    const { engine, completions, close } = stand;
    const tokens = [5, 0, 7, 7, 2 ** 40, 0];
    for (const token of tokens) {
      engine.write([{ partition: 0, key: key(`${token}`), row: bytes(1) }], token);
    }
    await stand.settle();
    assert.deepEqual(
      completions,
      tokens.map((token) => [token, "durable"]),
    );
    await close();
  });

  void test(`${name}: a batch is completed once`, async () => {
    const stand = await open();
    const { engine, completions, close } = stand;
    const writes = ["a", "b", "a"].map((text) => ({ partition: 0, key: key(text), row: bytes(1) }));
    engine.write(writes, 9);
    await stand.settle();
    assert.deepEqual(completions, [[9, "durable"]]);
    await close();
  });
}

function testScan(name: string, open: Open): void {
  void test(`${name}: a scan meets every row of its partition once, in any pieces`, async () => {
    const { engine, close } = await open();
    const texts = Array.from({ length: 50 }, (_, index) => `key ${(index * 37) % 50}`);
    for (const text of texts) {
      engine.write([{ partition: 3, key: key(text), row: bytes(text.length) }], 1);
      engine.write([{ partition: 4, key: key(`other ${text}`), row: bytes(0) }], 1);
    }
    engine.write([{ partition: 3, key: key(texts[7]!), row: bytes(99) }], 1);
    const whole = engine.scan(3, undefined, 1000).entries;
    assert.deepEqual(whole.map((entry) => entry.key).sort(), texts.map(key).sort());
    for (const entry of whole) assert.deepEqual(entry.row, engine.get(3, entry.key));
    for (const limit of [1, 7, 49, 50, 51]) {
      assert.deepEqual(
        scanInPieces(engine, 3, limit),
        whole.map((entry) => entry.key),
      );
    }
    assert.deepEqual(engine.scan(5, undefined, 10), { entries: [], next: undefined });
    await close();
  });
}

function testScanWhileWriting(name: string, open: Open): void {
  void test(`${name}: a scan meets every row that is not written meanwhile once`, async () => {
    const stand = await open();
    const { engine, close } = stand;
    const random = new Random("engine scan");
    const untouched = new Map<Key, Uint8Array>();
    for (let i = 0; i < 400; i++) {
      const each = key(`${random.integer(1e9)}`);
      const row = new Uint8Array(random.integer(200)).fill(i);
      engine.write([{ partition: 7, key: each, row }], i);
      untouched.set(each, row);
      if (i % 90 === 0) await stand.settle();
    }
    const hot = [...untouched.keys()].filter(() => random.chance(0.2));
    for (const each of hot) untouched.delete(each);
    const met = new Map<Key, number>();
    let from: ScanPosition | undefined = undefined;
    do {
      const slice: ScanSlice = engine.scan(7, from, 1 + random.integer(20));
      for (const entry of slice.entries) {
        met.set(entry.key, (met.get(entry.key) ?? 0) + 1);
        if (untouched.has(entry.key)) assert.deepEqual(entry.row, untouched.get(entry.key));
      }
      from = slice.next;
      for (let i = 0; i < 5; i++) {
        const isNew = met.size < 300 && random.chance(0.5);
        const each = isNew ? key(`${random.integer(1e9)}`) : hot[random.integer(hot.length)]!;
        engine.write([{ partition: 7, key: each, row: bytes(i) }], i);
      }
      if (random.chance(0.3)) await stand.settle();
      else if (random.chance(0.5)) engine.flush();
    } while (from !== undefined);
    for (const each of untouched.keys()) assert.equal(met.get(each), 1, each);
    await stand.settle();
    await close();
  });
}

function testAgainstModel(name: string, open: Open): void {
  void test(`${name}: agrees with a map over thousands of writes, its statistics too`, async () => {
    const stand = await open();
    const { engine, close } = stand;
    const random = new Random("engine model");
    const model = new Map<string, Uint8Array>();
    for (let step = 0; step < 8000; step++) {
      const partition = random.integer(4);
      // A few keys are written all the time and most only once or twice.
      const each = key(`${random.chance(0.7) ? random.integer(5) : random.integer(2000)}`);
      const row = new Uint8Array(random.integer(random.chance(0.01) ? 40_000 : 300)).fill(step);
      const isRemoved = random.chance(0.2);
      engine.write([{ partition, key: each, row: isRemoved ? undefined : row }], step);
      if (isRemoved) model.delete(`${partition} ${each}`);
      else model.set(`${partition} ${each}`, row);
      if (step % 100 === 0) await stand.settle();
    }
    for (const [place, row] of model) {
      const at = place.indexOf(" ");
      const stored = engine.get(Number(place.slice(0, at)), place.slice(at + 1) as Key);
      assert.deepEqual(stored, row, place);
    }
    let size = 0;
    for (const [place, row] of model) size += place.length - 2 + row.length;
    assert.deepEqual(engine.stats(), { keys: model.size, bytes: size });
    await close();
  });
}

function testInterleaved(name: string, open: Open): void {
  void test(`${name}: agrees with a map while it writes, reads, scans and pauses`, async () => {
    let stand = await open();
    const random = new Random("engine interleaved");
    const model: Model = new Map([0, 1, 300].map((partition) => [partition, new Map()]));
    const partitions = [...model.keys()];
    const expected: number[] = [];
    for (let step = 0; step < 3000; step++) {
      const { engine } = stand;
      const partition = partitions[random.integer(3)]!;
      const rows = model.get(partition)!;
      const each = key(`${random.integer(random.chance(0.5) ? 10 : 500)}`);
      if (random.chance(0.6)) {
        expected.push(step);
        writeBoth(stand, model, random, step);
      } else if (random.chance(0.8)) {
        assert.deepEqual(engine.get(partition, each), rows.get(each));
      } else {
        assertScanned(engine, partition, rows, 1 + random.integer(200));
      }
      if (random.chance(0.05)) engine.flush();
      if (random.chance(0.05)) await turn();
      if (random.chance(0.01)) {
        await stand.settle();
        assert.equal(stand.completions.length, expected.length);
      }
      if (stand.canRestart && random.chance(0.003)) stand = await stand.restarted();
    }
    await stand.settle();
    assert.deepEqual(
      stand.completions,
      expected.map((token) => [token, "durable"]),
    );
    for (const partition of partitions) {
      assertScanned(stand.engine, partition, model.get(partition)!, 33);
    }
    assert.deepEqual(stand.engine.stats(), statsOf(model));
    await stand.close();
  });
}

function testClosing(name: string, open: Open): void {
  void test(`${name}: closing completes what was written, flushed or not`, async () => {
    const { engine, completions, close } = await open();
    for (let token = 0; token < 50; token++) {
      engine.write([{ partition: 0, key: key(`${token}`), row: bytes(token) }], token);
      if (token === 20) engine.flush();
      if (token === 30) await turn();
    }
    await close();
    assert.deepEqual(
      completions,
      Array.from({ length: 50 }, (_, token) => [token, "durable"]),
    );
  });

  void test(`${name}: nothing written, nothing kept, and it closes`, async () => {
    const stand = await open();
    stand.engine.flush();
    assert.deepEqual(stand.engine.stats(), { keys: 0, bytes: 0 });
    await stand.close();
    assert.deepEqual(stand.completions, []);
  });
}

function testReopening(name: string, open: Open): void {
  void test(`${name}: nothing is completed from inside a call`, async () => {
    const { engine, completions, close } = await open();
    engine.write([{ partition: 0, key: key("a"), row: bytes(1) }], 1);
    engine.flush();
    assert.deepEqual(completions, []);
    await close();
  });

  void test(`${name}: reopened, it has every row, and goes on with them`, async () => {
    let stand = await open();
    const model: Model = new Map([2, 255, 256, 1023].map((partition) => [partition, new Map()]));
    const random = new Random("engine reopened");
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 100; i++) writeBoth(stand, model, random, i);
      stand = await stand.restarted();
      assert.deepEqual(stand.engine.stats(), statsOf(model));
      for (const [partition, rows] of model) assertScanned(stand.engine, partition, rows, 17);
    }
    await stand.close();
  });

  void test(`${name}: keys of every length come back, and are told apart`, async () => {
    let stand = await open();
    const rows = new Map<Key, Uint8Array>();
    const most = "x".repeat(USER_KEY_BYTES_MAX - 1);
    for (const length of [1, 500, 1900, 1960, 1975, 1976, 1977, 1978, 2000, 4000, 4095]) {
      for (const end of ["a", "b", "\xff"]) rows.set(key(most.slice(0, length) + end), bytes(1));
    }
    for (const round of [1, 2]) {
      for (const each of rows.keys()) {
        rows.set(each, Uint8Array.from(Buffer.from(`${round} ${each.length} ${each.at(-1)}`)));
        stand.engine.write([{ partition: 9, key: each, row: rows.get(each)! }], round);
      }
      assertScanned(stand.engine, 9, rows, 4);
      stand = await stand.restarted();
      assertScanned(stand.engine, 9, rows, 5);
      assert.deepEqual(stand.engine.stats(), statsOf(new Map([[9, rows]])));
    }
    for (const each of [...rows.keys()].filter((_, index) => index % 2 === 0)) {
      rows.delete(each);
      stand.engine.write([{ partition: 9, key: each, row: undefined }], 3);
      assert.equal(stand.engine.get(9, each), undefined);
    }
    stand = await stand.restarted();
    assertScanned(stand.engine, 9, rows, 5);
    assert.deepEqual(stand.engine.stats(), statsOf(new Map([[9, rows]])));
    await stand.close();
  });
}
