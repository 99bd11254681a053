import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ClassicLevel } from "classic-level";
import { keyOf } from "#src/core/ring/key.ts";
import {
  DAMAGED,
  type DiskAnswer,
  type EngineEvents,
  type ScanPosition,
} from "#src/core/storage/engine.ts";
import { LevelEngine, type LevelOptions } from "#src/disk/level-engine.ts";
import { testCrashes } from "./engine-crash.ts";
import { engineOnDisk, temporaryDirectory } from "./engine-on-disk.ts";
import type { EngineUnderTest } from "./engine-stand.ts";
import { testDurableEngine } from "./engine.ts";

const openLevel = (directory: string): ReturnType<typeof LevelEngine.open> =>
  LevelEngine.open(directory);

testDurableEngine("level engine", (events) =>
  engineOnDisk(openLevel, temporaryDirectory(), events),
);

testCrashes("level engine", {
  module: "#src/disk/level-engine.ts",
  className: "LevelEngine",
  open: openLevel,
});

function stand(
  directory: string,
  options: LevelOptions = {},
  events: Partial<EngineEvents> = {},
): Promise<EngineUnderTest> {
  const all = { completed: () => {}, failed: (text: string) => assert.fail(text), ...events };
  return engineOnDisk((path) => LevelEngine.open(path, options), directory, all);
}

function closed({ engine }: EngineUnderTest): Promise<void> {
  return new Promise((resolve) => engine.close(resolve));
}

async function put(
  directory: string,
  place: string,
  change: (stored: Buffer) => Buffer,
): Promise<void> {
  const database = new ClassicLevel<Buffer, Buffer>(directory, {
    keyEncoding: "buffer",
    valueEncoding: "buffer",
  });
  const key = Buffer.from(place, "latin1");
  const stored = await database.get(key);
  assert.ok(stored !== undefined, "the row is where the test looks for it");
  await database.put(key, change(stored));
  await database.close();
}

test("level engine: a row that changed on the disk is damaged, not absent, until it is written", async () => {
  const directory = temporaryDirectory();
  const key = keyOf("b", "k");
  const first = await stand(directory);
  for (const each of [key, keyOf("b", "sound")]) {
    first.engine.write([{ partition: 1, key: each, row: new Uint8Array(5) }], 1);
  }
  await closed(first);
  await put(directory, `\x00\x01${key}`, (stored) => {
    stored[6]! ^= 1;
    return stored;
  });
  const second = await stand(directory);
  const { engine } = second;
  const before = engine.stats();
  assert.equal(engine.get(1, key), DAMAGED);
  assert.deepEqual(
    engine.scan(1, undefined, 10).entries.map((entry) => entry.key),
    [keyOf("b", "sound")],
  );
  assert.deepEqual(engine.scan(1, undefined, 10).damaged, [key]);
  engine.write([{ partition: 1, key, row: new Uint8Array(5).fill(9) }], 2);
  assert.deepEqual(engine.get(1, key), new Uint8Array(5).fill(9));
  assert.deepEqual(engine.stats(), before);
  assert.equal(engine.scan(1, undefined, 10).entries.length, 2);
  await closed(second);
});

test("level engine: a damaged place in the list leaves out its row, and only that one", async () => {
  const directory = temporaryDirectory();
  const first = await stand(directory);
  for (const text of ["a", "b", "c"]) {
    first.engine.write([{ partition: 1, key: keyOf("b", text), row: new Uint8Array(5) }], 1);
  }
  await closed(first);
  await put(directory, "\x00\x01\x00\x00\x00\x00\x01", () => Buffer.from("nonsense"));
  const second = await stand(directory);
  assert.deepEqual(
    second.engine.scan(1, undefined, 10).entries.map(({ key }) => key),
    [keyOf("b", "a"), keyOf("b", "c")],
  );
  assert.deepEqual(second.engine.get(1, keyOf("b", "b")), new Uint8Array(5));
  await closed(second);
});

test("level engine: without room a write is refused as a whole, in its turn", async () => {
  let freeBytes = 0;
  const completions: [number, DiskAnswer][] = [];
  const completed = (token: number, answer: DiskAnswer): void =>
    void completions.push([token, answer]);
  const made = await stand(temporaryDirectory(), { freeBytes: () => freeBytes }, { completed });
  const write = (text: string, token: number): void =>
    made.engine.write([{ partition: 1, key: keyOf("b", text), row: new Uint8Array(9) }], token);
  write("refused", 1);
  assert.equal(made.engine.get(1, keyOf("b", "refused")), undefined);
  freeBytes = 2 ** 40;
  write("taken", 2);
  await made.settle();
  assert.deepEqual(completions, [
    [1, "full"],
    [2, "durable"],
  ]);
  assert.deepEqual(
    made.engine.scan(1, undefined, 9).entries.map(({ key }) => key),
    [keyOf("b", "taken")],
  );
  await closed(made);
});

test("level engine: totals that are damaged are counted anew", async () => {
  const directory = temporaryDirectory();
  const first = await stand(directory, { sync: "never" });
  for (let i = 0; i < 20; i++) {
    const key = keyOf("b", `${"k".repeat(i * 200)}${i}`);
    first.engine.write([{ partition: i, key, row: new Uint8Array(i) }], i);
  }
  const expected = first.engine.stats();
  await closed(first);
  await put(directory, "\0", () => Buffer.from("nonsense"));
  const second = await stand(directory);
  assert.deepEqual(second.engine.stats(), expected);
  await closed(second);
});

test("level engine: keys that come and go take the same places in the list", async () => {
  const directory = temporaryDirectory();
  let made = await stand(directory, { sync: "never" });
  const write = (text: string, row: Uint8Array | undefined): void =>
    made.engine.write([{ partition: 1, key: keyOf("b", text), row }], 1);
  for (let life = 0; life < 3; life++) {
    write(`stays ${life}`, new Uint8Array(3));
    for (let i = 0; i < 500; i++) {
      write(`goes ${life} ${i}`, new Uint8Array(3));
      write(`goes ${life} ${i}`, undefined);
    }
    assert.equal(made.engine.stats().keys, life + 1);
    await closed(made);
    made = await stand(directory, { sync: "never" });
  }
  // What lies in its list is counted by the places that a scan goes through.
  let slices = 0;
  let from: ScanPosition | undefined = undefined;
  do {
    from = made.engine.scan(1, from, 1).next;
    slices++;
  } while (from !== undefined);
  assert.ok(slices <= 6, `${slices} places for 3 keys`);
  await closed(made);
});

test("level engine: a key whose index is damaged or was never stored can be removed", async () => {
  for (const isDamaged of [true, false]) {
    const directory = temporaryDirectory();
    const [one, other] = [keyOf("b", "one"), keyOf("b", "other")];
    const first = await stand(directory);
    for (const key of [one, other]) {
      first.engine.write([{ partition: 1, key, row: new Uint8Array(5) }], 1);
    }
    await closed(first);
    await put(directory, `\x00\x01\x01${other}`, (stored) => {
      return isDamaged ? stored.fill(1) : Buffer.from(stored.subarray(0, 1));
    });
    const second = await stand(directory);
    second.engine.write([{ partition: 1, key: other, row: undefined }], 2);
    second.engine.write([{ partition: 1, key: other, row: new Uint8Array(1) }], 3);
    const { entries } = second.engine.scan(1, undefined, 9);
    assert.deepEqual(
      entries.map(({ key }) => key),
      [one, other],
    );
    await closed(second);
  }
});

test("level engine: a damaged place in the list is written anew by the scan that meets it", async () => {
  const directory = temporaryDirectory();
  const keys = ["one", "two", "three"].map((name) => keyOf("b", name));
  const first = await stand(directory);
  for (const key of keys) {
    first.engine.write([{ partition: 1, key, row: new Uint8Array(5) }], 1);
  }
  await closed(first);
  await put(directory, "\x00\x01\x00\x00\x00\x00\x01", (stored) => stored.fill(1));
  const listed = ({ engine }: EngineUnderTest): readonly string[] =>
    engine.scan(1, undefined, 9).entries.map(({ key }) => key);
  const second = await stand(directory);
  assert.deepEqual(listed(second), [keys[0], keys[2]]);
  for (let turns = 0; turns < 10_000 && listed(second).length < 3; turns++) {
    await new Promise((turn) => setImmediate(turn));
  }
  assert.deepEqual(listed(second), keys);
  second.engine.write([{ partition: 1, key: keys[0]!, row: new Uint8Array(6) }], 2);
  await closed(second);
  const third = await stand(directory);
  assert.deepEqual(listed(third), keys);
  await closed(third);
});

test("level engine: a directory is opened once", async () => {
  const directory = temporaryDirectory();
  const first = await stand(directory);
  await assert.rejects(LevelEngine.open(directory));
  await closed(first);
});

test("level engine: files without the one that names them are refused, not taken for none", async () => {
  const directory = temporaryDirectory();
  const key = keyOf("b", "k");
  const first = await stand(directory);
  first.engine.write([{ partition: 1, key, row: new Uint8Array(5) }], 1);
  await closed(first);
  renameSync(join(directory, "CURRENT"), join(directory, "elsewhere"));
  await assert.rejects(LevelEngine.open(directory));
  renameSync(join(directory, "elsewhere"), join(directory, "CURRENT"));
  const second = await stand(directory);
  assert.deepEqual(second.engine.get(1, key), new Uint8Array(5));
  await closed(second);
});
