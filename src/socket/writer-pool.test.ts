import assert from "node:assert/strict";
import { test } from "node:test";
import { WriterPool } from "./writer-pool.ts";

test("writer pool: what was given back is taken again, empty", () => {
  const pool = new WriterPool();
  const writer = pool.take();
  writer.raw(new Uint8Array(100_000));
  pool.give(writer);
  const again = pool.take();
  assert.equal(again, writer);
  assert.equal(again.length, 0);
  assert.notEqual(pool.take(), writer);
});

test("writer pool: it keeps a bounded number of bytes", () => {
  const pool = new WriterPool();
  const writers = Array.from({ length: 100 }, () => pool.take());
  for (const writer of writers) {
    writer.raw(new Uint8Array(1024 * 1024));
    pool.give(writer);
  }
  let keptBytes = 0;
  for (let count = 0; count < 100; count++) {
    const writer = pool.take();
    if (writers.includes(writer)) keptBytes += writer.bytes.length;
  }
  assert.ok(keptBytes > 0 && keptBytes <= 32 * 1024 * 1024, `${keptBytes} bytes`);
});
