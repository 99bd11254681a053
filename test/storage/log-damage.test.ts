import assert from "node:assert/strict";
import { test } from "node:test";
import { LogStory } from "./log-story.ts";

/** A store of some segments, everything in it durable, and closed. */
function settled(seed: string, steps = 250, removalRate = 0.25): LogStory {
  const story = new LogStory(seed);
  story.removalRate = removalRate;
  assert.equal(story.open(), undefined);
  for (let step = 0; step < steps; step++) {
    story.writeDrawn();
    story.engine.flush();
    story.settle();
    if (story.random.chance(0.2)) story.engine.work(4096);
  }
  if (story.random.chance(0.7)) story.rest();
  story.close();
  story.crash();
  return story;
}

const DAMAGES: readonly (readonly [string, (story: LogStory) => unknown])[] = [
  ["rotten sectors", ({ disk }) => disk.damage.rot()],
  ["broken sectors", ({ disk }) => disk.damage.breakSector()],
  ["truncated files", ({ disk }) => disk.damage.truncate()],
  ["lost files", ({ disk }) => disk.damage.lose()],
];

for (const [name, damage] of DAMAGES) {
  test(`log engine: ${name} are answered as damage, never as other data and never as nothing`, () => {
    let damaged = 0;
    for (let seed = 0; seed < 80; seed++) {
      const story = settled(`${name} ${seed}`);
      const times = story.random.between(1, 3);
      for (let i = 0; i < times; i++) damage(story);
      // A start that says no loses nothing either: nobody is told anything wrong.
      if (story.open() !== undefined) continue;
      damaged += story.checkHonest();
      // And it goes on: what is written now is there, through work, crashes and starts.
      for (let life = 0; life < 3; life++) {
        for (let step = 0; step < 60; step++) story.writeDrawn();
        story.rest();
        damaged += story.checkHonest();
        story.close();
        story.crash();
        assert.equal(story.open(), undefined);
        story.checkHonest();
      }
    }
    assert.ok(damaged > 0, "no damage was ever met");
  });
}

test("log engine: damage while it runs is found by reading and by compaction", () => {
  let damaged = 0;
  for (let seed = 0; seed < 80; seed++) {
    const story = new LogStory(`running damage ${seed}`);
    assert.equal(story.open(), undefined);
    for (let round = 0; round < 6; round++) {
      for (let step = 0; step < 60; step++) {
        story.writeDrawn();
        story.engine.flush();
        story.settle();
      }
      if (story.random.chance(0.5)) story.disk.damage.rot();
      else story.disk.faults.arm("write-misdirected");
      story.rest();
      damaged += story.checkHonest();
    }
    story.close();
    story.crash();
    assert.equal(story.open(), undefined);
    damaged += story.checkHonest();
  }
  assert.ok(damaged > 0, "no damage was ever met");
});

test("log engine: an overwritten row is not damaged any more", () => {
  const story = settled("overwrite", 20, 0);
  for (const { name } of story.disk.list()) {
    if (name.endsWith(".log")) story.disk.damage.rot(name, 1);
  }
  assert.equal(story.open(), undefined);
  assert.ok(story.checkHonest() > 0);
  for (let i = 0; i < 150; i++) story.write([[i % 3, `cold ${i}`, Uint8Array.of(i)]]);
  for (let partition = 0; partition < 3; partition++) {
    for (let i = 0; i < 150; i++) story.write([[partition, `cold ${i}`, Uint8Array.of(i)]]);
    for (let i = 0; i < 6; i++) story.write([[partition, `hot ${i}`, Uint8Array.of(i)]]);
  }
  story.rest();
  assert.equal(story.checkHonest(), 0);
});

test("log engine: a failed sync or append stops it, and what was acknowledged is there afterwards", () => {
  for (const fault of ["sync-failed", "append-failed"] as const) {
    for (let seed = 0; seed < 40; seed++) {
      const story = new LogStory(`${fault} ${seed}`);
      assert.equal(story.open(), undefined);
      for (let step = 0; step < 60; step++) story.writeDrawn();
      story.rest();
      story.disk.faults.arm(fault);
      for (let step = 0; step < 40; step++) {
        story.writeDrawn();
        story.engine.flush();
        if (story.random.chance(0.5)) story.settle(3);
        story.engine.work(4096);
      }
      story.settle();
      assert.match(story.failure ?? "nothing", /could not/);
      const { acknowledged } = story;
      story.engine.flush();
      story.settle();
      assert.equal(story.acknowledged, acknowledged, "something was acknowledged afterwards");
      story.disk.faults.calm();
      story.crash();
      assert.equal(story.open(), undefined);
      story.checkRecovered();
    }
  }
});

test("log engine: a full disk refuses what needs room, and compaction makes some again", () => {
  let refusals = 0;
  for (let seed = 0; seed < 30; seed++) {
    const story = new LogStory(`full ${seed}`);
    story.disk.capacityBytes = 48_000;
    assert.equal(story.open(), undefined);
    for (let step = 0; step < 600; step++) {
      story.writeDrawn();
      story.engine.flush();
      story.settle();
      story.engine.work(8192);
      if (story.failure !== undefined) break;
    }
    assert.equal(story.failure, undefined);
    story.checkNow();
    refusals += story.refusals;
    story.crash();
    assert.equal(story.open(), undefined);
    story.checkRecovered();
    // Deletes are rows that are shorter than those before them, and removals make room too.
    const before = story.refusals;
    for (let i = 0; i < 6; i++) {
      for (let partition = 0; partition < 3; partition++) {
        story.write([[partition, `hot ${i}`, new Uint8Array(0)]]);
        story.rest();
        story.write([[partition, `hot ${i}`, undefined]]);
        story.rest();
      }
    }
    assert.ok(story.refusals - before < 36, "no delete went through");
    story.disk.capacityBytes = Infinity;
    for (let i = 0; i < 400 && story.engine.isFull; i++) story.rest();
    assert.equal(story.engine.isFull, false, "it never noticed that there is room again");
    const refused = story.refusals;
    story.write([[0, "large", new Uint8Array(3000)]]);
    story.rest();
    assert.equal(story.refusals, refused);
    story.checkNow();
  }
  assert.ok(refusals > 0, "nothing was ever refused");
});
