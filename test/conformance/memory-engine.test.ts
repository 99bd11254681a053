import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { keyOf } from "#src/core/ring/key.ts";
import { MemoryEngine } from "#src/core/storage/memory-engine.ts";
import { testEngine } from "./engine.ts";

const NOBODY = { completed: () => {}, failed: () => {} };

testEngine("memory engine", (events) => ({
  engine: new MemoryEngine(events),
  settle: () => {},
}));

test("memory engine: closed, it holds nothing", () => {
  const engine = new MemoryEngine(NOBODY);
  engine.write([{ partition: 0, key: keyOf("b", "k"), row: new Uint8Array(9) }], 1);
  engine.close(() => {});
  assert.deepEqual(engine.stats(), { keys: 0, bytes: 0 });
  assert.equal(engine.get(0, keyOf("b", "k")), undefined);
  assert.deepEqual(engine.scan(0, undefined, 1).entries, []);
});

test("memory engine: a few rows among many overwritten ones do not keep the memory of those", () => {
  const engine = new MemoryEngine(NOBODY);
  let token = 0;
  const write = (text: string): void => {
    const row = new Uint8Array(1024);
    engine.write([{ partition: 0, key: keyOf("b", text), row }], ++token);
  };
  // Each key is written for a while, as long as 256 KiB last, and then never again.
  for (let step = 0; step < 40_000; step++) write(`key ${step >> 8}`);
  const rows = engine.scan(0, undefined, 1000).entries.map(({ row }) => row);
  const arrays = new Set(rows.map(({ buffer }) => buffer));
  let held = 0;
  for (const array of arrays) held += array.byteLength;
  const { bytes } = engine.stats();
  assert.ok(held < 4 * bytes + 1024 * 1024, `${held} bytes are held for ${bytes}`);
});

test("memory engine: rows that are removed do not keep their memory, nor that of others", () => {
  const engine = new MemoryEngine(NOBODY);
  const write = (text: string, row: Uint8Array | undefined): void =>
    engine.write([{ partition: 0, key: keyOf("b", text), row }], 0);
  for (let i = 0; i < 20_000; i++) write(`key ${i}`, new Uint8Array(1024).fill(i));
  // One row stays in each slab.
  for (let i = 0; i < 20_000; i++) if (i % 250 !== 0) write(`key ${i}`, undefined);
  const { entries } = engine.scan(0, undefined, 1000);
  assert.equal(entries.length, 80);
  for (let i = 0; i < 80; i++) {
    assert.deepEqual(
      engine.get(0, keyOf("b", `key ${i * 250}`)),
      new Uint8Array(1024).fill(i * 250),
    );
  }
  const arrays = new Set(entries.map(({ row }) => row.buffer));
  let held = 0;
  for (const array of arrays) held += array.byteLength;
  const { bytes } = engine.stats();
  assert.ok(held < 4 * bytes + 1024 * 1024, `${held} bytes are held for ${bytes}`);
});

test("memory engine: overwriting for ever behind one row that stays takes no more memory", async () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  // Buffers are given back beside the program: it takes turns until all of them are.
  const collect = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const engine = new MemoryEngine(NOBODY);
  const write = (text: string, size: number): void => {
    engine.write([{ partition: 0, key: keyOf("b", text), row: new Uint8Array(size) }], 0);
  };
  // Enough rows that stay: the slabs as a whole are never worth emptying.
  for (let i = 0; i < 2_000; i++) write(`stays ${i}`, 4_000);
  for (let i = 0; i < 600; i++) {
    write(`hot ${i % 100}`, 1_000);
    if (i === 450) write("stays alone", 1_000);
  }
  await collect();
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 60_000; i++) write(`hot ${i % 100}`, 1_000);
  await collect();
  const grown = process.memoryUsage().arrayBuffers - before;
  assert.ok(grown < 16 * 1024 * 1024, `${grown} bytes more after 60 MB of overwriting`);
});
