import assert from "node:assert/strict";
import { test } from "node:test";
import { EPOCH_WALL_MS, WallClock } from "./wall-clock.ts";

test("wall clock: off, drifting, and set by somebody", () => {
  assert.equal(new WallClock().read(1_000.9), EPOCH_WALL_MS + 1_000);
  assert.equal(new WallClock({ offsetMs: -5, driftPpm: 0 }).read(0), EPOCH_WALL_MS - 5);
  const drifting = new WallClock({ offsetMs: 0, driftPpm: 200 });
  assert.equal(drifting.read(1_000_000), EPOCH_WALL_MS + 1_000_200);
  drifting.jump(-3_600_000);
  assert.equal(drifting.read(0), EPOCH_WALL_MS - 3_600_000);
});
