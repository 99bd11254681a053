import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "lmdb";
import { keyOf, type Key } from "#src/core/ring/key.ts";
import { DAMAGED, type DiskAnswer, type EngineEvents } from "#src/core/storage/engine.ts";
import { LmdbEngine, type LmdbOptions } from "#src/disk/lmdb-engine.ts";
import { testCrashes } from "./engine-crash.ts";
import { engineOnDisk, temporaryDirectory } from "./engine-on-disk.ts";
import type { EngineUnderTest } from "./engine-stand.ts";
import { testDurableEngine } from "./engine.ts";

const openLmdb = (directory: string): ReturnType<typeof LmdbEngine.open> =>
  LmdbEngine.open(directory);

testDurableEngine("lmdb engine", (events) => engineOnDisk(openLmdb, temporaryDirectory(), events));

testCrashes("lmdb engine", {
  module: "#src/disk/lmdb-engine.ts",
  className: "LmdbEngine",
  open: openLmdb,
});

function stand(
  directory: string,
  options: LmdbOptions = {},
  events: Partial<EngineEvents> = {},
): Promise<EngineUnderTest> {
  const all = { completed: () => {}, failed: (text: string) => assert.fail(text), ...events };
  return engineOnDisk((path) => LmdbEngine.open(path, options), directory, all);
}

function closed({ engine }: EngineUnderTest): Promise<void> {
  return new Promise((resolve) => engine.close(resolve));
}

/** Flips one bit of the last byte of every row whose place holds this text. */
async function damage(directory: string, text: string): Promise<void> {
  const database = open<Buffer, Buffer>({
    path: directory,
    noSubdir: false,
    encoding: "binary",
    keyEncoding: "binary",
    overlappingSync: false,
  });
  for (const { key, value } of database.getRange({})) {
    if (!Buffer.from(key).includes(text)) continue;
    value[value.length - 1]! ^= 1;
    await database.put(Buffer.from(key), value);
  }
  await database.close();
}

test("lmdb engine: a row that changed on the disk is damaged, not absent, until it is written", async () => {
  const directory = temporaryDirectory();
  const [short, long] = [keyOf("b", "short"), keyOf("b", `long${"g".repeat(3000)}`)];
  const first = await stand(directory);
  for (const key of [short, long, keyOf("b", "sound")]) {
    first.engine.write([{ partition: 1, key, row: new Uint8Array(5) }], 1);
  }
  await closed(first);
  await damage(directory, "short");
  await damage(directory, "long");

  const second = await stand(directory);
  const { engine } = second;
  const before = engine.stats();
  assert.equal(engine.get(1, short), DAMAGED);
  assert.equal(engine.get(1, long), DAMAGED);
  assert.deepEqual(
    engine.scan(1, undefined, 10).entries.map(({ key }) => key),
    [keyOf("b", "sound")],
  );
  // Of a long one its place tells the beginning.
  const named = engine.scan(1, undefined, 10).damaged!;
  assert.deepEqual([named[0]!, named[1]], [long.slice(0, named[0]!.length), short]);
  for (const key of [short, long]) {
    engine.write([{ partition: 1, key, row: new Uint8Array(5).fill(9) }], 2);
    assert.deepEqual(engine.get(1, key), new Uint8Array(5).fill(9));
  }
  assert.equal(engine.stats().keys, before.keys);
  await closed(second);
  const third = await stand(directory);
  assert.deepEqual(third.engine.get(1, long), new Uint8Array(5).fill(9));
  assert.equal(third.engine.scan(1, undefined, 10).entries.length, 3);
  await closed(third);
});

test("lmdb engine: long keys of one beginning and one digest are told apart", async () => {
  const directory = temporaryDirectory();
  const options = { digest: () => "d".repeat(32) };
  const keys = ["a", "b", "c"].map((end) => keyOf("b", "k".repeat(3000) + end));
  const rowOf = (key: Key): Uint8Array => Uint8Array.from([key.charCodeAt(key.length - 1)]);
  const first = await stand(directory, options);
  for (const key of keys) {
    assert.equal(first.engine.get(1, key), undefined);
    first.engine.write([{ partition: 1, key, row: new Uint8Array(100) }], 1);
    first.engine.write([{ partition: 1, key, row: rowOf(key) }], 1);
  }
  const { stats } = { stats: first.engine.stats() };
  await closed(first);
  const second = await stand(directory, options);
  for (const key of keys) assert.deepEqual(second.engine.get(1, key), rowOf(key));
  assert.equal(second.engine.get(1, keyOf("b", `${"k".repeat(3000)}d`)), undefined);
  assert.deepEqual(
    second.engine.scan(1, undefined, 9).entries,
    keys.map((key) => ({ key, row: rowOf(key) })),
  );
  assert.deepEqual(second.engine.stats(), stats);
  await closed(second);
});

test("lmdb engine: of long keys of one digest any can be removed, and the others are found", async () => {
  const options = { digest: () => "d".repeat(32) };
  const keys = ["a", "b", "c", "d"].map((end) => keyOf("b", "k".repeat(3000) + end));
  const rowOf = (key: Key): Uint8Array => Uint8Array.from([key.charCodeAt(key.length - 1)]);
  for (const isSettled of [true, false]) {
    for (const order of ["abcd", "dcba", "bdac", "cabd"]) {
      const directory = temporaryDirectory();
      let made = await stand(directory, options);
      const left = new Set(keys);
      for (const key of keys) made.engine.write([{ partition: 1, key, row: rowOf(key) }], 1);
      for (const end of order) {
        const key = keys.find((each) => each.endsWith(end))!;
        made.engine.write([{ partition: 1, key, row: undefined }], 2);
        left.delete(key);
        if (isSettled) {
          await closed(made);
          made = await stand(directory, options);
        }
        for (const each of keys) {
          assert.deepEqual(made.engine.get(1, each), left.has(each) ? rowOf(each) : undefined);
        }
        const scanned = made.engine.scan(1, undefined, 9);
        assert.deepEqual(new Set(scanned.entries.map((entry) => entry.key)), left);
        assert.equal(scanned.damaged, undefined);
        assert.equal(made.engine.stats().keys, left.size);
      }
      // A vacant place is taken again.
      for (const key of keys) made.engine.write([{ partition: 1, key, row: rowOf(key) }], 3);
      await made.settle();
      assert.equal(made.engine.scan(1, undefined, 9).entries.length, keys.length);
      await closed(made);
    }
  }
});

test("lmdb engine: a damaged row is gone when its key is removed", async () => {
  const directory = temporaryDirectory();
  const keys = [keyOf("b", "short"), keyOf("b", `long${"g".repeat(3000)}`)];
  const first = await stand(directory);
  for (const key of keys) first.engine.write([{ partition: 1, key, row: new Uint8Array(5) }], 1);
  await closed(first);
  await damage(directory, "short");
  await damage(directory, "long");
  const second = await stand(directory);
  for (const key of keys) {
    assert.equal(second.engine.get(1, key), DAMAGED);
    second.engine.write([{ partition: 1, key, row: undefined }], 2);
    assert.equal(second.engine.get(1, key), undefined);
  }
  assert.equal(second.engine.stats().keys, 0);
  await closed(second);
  const third = await stand(directory);
  assert.deepEqual(third.engine.scan(1, undefined, 9), { entries: [], next: undefined });
  for (const key of keys) assert.equal(third.engine.get(1, key), undefined);
  await closed(third);
});

test("lmdb engine: without room a write is refused as a whole, in its turn", async () => {
  let freeBytes = 2 ** 40;
  const completions: [number, DiskAnswer][] = [];
  const completed = (token: number, answer: DiskAnswer): void =>
    void completions.push([token, answer]);
  const made = await stand(temporaryDirectory(), { freeBytes: () => freeBytes }, { completed });
  const { engine } = made;
  const write = (text: string, token: number): void =>
    engine.write([{ partition: 1, key: keyOf("b", text), row: new Uint8Array(9) }], token);
  write("before", 1);
  await made.settle();
  freeBytes = 64 * 1024 * 1024;
  write("taken", 2);
  await made.settle();
  write("refused", 3);
  engine.write([{ partition: 1, key: keyOf("b", "before"), row: undefined }], 5);
  assert.equal(engine.get(1, keyOf("b", "before")), undefined, "a removal needs no such room");
  engine.flush();
  assert.equal(engine.get(1, keyOf("b", "refused")), undefined);
  await made.settle();
  freeBytes = 2 ** 40;
  write("after", 4);
  await made.settle();
  assert.deepEqual(completions.at(-1), [4, "durable"]);
  assert.deepEqual(completions.find(([token]) => token === 3)?.[1], "full");
  assert.equal(engine.get(1, keyOf("b", "refused")), undefined);
  await closed(made);
});

test("lmdb engine: totals that are damaged are counted anew", async () => {
  const directory = temporaryDirectory();
  const first = await stand(directory);
  for (let i = 0; i < 20; i++) {
    const key = keyOf("b", `${"k".repeat(i * 200)}${i}`);
    first.engine.write([{ partition: i, key, row: new Uint8Array(i) }], i);
  }
  const expected = first.engine.stats();
  await closed(first);
  const database = open<Buffer, Buffer>({
    path: directory,
    noSubdir: false,
    encoding: "binary",
    keyEncoding: "binary",
    overlappingSync: false,
  });
  await database.put(Buffer.from("\0"), Buffer.from("nonsense"));
  await database.close();
  const second = await stand(directory);
  assert.deepEqual(second.engine.stats(), expected);
  await closed(second);
});
