import assert from "node:assert/strict";
import { test } from "node:test";
import { Promptness } from "./promptness.ts";

const OTHER_MS = 1;

/** As many answers as it takes for the mean, one a millisecond; answers when the last one came. */
function answered(promptness: Promptness, from: number, elapsedMs: number): number {
  let now = from;
  for (let answers = 0; answers < 100; answers++) {
    now = from + answers;
    promptness.onSent(now - elapsedMs);
    promptness.onAnswered(now, elapsedMs);
  }
  return now;
}

/** As a client asks before each request. */
function isLeftAlone(promptness: Promptness, now: number, otherMs = OTHER_MS): boolean {
  return promptness.isInDoubt(now) && promptness.isLeftAlone(now, otherMs);
}

test("one that takes as long as the others is never in doubt", () => {
  const promptness = new Promptness();
  const now = answered(promptness, 1_000, 2);
  assert.equal(promptness.isInDoubt(now), false);
  assert.ok(Math.abs(promptness.expectedMs(now) - 2) < 0.01);
});

test("one that is much slower than another is left alone, if it stays so for a moment", () => {
  const promptness = new Promptness();
  const now = answered(promptness, 1_000, 40);
  assert.equal(isLeftAlone(promptness, now), false);
  assert.equal(isLeftAlone(promptness, now + 9), false);
  assert.equal(isLeftAlone(promptness, now + 10), true);
  assert.ok(promptness.isSlow);
});

test("when the others are as slow, or there are none, nobody is left alone", () => {
  for (const otherMs of [12, Infinity]) {
    const promptness = new Promptness();
    const now = answered(promptness, 1_000, 40);
    for (let ms = 0; ms < 50; ms++) {
      assert.equal(isLeftAlone(promptness, now + ms, otherMs), false);
    }
  }
});

test("one that stands still is left alone after some milliseconds, and not while it is unasked", () => {
  const promptness = new Promptness();
  const now = answered(promptness, 1_000, 1);
  assert.equal(isLeftAlone(promptness, now + 1_000), false);
  promptness.onSent(now + 1_000);
  assert.equal(isLeftAlone(promptness, now + 1_010), false);
  assert.equal(isLeftAlone(promptness, now + 1_011), false);
  assert.equal(isLeftAlone(promptness, now + 1_021), true);
});

test("a doubt that answers have removed begins anew", () => {
  const promptness = new Promptness();
  const now = answered(promptness, 1_000, 1);
  promptness.onSent(now);
  promptness.onSent(now);
  assert.equal(isLeftAlone(promptness, now + 15), false);
  promptness.onAnswered(now + 16, 16);
  assert.equal(isLeftAlone(promptness, now + 17), false);
  assert.equal(isLeftAlone(promptness, now + 30), false);
});

test("it is tried with one request, then left alone twice as long; a quick answer brings it back", () => {
  const promptness = new Promptness();
  let now = answered(promptness, 1_000, 40);
  isLeftAlone(promptness, now);
  now += 10;
  assert.equal(isLeftAlone(promptness, now), true);
  for (const aloneMs of [500, 1_000, 2_000, 4_000, 8_000, 8_000]) {
    assert.equal(isLeftAlone(promptness, now + aloneMs - 1), true);
    now += aloneMs;
    assert.equal(isLeftAlone(promptness, now), false, `a trial after ${aloneMs} ms`);
    promptness.onSent(now);
    assert.equal(isLeftAlone(promptness, now), true, "only one");
    promptness.onAnswered(now + 40, 40);
    assert.equal(isLeftAlone(promptness, now + 40), true);
  }
  now += 8_000;
  assert.equal(isLeftAlone(promptness, now), false);
  promptness.onSent(now);
  promptness.onAnswered(now + 2, 2);
  assert.equal(promptness.isSlow, false);
  assert.equal(isLeftAlone(promptness, now + 2), false);
});

test("what was asked before it was left alone is no trial", () => {
  const promptness = new Promptness();
  let now = answered(promptness, 1_000, 40);
  isLeftAlone(promptness, now);
  now += 10;
  promptness.onSent(now);
  assert.equal(isLeftAlone(promptness, now), true);
  promptness.onAnswered(now + 1, 1);
  assert.ok(promptness.isSlow);
});

test("what is lost or called off is not waited for", () => {
  const promptness = new Promptness();
  const now = answered(promptness, 1_000, 1);
  promptness.onSent(now);
  promptness.onForgotten();
  assert.equal(promptness.isInDoubt(now + 100), false);
  promptness.onSent(now);
  promptness.onLost();
  promptness.onForgotten();
  assert.equal(promptness.isInDoubt(now + 100), false);
});
