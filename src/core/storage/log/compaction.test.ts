import assert from "node:assert/strict";
import { test } from "node:test";
import { keyOf } from "../../ring/key.ts";
import { OpenedEngine, PlainDisk } from "./plain-disk.test.ts";

const ROW = new Uint8Array(1000).fill(7);

test("compaction: writers that never rest starve neither it nor the hint files", () => {
  const disk = new PlainDisk();
  const opened = new OpenedEngine(disk);
  const hints = new Set<string>();
  const logs = new Set<string>();
  // A segment is full long before the background has made a hint file of the last one.
  for (let round = 0; round < 400; round++) {
    for (let i = 0; i < 5; i++) opened.put(0, keyOf("b", `${i}`), ROW);
    opened.settle();
    opened.engine.work(1 << 20);
    disk.settle();
    for (const name of disk.files.keys()) (name.endsWith(".hint") ? hints : logs).add(name);
  }
  const removed = [...logs].filter((name) => !disk.files.has(name)).length;
  assert.ok(removed > 20, `${removed} of ${logs.size} segments were compacted`);
  assert.ok(hints.size > 20, `${hints.size} hint files were made for ${logs.size} segments`);
});
