/**
 * What every engine promises, as tests that run on any of them (see `src/core/storage/engine.ts`).
 *
 * An engine is told apart from the others only by how it is made and how its completions come:
 * `settle` makes everything that was written durable, however long that takes a real one.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "#src/core/base/random.ts";
import { keyOf, type Key } from "#src/core/ring/key.ts";
import type {
  DiskAnswer,
  Engine,
  EngineEvents,
  ScanPosition,
  ScanSlice,
} from "#src/core/storage/engine.ts";

export interface EngineUnderTest {
  readonly engine: Engine;
  /** Comes back when all that was written has been completed. */
  settle(): void | Promise<void>;
}

export type MakeEngine = (events: EngineEvents) => EngineUnderTest | Promise<EngineUnderTest>;

interface Stand extends EngineUnderTest {
  readonly completions: [token: number, answer: DiskAnswer][];
}

export function testEngine(name: string, make: MakeEngine): void {
  const open = async (): Promise<Stand> => {
    const completions: [number, DiskAnswer][] = [];
    const made = await make({
      completed: (token, answer) => void completions.push([token, answer]),
      failed: (problem) => assert.fail(problem),
    });
    return { engine: made.engine, settle: () => made.settle(), completions };
  };
  testOneRow(name, open);
  testCompletions(name, open);
  testScan(name, open);
  testAgainstModel(name, open);
}

function testOneRow(name: string, open: () => Promise<Stand>): void {
  void test(`${name}: a write is visible at once, to its partition and its key only`, async () => {
    const { engine } = await open();
    assert.equal(engine.get(1, key("a")), undefined);
    engine.write([{ partition: 1, key: key("a"), row: bytes(1, 2) }], 1);
    assert.deepEqual(engine.get(1, key("a")), bytes(1, 2));
    assert.equal(engine.get(2, key("a")), undefined);
    assert.equal(engine.get(1, key("b")), undefined);
    await closed(engine);
  });

  void test(`${name}: the last write of a key wins, inside one batch too`, async () => {
    const { engine } = await open();
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
    await closed(engine);
  });

  void test(`${name}: an empty row is a row, and large ones come back whole`, async () => {
    const { engine } = await open();
    for (const length of [0, 1, 16 * 1024 - 1, 16 * 1024, 256 * 1024, 1024 * 1024 + 1]) {
      const row = Uint8Array.from({ length }, (_, index) => index * 7);
      engine.write([{ partition: 0, key: key(`${length}`), row }], length);
      assert.deepEqual(engine.get(0, key(`${length}`)), row, `${length} bytes`);
    }
    await closed(engine);
  });

  void test(`${name}: keys are any bytes`, async () => {
    const { engine } = await open();
    const keys = ["\x00", "\xff", "\x00\x00", "__proto__", "constructor", "a/b", "{"].map(key);
    for (const [index, each] of keys.entries()) {
      engine.write([{ partition: 0, key: each, row: bytes(index) }], index);
    }
    for (const [index, each] of keys.entries()) assert.deepEqual(engine.get(0, each), bytes(index));
    await closed(engine);
  });

  void test(`${name}: a row that was read stays as it was, whatever is written later`, async () => {
    const { engine } = await open();
    engine.write([{ partition: 0, key: key("a"), row: bytes(1, 2, 3) }], 1);
    const before = engine.get(0, key("a"));
    for (let round = 0; round < 2000; round++) {
      const row = new Uint8Array(500).fill(round);
      engine.write([{ partition: 0, key: key(round % 2 === 0 ? "a" : `k${round}`), row }], round);
    }
    assert.deepEqual(before, bytes(1, 2, 3));
    await closed(engine);
  });
}

function testCompletions(name: string, open: () => Promise<Stand>): void {
  void test(`${name}: every token comes back once, in the order of the writes`, async () => {
    const stand = await open();
    const { engine, completions } = stand;
    const tokens = [5, 0, 7, 7, 2 ** 40, 0];
    for (const token of tokens) {
      engine.write([{ partition: 0, key: key(`${token}`), row: bytes(1) }], token);
    }
    await stand.settle();
    assert.deepEqual(
      completions,
      tokens.map((token) => [token, "durable"]),
    );
    await closed(engine);
  });

  void test(`${name}: a batch is completed once`, async () => {
    const stand = await open();
    const { engine, completions } = stand;
    const writes = ["a", "b", "a"].map((text) => ({ partition: 0, key: key(text), row: bytes(1) }));
    engine.write(writes, 9);
    await stand.settle();
    assert.deepEqual(completions, [[9, "durable"]]);
    await closed(engine);
  });
}

function testScan(name: string, open: () => Promise<Stand>): void {
  void test(`${name}: a scan meets every row of its partition once, in any pieces`, async () => {
    const { engine } = await open();
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
    await closed(engine);
  });
}

function scanInPieces(engine: Engine, partition: number, limit: number): Key[] {
  const keys: Key[] = [];
  let from: ScanPosition | undefined = undefined;
  do {
    const slice: ScanSlice = engine.scan(partition, from, limit);
    assert.ok(slice.entries.length <= limit);
    keys.push(...slice.entries.map((entry) => entry.key));
    from = slice.next;
  } while (from !== undefined);
  return keys;
}

function closed(engine: Engine): Promise<void> {
  return new Promise((resolve) => engine.close(resolve));
}

function testAgainstModel(name: string, open: () => Promise<Stand>): void {
  void test(`${name}: agrees with a map over thousands of writes, its statistics too`, async () => {
    const stand = await open();
    const { engine } = stand;
    const random = new Random("engine model");
    const model = new Map<string, Uint8Array>();
    for (let step = 0; step < 8000; step++) {
      const partition = random.integer(4);
      // A few keys are written all the time and most only once or twice.
      const each = key(`${random.chance(0.7) ? random.integer(5) : random.integer(2000)}`);
      const row = new Uint8Array(random.integer(random.chance(0.01) ? 40_000 : 300)).fill(step);
      engine.write([{ partition, key: each, row }], step);
      model.set(`${partition} ${each}`, row);
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
    await closed(engine);
  });
}

function key(text: string): Key {
  return keyOf("bucket", text);
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}
