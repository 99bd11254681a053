/**
 * Runs drawn from seeds, checked by rules that hold of every run, and the bugs that each rule must
 * find. `npm test -- membership --seeds 1000` goes five times as far.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MEMBER_BUGS } from "#src/sim/membership/member-bugs.ts";
import type { MemberBug } from "#src/sim/membership/member-bugs.ts";
import { runMemberStory } from "#src/sim/membership/member-story.ts";

const SEEDS = Math.ceil(Number(process.env["GRAMME_TEST_SEEDS"] ?? 200) / 5);
/** The rarest of the bugs shows in one run of ten. */
const BUG_SEEDS_MAX = 30;

test(`${SEEDS} runs drawn from seeds break no rule`, () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    assert.deepEqual(runMemberStory(seed), [], `seed ${seed}`);
  }
});

for (const [name, bug] of MEMBER_BUGS) {
  test(`${bug.rule} finds ${name}: ${bug.description}`, (t) => {
    const seed = firstFound(bug);
    assert.ok(seed !== undefined, `not found in ${BUG_SEEDS_MAX} seeds`);
    t.diagnostic(`found by seed ${seed}`);
  });
}

test("every rule has a planted bug to find", () => {
  const rules = new Set([...MEMBER_BUGS.values()].map(({ rule }) => rule));
  assert.deepEqual([...rules].toSorted(), ["M1", "M2", "M3", "M4", "M5", "M6"]);
});

function firstFound({ apply, rule }: MemberBug): number | undefined {
  const undo = apply();
  try {
    for (let seed = 1; seed <= BUG_SEEDS_MAX; seed++) {
      if (runMemberStory(seed).some((finding) => finding.rule === rule)) return seed;
    }
    return undefined;
  } finally {
    undo();
  }
}
