/**
 * L3 and L4: an overload ends with its trigger, and one slow node does not make the others slow.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { overloadStory } from "#src/sim/overload-story.ts";
import { costIgnored, limitFixed } from "#src/sim/planted/load-bugs.ts";
import { slowNodeStory } from "#src/sim/slow-node-story.ts";

const TRIGGER_MS = 10_000;
const WITHIN_MS = 30_000;
/** What is answered of what is asked, in whole percent: before, and in the last 5 s of 30. */
const GOODPUT_MIN = 0.9;

interface Goodput {
  readonly before: number;
  readonly during: number;
  readonly after: number;
}

/** An input takes a node half a millisecond; about 400 requests a second are what they can do. */
function stormed(seed: number): Goodput {
  const windows = overloadStory({
    seed,
    slowness: 10,
    usual: 150,
    most: 1_200,
    triggerMs: TRIGGER_MS,
    afterMs: WITHIN_MS,
  });
  const shares = windows.map(({ asked, succeeded }) => succeeded / asked);
  return { before: shares[2]!, during: shares[4]!, after: shares.at(-1)! };
}

test("metastable retry storm: threefold overload is over when its trigger is", (t) => {
  for (const seed of [1, 2]) {
    const { before, during, after } = stormed(seed);
    t.diagnostic(
      `seed ${seed}: ${before.toFixed(2)}, then ${during.toFixed(2)}, ${after.toFixed(2)}`,
    );
    assert.equal(before, 1);
    assert.ok(during > 0.15, "what they can do they go on doing");
    assert.ok(after >= GOODPUT_MIN * before, `${after} of what is asked`);
  }
});

test("metastable retry storm: with a limit that stays where it is, it is found to last", () => {
  const undo = limitFixed();
  try {
    const { before, after } = stormed(1);
    assert.ok(after < GOODPUT_MIN * before, `${after} of what is asked`);
  } finally {
    undo();
  }
});

test("slow node: one that is ten times as slow makes the others less than twice as slow", (t) => {
  for (const perSecond of [200, 800]) {
    const { beforeMs, whileMs, failed } = slowNodeStory({ seed: 1, perSecond });
    t.diagnostic(`${perSecond} a second: p99 ${beforeMs.toFixed(1)} ms, ${whileMs.toFixed(1)} ms`);
    assert.ok(whileMs < 2 * beforeMs, `${whileMs} ms, and ${beforeMs} ms before`);
    assert.equal(failed, 0);
  }
});

test("slow node: where nobody looks at who is slow, it is found", () => {
  const undo = costIgnored();
  try {
    const { beforeMs, whileMs } = slowNodeStory({ seed: 1, perSecond: 800 });
    assert.ok(whileMs >= 2 * beforeMs, `${whileMs} ms`);
  } finally {
    undo();
  }
});
