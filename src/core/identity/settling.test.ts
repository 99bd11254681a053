import assert from "node:assert/strict";
import { test } from "node:test";
import type { EraAnswer, SettlingVerdict } from "./settling.ts";
import { Settling } from "./settling.ts";

/** `s7`: settled, in era 7; `u7`: not settled. */
function answersOf(text: string): readonly EraAnswer[] {
  return text
    .split(" ")
    .filter((word) => word !== "")
    .map((word) => ({ era: Number(word.slice(1)), isSettled: word.startsWith("s") }));
}

const OWN_ERA = 5;

const TABLE: readonly (readonly [others: number, answers: string, gives: SettlingVerdict])[] = [
  [0, "", "keep"],
  // One other: it is more than half.
  [1, "", "wait"],
  [1, "s5", "keep"],
  [1, "s0", "keep"],
  [1, "s6", "keep"],
  [1, "s7", "give-up"],
  [1, "u6", "keep"],
  [1, "u7", "operator"],
  // Two others: half is not enough.
  [2, "s5", "wait"],
  [2, "s9", "wait"],
  [2, "s5 s6", "keep"],
  [2, "s5 s7", "give-up"],
  [2, "s5 u6", "keep"],
  [2, "s5 u7", "operator"],
  [2, "u5 u5", "keep"],
  [2, "u5 u9", "operator"],
  // Four others: three of them are enough.
  [4, "s5 s5", "wait"],
  [4, "s5 s5 s5", "keep"],
  [4, "s5 s0 s7", "give-up"],
  [4, "s5 s5 u5", "wait"],
  [4, "s5 s5 s5 u7", "give-up"],
  [4, "s5 s5 u5 u6", "keep"],
  [4, "s5 s7 u5 u5", "operator"],
  [4, "u5 u5 u5 u5", "keep"],
];

for (const [others, answers, gives] of TABLE) {
  test(`settling: of ${others} others, "${answers}" to one in era ${OWN_ERA}: ${gives}`, () => {
    assert.equal(new Settling(OWN_ERA, others).verdict(answersOf(answers)), gives);
  });
}

test("settling: more than half of the others are needed, and nobody where there are none", () => {
  const needed = [0, 1, 2, 3, 4, 5].map((others) => new Settling(0, others).needed);
  assert.deepEqual(needed, [0, 1, 2, 2, 3, 3]);
});
