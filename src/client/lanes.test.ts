import assert from "node:assert/strict";
import { test } from "node:test";
import { LANES, throughLanes } from "./lanes.ts";

test("results stand in the order of the items, and only so many are open", async () => {
  let open = 0;
  let openMax = 0;
  const items = Array.from({ length: 1_000 }, (_, index) => index);
  const results = await throughLanes(items, async (item) => {
    openMax = Math.max(openMax, ++open);
    await new Promise(setImmediate);
    open--;
    return item * 2;
  });
  assert.deepEqual(
    results,
    items.map((item) => item * 2),
  );
  assert.equal(openMax, LANES);
});

test("no items, no results", async () => {
  assert.deepEqual(await throughLanes([], async () => 1), []);
});

test("after the first rejection nothing more is started", async () => {
  let started = 0;
  const items = Array.from({ length: 1_000 }, (_, index) => index);
  const run = throughLanes(items, async (item) => {
    started++;
    await new Promise(setImmediate);
    if (item === 0) throw new Error("no");
  });
  await assert.rejects(run, /no/);
  await new Promise(setImmediate);
  assert.ok(started <= LANES * 2, `${started} were started`);
});
