import assert from "node:assert/strict";
import { test } from "node:test";
import { keyOf } from "../../ring/key.ts";
import { keysWithin } from "./keys-within.ts";
import { LogIndex } from "./log-index.ts";
import { Segment } from "./segment.ts";
import { Segments } from "./segments.ts";

test("keys within: those of the part, and none that was written again between two slices", () => {
  const segments = new Segments();
  segments.add(new Segment(1, 1));
  segments.add(new Segment(2, 100_000));
  const index = new LogIndex({ high: 1, low: 2 }, segments);
  for (let i = 0; i < 20_000; i++) index.place(i % 3, keyOf("b", `${i}`), 1, 100 * i, 100);
  const search = keysWithin(index, 1, 1000, 2000);
  assert.equal(search.next().done, false);
  index.place(0, keyOf("b", "12"), 2, 30, 100);
  let step = search.next();
  while (step.done !== true) step = search.next();
  const found = step.value.map(({ key }) => key).toSorted();
  const expected = [10, 11, 13, 14, 15, 16, 17, 18, 19].map((i) => keyOf("b", `${i}`));
  assert.deepEqual(found, expected.toSorted());
});
