/** A scrub finds what rots at rest, before anybody asks, and never more than that. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ScrubResult } from "#src/core/storage/log/scrub.ts";
import { LogStory } from "./log-story.ts";

/** A store of some segments with everything in it durable, and hint files where they belong. */
function filled(seed: string, steps = 250): LogStory {
  const story = new LogStory(seed);
  assert.equal(story.open(), undefined);
  for (let step = 0; step < steps; step++) {
    story.writeDrawn();
    story.engine.flush();
    story.settle();
  }
  story.rest();
  return story;
}

/** Scrubs to the end; in between something may happen. */
function scrubbed(story: LogStory, meanwhile: () => void = () => {}): ScrubResult {
  let told: ScrubResult | undefined = undefined;
  story.engine.scrub((result) => {
    assert.equal(told, undefined, "told twice");
    told = result;
  });
  for (let round = 0; round < 20_000 && told === undefined; round++) {
    story.engine.work(4096);
    story.engine.flush();
    story.settle();
    meanwhile();
  }
  assert.ok(told !== undefined, "the scrub does not end");
  return told;
}

/** Segments behind which another one begins. */
function sealed(story: LogStory): readonly string[] {
  const logs = story.disk.list().filter(({ name }) => name.endsWith(".log"));
  return logs.slice(0, -1).map(({ name }) => name);
}

test("scrub: a whole store is read to its last sealed byte, and nothing is wrong with it", () => {
  const story = filled("whole");
  const files = story.disk.list().filter(({ name }) => sealed(story).includes(name));
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const result = scrubbed(story);
  assert.equal(result.segments, files.length);
  assert.ok(result.bytes >= bytes - files.length * 30 && result.bytes <= 2 * bytes);
  assert.equal(result.damagedRows, 0);
  story.checkNow();
  assert.deepEqual(scrubbed(story), result, "a second one finds the same");
});

test("scrub: it is no work that holds anybody up, and who asks meanwhile shares it", () => {
  const story = filled("shared");
  const told: ScrubResult[] = [];
  story.engine.scrub((result) => told.push(result));
  story.engine.scrub((result) => {
    told.push(result);
    story.engine.scrub((next) => told.push(next));
  });
  for (let round = 0; round < 1000 && told.length < 3; round++) {
    assert.equal(story.engine.work(1 << 20), false);
  }
  assert.equal(told.length, 3);
  assert.deepEqual(told[0], told[1]);
});

for (const damage of ["rot", "breakSector"] as const) {
  test(`scrub: what ${damage} took from current rows is known afterwards, and nothing else`, () => {
    let found = 0;
    for (let seed = 0; seed < 60; seed++) {
      const story = filled(`${damage} ${seed}`);
      const files = sealed(story);
      for (let i = story.random.between(1, 4); i > 0; i--) {
        story.disk.damage[damage](story.random.pick(files));
      }
      const { bytes: before } = story.engine.stats();
      const { damagedRows } = scrubbed(story);
      found += damagedRows;
      const { bytes: after } = story.engine.stats();
      const damaged = story.checkHonest();
      if (damaged === 0) assert.equal(after, before);
      // Compaction reads in pieces that are larger than a sector, and may come first.
      if (damage === "rot") assert.equal(damaged, damagedRows);
      else assert.ok(damaged >= damagedRows);
      assert.equal(story.engine.stats().bytes, after, "a reader found what the scrub did not");
      assert.equal(scrubbed(story).damagedRows, 0, "one row is counted once");
      // And a start finds no less.
      story.rest();
      story.close();
      story.crash();
      assert.equal(story.open(), undefined);
      assert.ok(story.checkHonest() >= damaged);
    }
    assert.ok(found > 20, `${found} damaged rows`);
  });
}

test("scrub: among writes, compactions and damage it ends, and no good row is called damaged", () => {
  for (let seed = 0; seed < 40; seed++) {
    const story = filled(`busy ${seed}`);
    const isDamaged = seed % 2 === 1;
    scrubbed(story, () => {
      if (story.random.chance(0.5)) story.writeDrawn();
      const files = sealed(story);
      if (isDamaged && files.length > 0 && story.random.chance(0.05)) {
        story.disk.damage.rot(story.random.pick(files));
      }
    });
    story.rest();
    if (isDamaged) story.checkHonest();
    else story.checkNow();
  }
});

test("scrub: a hint file that has rotted is written anew", () => {
  const story = filled("hint");
  const hint = story.disk.list().find(({ name }) => name.endsWith(".hint"))!.name;
  const before = story.disk.read(hint, 0, Infinity);
  story.disk.damage.rot(hint, 0);
  assert.notDeepEqual(story.disk.read(hint, 0, Infinity), before);
  scrubbed(story);
  story.rest();
  assert.deepEqual(story.disk.read(hint, 0, Infinity), before);
  story.checkNow();
});

test("scrub: one that is under way is given up when the engine closes", () => {
  const story = filled("closed");
  story.engine.scrub(() => assert.fail("told after the end"));
  story.engine.work(4096);
  story.close();
  for (let round = 0; round < 100; round++) story.engine.work(4096);
});
