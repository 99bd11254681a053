import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "./backoff.ts";

test("backoff: the range doubles up to the largest, and starts again after a success", () => {
  const backoff = new Backoff({ msMin: 50, msMax: 1_000 }, () => 1);
  const waits = Array.from({ length: 7 }, () => backoff.next());
  assert.deepEqual(waits, [50, 100, 200, 400, 800, 1_000, 1_000]);
  backoff.reset();
  assert.equal(backoff.next(), 50);
});

test("backoff: a wait is drawn from the whole range, and is never nothing", () => {
  let draw = 0;
  const backoff = new Backoff({ msMin: 100, msMax: 100 }, () => draw);
  assert.equal(backoff.next(), 10);
  draw = 0.5;
  assert.equal(Math.round(backoff.next()), 55);
});

test("backoff: a thousand failures are as long a wait as twenty", () => {
  const backoff = new Backoff({ msMin: 1, msMax: 1_000 }, () => 1);
  for (let failure = 0; failure < 1_100; failure++) backoff.next();
  assert.equal(backoff.next(), 1_000);
});
