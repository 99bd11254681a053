import assert from "node:assert/strict";
import { test } from "node:test";
import { keyOf } from "#src/core/ring/key.ts";
import { MemoryEngine } from "#src/core/storage/memory-engine.ts";
import { testEngine } from "./engine.ts";

testEngine("memory engine", (completed) => ({
  engine: new MemoryEngine(completed),
  settle: () => {},
}));

test("memory engine: closed, it holds nothing", () => {
  const engine = new MemoryEngine(() => {});
  engine.write([{ partition: 0, key: keyOf("b", "k"), row: new Uint8Array(9) }], 1);
  engine.close();
  assert.deepEqual(engine.stats(), { keys: 0, bytes: 0 });
  assert.equal(engine.get(0, keyOf("b", "k")), undefined);
  assert.deepEqual(engine.scan(0, undefined, 1), []);
});

test("memory engine: a few rows among many overwritten ones do not keep the memory of those", () => {
  const engine = new MemoryEngine(() => {});
  let token = 0;
  const write = (text: string): void => {
    const row = new Uint8Array(1024);
    engine.write([{ partition: 0, key: keyOf("b", text), row }], ++token);
  };
  // Each key is written for a while, as long as 256 KiB last, and then never again.
  for (let step = 0; step < 40_000; step++) write(`key ${step >> 8}`);
  const rows = engine.scan(0, undefined, 1000).map(({ row }) => row);
  const arrays = new Set(rows.map(({ buffer }) => buffer));
  let held = 0;
  for (const array of arrays) held += array.byteLength;
  const { bytes } = engine.stats();
  assert.ok(held < 4 * bytes + 1024 * 1024, `${held} bytes are held for ${bytes}`);
});
