import assert from "node:assert/strict";
import { test } from "node:test";
import { Backlog } from "./backlog.ts";

test("backlog: what has no time left has expired, whoever was asleep", () => {
  const backlog = new Backlog();
  assert.equal(backlog.hasExpired(0, 0), true);
  assert.equal(backlog.hasExpired(0, 1), false);
});

test("backlog: after a sleep what has less left than half of it is not begun, for a moment", () => {
  const backlog = new Backlog();
  backlog.onLate(10_000, 2_000);
  assert.equal(backlog.hasExpired(10_000, 1_000), true);
  assert.equal(backlog.hasExpired(10_000, 1_001), false);
  assert.equal(backlog.hasExpired(10_199, 500), true);
  assert.equal(backlog.hasExpired(10_200, 500), false, "by now it has read what waited");
});

test("backlog: after a long sleep too it listens again in a moment", () => {
  const backlog = new Backlog();
  backlog.onLate(60_000, 40_000);
  assert.equal(backlog.hasExpired(60_249, 3_000), true);
  assert.equal(backlog.hasExpired(60_250, 3_000), false);
});

test("backlog: a timer that is late by a little is no sleep", () => {
  const backlog = new Backlog();
  backlog.onLate(10_000, 99);
  assert.equal(backlog.hasExpired(10_000, 1), false);
});
