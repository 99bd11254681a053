import assert from "node:assert/strict";
import { test } from "node:test";
import { keyOf } from "../../ring/key.ts";
import { OpenedEngine, PlainDisk } from "./plain-disk.test.ts";

const OLD = new Uint8Array(100).fill(1);
const NEW = new Uint8Array(100).fill(2);

test("hint job: what it leaves out was replaced by something durable, at whatever moment it looks", () => {
  const disk = new PlainDisk();
  const opened = new OpenedEngine(disk);
  for (let i = 0; i < 40; i++) {
    opened.put(0, keyOf("b", `${i}`), OLD);
    opened.settle();
  }
  let hasHint = false;
  for (let i = 0; i < 20; i++) {
    opened.put(0, keyOf("b", `${i}`), NEW);
    // Nobody flushes: only the job itself may wait for this write.
    opened.engine.work(1 << 20);
    disk.settle();
    const crashed = new OpenedEngine(disk.copy());
    for (let k = 0; k < 40; k++) {
      const row = crashed.engine.get(0, keyOf("b", `${k}`));
      assert.ok(row instanceof Uint8Array, `row ${k} is gone`);
    }
    hasHint ||= crashed.log.segments.get(1).hasHint;
  }
  assert.ok(hasHint, "no hint file was ever written");
});
