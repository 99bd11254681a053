import assert from "node:assert/strict";
import { test } from "node:test";
import { LogStory, TINY_SIZES } from "./log-story.ts";

function live(story: LogStory, steps: number): void {
  for (let step = 0; step < steps; step++) {
    const { random } = story;
    if (random.chance(0.7)) story.writeDrawn();
    if (random.chance(0.5)) story.engine.flush();
    if (random.chance(0.6)) story.settle(random.integer(6));
    if (random.chance(0.3)) story.engine.work(random.integer(8192));
    if (random.chance(0.02)) story.checkNow();
    if (random.chance(0.01)) story.rest();
    assert.equal(story.failure, undefined);
  }
}

for (const sync of ["always", "later"] as const) {
  test(`log engine, ${sync}: no crash of the process loses or brings back anything`, () => {
    for (let seed = 0; seed < 60; seed++) {
      const story = new LogStory(`kill ${sync} ${seed}`, sync);
      for (let life = 0; life < 8; life++) {
        assert.equal(story.open(), undefined);
        story.checkRecovered();
        live(story, story.random.integer(250));
        if (story.random.chance(0.2)) story.close();
        story.kill();
      }
    }
  });
}

test("log engine, always: no crash of the machine loses or brings back anything", () => {
  for (let seed = 0; seed < 120; seed++) {
    const story = new LogStory(`crash ${seed}`);
    for (let life = 0; life < 8; life++) {
      assert.equal(story.open(), undefined);
      story.checkRecovered();
      assert.equal(story.engine.findings.lostPlaces, 0, "the end of a write was taken for rot");
      live(story, story.random.integer(250));
      if (story.random.chance(0.2)) story.close();
      if (story.random.chance(0.3)) story.kill();
      else story.crash();
    }
  }
});

test("log engine: killed at any step of a compaction, then without power, it loses nothing", () => {
  for (let steps = 0; steps < 30; steps++) {
    for (let seed = 0; seed < 6; seed++) {
      const story = new LogStory(`compaction ${steps} ${seed}`);
      assert.equal(story.open(), undefined);
      for (let i = 0; i < 60; i++) {
        story.write([[0, `key ${i % 25}`, new Uint8Array(150).fill(i)]]);
        story.engine.flush();
        story.settle();
      }
      for (let i = 0; i < steps; i++) {
        story.engine.work(1 << 20);
        story.settle(1);
      }
      story.kill();
      assert.equal(story.open(), undefined);
      story.checkRecovered();
      story.crash();
      assert.equal(story.open(), undefined);
      assert.equal(
        story.engine.findings.lostPlaces,
        0,
        `killed after ${steps} steps, seed ${seed}`,
      );
      story.checkRecovered();
    }
  }
});

test("log engine: killed at any two steps of beginning segments, it neither loses nor doubts", () => {
  const sizes = { ...TINY_SIZES, segmentBytes: 300 };
  for (let first = 0; first < 16; first++) {
    for (let second = 0; second < 16; second++) {
      const story = new LogStory(`steps ${first} ${second}`, "always", sizes);
      for (const steps of [first, second, first]) {
        assert.equal(story.open(), undefined);
        assert.equal(story.engine.findings.lostPlaces, 0, `killed after ${first}, ${second} steps`);
        story.checkRecovered();
        // Two segments full, and the next one begun up to some step.
        for (let i = 0; i < 6; i++) {
          story.write([[0, `key ${i}`, new Uint8Array(60).fill(i + steps)]]);
          story.engine.flush();
          story.settle();
        }
        story.write([[0, "last", Uint8Array.of(steps)]]);
        story.engine.flush();
        story.settle(steps);
        story.kill();
      }
      assert.equal(story.open(), undefined);
      story.checkRecovered();
    }
  }
});
