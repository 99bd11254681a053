/**
 * The ways a counter goes backwards, and with it an acknowledged write: stories first told of Riak.
 *
 * In each of them a node forgets what it once knew of a key and then coordinates a put. If it gave
 * that put a dot which it had given out before, those who have seen the first dot drop the second
 * value unread. The checkers watch every story to its end; the assertions say what a client must
 * find.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PLANTED_BUGS } from "#src/sim/planted/index.ts";
import { Story } from "../support/story.ts";

/** A coordinator that lost the key adds a value beside those it forgot. */
function dataloss(): void {
  const story = new Story();
  const mode = { mode: "siblings" } as const;
  story.put("n1", "phil", mode);
  story.put("n1", "bob", mode);
  story.forgets("n1");
  story.put("n1", "jon", mode);
  assert.deepEqual(story.ends(mode), ["bob", "jon", "phil"]);
}

/** An old copy of its own past does not make a node repeat the rest. */
function dataloss_fb(): void {
  const story = new Story();
  story.connectOnly("n1", "n2");
  story.put("n1", "bob");
  story.connectOnly("n1", "n3");
  story.put("n1", "jim");
  story.put("n1", "joe");
  story.forgets("n1");
  story.connectOnly("n1", "n2");
  // Read repair brings back the first dot of three.
  const { context } = story.get("n1");
  story.put("n1", "anne", { context });
  story.connectAll();
  assert.deepEqual(story.ends(), ["anne", "joe"]);
}

/** Neither does one that came while it held only what others wrote. */
function dataloss_fb2(): void {
  const story = new Story({ nodes: 4, replicas: 4 });
  const two = { r: 2, w: 2 };
  story.connectOnly("n1", "n4");
  story.put("n1", "alice", two);
  story.connectOnly("n1", "n3");
  story.put("n1", "bob", two);
  story.put("n1", "charlie", two);
  story.connectOnly("n2");
  story.put("n2", "dave", { w: 1 });
  story.forgets("n1");
  story.connectOnly("n1", "n2");
  story.get("n2", two);
  story.connectOnly("n1", "n4");
  story.get("n1", two);
  story.put("n1", "emma", two);
  story.connectAll();
  assert.deepEqual(story.ends(), ["charlie", "emma"]);
}

/** A deletion that arrives late does not delete the key that was created again meanwhile. */
function tombstone(): void {
  const story = new Story();
  for (const value of ["bob", "phil", "pete"]) story.put("n1", value);
  story.sim.network.hold("n1", "n3");
  story.delete("n1");
  story.forgets("n1");
  story.forgets("n2");
  story.put("n1", "jon");
  story.sim.network.release("n1", "n3");
  story.sim.runFor(20);
  assert.deepEqual(story.ends(), ["jon"]);
}

/**
 * Nor does the tombstone of an owner that was down while the others forgot it, and that a read
 * repairs from.
 */
function tombstone2(): void {
  const story = new Story();
  for (const value of ["bob", "phil", "pete"]) story.put("n1", value);
  story.delete("n1", { w: "all" });
  story.sim.node("n3").crash();
  story.forgets("n1");
  story.forgets("n2");
  story.put("n1", "jon");
  story.sim.node("n3").restart();
  story.connectOnly("n2", "n3");
  assert.deepEqual(story.get("n2").entry.returned, ["jon"]);
  story.connectAll();
  assert.deepEqual(story.ends(), ["jon"]);
}

/** No two nodes, and no two lives of one without its disk, are one actor. */
function uid(): void {
  const story = new Story();
  const actors: string[] = [];
  story.sim.observe({
    onFact: (_node, fact) => {
      if (fact.kind === "dot-minted") actors.push(`${fact.high}/${fact.low}`);
    },
  });
  for (const node of story.sim.nodes) story.put(node, `by ${node}`);
  story.sim.node("n1").crash();
  story.sim.node("n1").restart("new-identity");
  story.sim.runFor(20);
  const { context } = story.get("n1");
  story.put("n1", "by n1 again", { context });
  assert.equal(new Set(actors).size, 4);
  assert.deepEqual(story.ends(), ["by n1 again"]);
}

const STORIES = { dataloss, dataloss_fb, dataloss_fb2, tombstone, tombstone2, uid };
for (const [name, story] of Object.entries(STORIES)) test(`kv679_${name}`, story);

for (const [bug, names] of Object.entries({
  "epochs-unused": ["dataloss", "dataloss_fb", "dataloss_fb2", "tombstone", "tombstone2"],
  "reserved-epoch-ignored": ["dataloss_fb", "dataloss_fb2"],
} as const)) {
  test(`each of them ends badly when a rule is left out: ${bug}`, () => {
    const undo = PLANTED_BUGS.get(bug)!.apply();
    try {
      for (const name of names) assert.throws(STORIES[name], `kv679_${name} ended well`);
    } finally {
      undo();
    }
  });
}
