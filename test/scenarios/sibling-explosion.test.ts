/**
 * How many values a key holds: as many as were put without knowing of each other, and never more.
 *
 * A store that takes one version vector for all the siblings of a key keeps every value that it
 * ever saw when two clients take turns: a hundred writes, ninety-nine siblings.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Story } from "../support/story.ts";

const SIBLINGS = { mode: "siblings" } as const;

test("a hundred interleaved read-modify-writes leave two values, one of each writer", () => {
  const story = new Story();
  let mine = story.put("n1", "mine 0", SIBLINGS);
  let theirs = story.put("n2", "theirs 0", SIBLINGS);
  for (let turn = 1; turn <= 50; turn++) {
    mine = story.put("n1", `mine ${turn}`, { ...SIBLINGS, context: mine });
    theirs = story.put("n2", `theirs ${turn}`, { ...SIBLINGS, context: theirs });
    assert.ok((story.get("n3", SIBLINGS).entry.returned ?? []).length <= 2);
  }
  assert.deepEqual(story.ends(SIBLINGS), ["mine 50", "theirs 50"]);
});

test("so do a hundred through one coordinator, which numbers the dots of both writers", () => {
  const story = new Story();
  let mine = story.put("n1", "mine 0", SIBLINGS);
  let theirs = story.put("n1", "theirs 0", SIBLINGS);
  for (let turn = 1; turn <= 50; turn++) {
    mine = story.put("n1", `mine ${turn}`, { ...SIBLINGS, context: mine });
    theirs = story.put("n1", `theirs ${turn}`, { ...SIBLINGS, context: theirs });
  }
  assert.deepEqual(story.ends(SIBLINGS), ["mine 50", "theirs 50"]);
});

test("two hundred blind puts that overwrite leave one value", () => {
  const story = new Story();
  for (let turn = 1; turn <= 200; turn++) {
    story.put(`n${(turn % 3) + 1}`, `value ${turn}`);
    story.sim.runFor(5);
  }
  assert.deepEqual(story.ends(), ["value 200"]);
});

test("two hundred blind puts beside each other stop at the limit, and none is lost", () => {
  const story = new Story();
  const stored: string[] = [];
  for (let turn = 1; turn <= 200; turn++) {
    const put = story.tries("n1", `value ${turn}`, SIBLINGS);
    if (put.entry.status === "ok") stored.push(`value ${turn}`);
    else assert.equal(put.entry.code, "TOO_MANY_SIBLINGS");
  }
  assert.equal(stored.length, story.sim.config.siblingsMax);
  assert.deepEqual(story.ends(SIBLINGS), stored.toSorted());
});

test("the refusal carries the context that mends it", () => {
  const story = new Story({ config: { siblingsMax: 3 } });
  for (const value of ["one", "two", "three"]) story.put("n1", value, SIBLINGS);
  const refused = story.tries("n1", "four", SIBLINGS);
  assert.equal(refused.entry.code, "TOO_MANY_SIBLINGS");
  story.put("n1", "all in one", { ...SIBLINGS, context: refused.context });
  assert.deepEqual(story.ends(SIBLINGS), ["all in one"]);
});

test("values that others put concurrently are never refused to a replica", () => {
  const story = new Story({ config: { siblingsMax: 2 } });
  for (const node of story.sim.nodes) {
    story.connectOnly(node);
    for (const turn of [1, 2]) story.put(node, `${node} ${turn}`, { ...SIBLINGS, w: 1 });
  }
  story.connectAll();
  const all = ["n1 1", "n1 2", "n2 1", "n2 2", "n3 1", "n3 2"];
  assert.deepEqual(story.ends(SIBLINGS), all);
});

test("a put with an old context replaces what that saw, and keeps what came since", () => {
  const story = new Story();
  const seen = story.put("n1", "first");
  story.put("n2", "since", { context: seen });
  story.put("n3", "late", { context: seen });
  assert.deepEqual(story.ends(), ["late", "since"]);
});

test("a deletion with an old context leaves what came since", () => {
  const story = new Story();
  const seen = story.put("n1", "first", SIBLINGS);
  story.put("n2", "unseen", SIBLINGS);
  story.delete("n3", { ...SIBLINGS, context: seen });
  assert.deepEqual(story.ends(SIBLINGS), ["unseen"]);
});

test("a write that arrives once more, long after the deletion, does not bring the value back", () => {
  const story = new Story();
  story.sim.network.options = {
    ...story.sim.network.options,
    lateRate: 1,
    lateMsMin: 5_000,
    lateMsMax: 5_000,
  };
  story.put("n1", "gone");
  story.sim.network.options = { ...story.sim.network.options, lateRate: 0 };
  story.delete("n2");
  story.sim.runFor(10_000);
  assert.ok(story.sim.faultCount("message-late") > 0);
  assert.deepEqual(story.ends(), []);
});
