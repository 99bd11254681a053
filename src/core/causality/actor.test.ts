import assert from "node:assert/strict";
import { test } from "node:test";
import type { Actor } from "./actor.ts";
import { compareActors, describeActor, sameIdentity } from "./actor.ts";

const HALVES = [-(2 ** 31), -1, 0, 1, 2 ** 31 - 1];

test("actor: the order is total, by high, low, then epoch", () => {
  const actors: Actor[] = HALVES.flatMap((high) =>
    HALVES.flatMap((low) => [1, 2, 2 ** 48 - 1].map((epoch) => ({ high, low, epoch }))),
  );
  for (const [i, left] of actors.entries()) {
    for (const [j, right] of actors.entries()) {
      assert.equal(compareActors(left, right), Math.sign(i - j));
      const same = left.high === right.high && left.low === right.low;
      assert.equal(sameIdentity(left, right), same);
    }
  }
});

test("actor: is written as sixteen digits and its epoch", () => {
  assert.equal(describeActor({ high: -1, low: 0x1f, epoch: 7 }), "ffffffff0000001f/7");
});
