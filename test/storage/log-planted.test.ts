/** The account of `log-story.ts` must catch a disk and an engine that lie. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disk } from "#src/core/storage/disk.ts";
import { HintWriter } from "#src/core/storage/log/hint-file.ts";
import { REMOVED_LENGTH } from "#src/core/storage/log/log-index.ts";
import { Segments } from "#src/core/storage/log/segments.ts";
import { patchMethod, type Undo } from "#src/sim/planted/patch.ts";
import { LogStory, TINY_SIZES } from "./log-story.ts";

/** Lives and crashes until the account objects; answers what it said. */
function caught(name: string, wrap: (disk: Disk) => Disk): string {
  for (let seed = 0; seed < 60; seed++) {
    const story = new LogStory(`${name} ${seed}`, "always", TINY_SIZES, wrap);
    try {
      for (let life = 0; life < 6; life++) {
        const problem = story.open();
        if (problem !== undefined) return problem;
        story.checkRecovered();
        for (let step = 0; step < 150; step++) {
          story.writeDrawn();
          story.engine.flush();
          if (story.random.chance(0.5)) story.settle(story.random.integer(8));
          story.engine.work(4096);
          if (story.random.chance(0.02)) story.disk.faults.arm("sync-failed");
          if (story.failure !== undefined) break;
        }
        story.crash();
        story.disk.faults.calm();
      }
    } catch (error) {
      return (error as Error).message;
    }
  }
  return "nothing";
}

test("planted: an honest disk is not objected to, a failed sync among its faults", () => {
  assert.equal(
    caught("honest", (disk) => disk),
    "nothing",
  );
});

test("planted: acknowledging before the sync is caught", () => {
  const objection = caught("ack before sync", (disk) => ({
    ...bound(disk),
    sync: (file, answer) => disk.append(file, [], () => answer("done")),
  }));
  assert.match(objection, /missing|absent|never written|damaged/);
});

test("planted: trying a failed sync again is caught", () => {
  const objection = caught("retry after failed sync", (disk) => {
    const retry: Disk["sync"] = (file, answer) => {
      disk.sync(file, (first) => (first === "done" ? answer(first) : retry(file, answer)));
    };
    return { ...bound(disk), sync: retry };
  });
  assert.match(objection, /missing|damaged/);
});

test("planted: removing a compacted segment at once, before its rows are durable elsewhere, is caught", () => {
  // The barrier before the removal rests on syncs: here those of all but the manifest say too much.
  const objection = caught("index ahead of log", (disk) => ({
    ...bound(disk),
    sync: (file, answer) => {
      if (file.startsWith("manifest")) disk.sync(file, answer);
      else disk.append(file, [], () => answer("done"));
    },
  }));
  assert.match(objection, /missing|absent|never written|damaged/);
});

/** What the account says of lives on an honest disk. */
function caughtWith(name: string, undo: Undo): string {
  try {
    return caught(name, (disk) => disk);
  } finally {
    undo();
  }
}

test("planted: dropping removals while older segments are there is caught", () => {
  const undo = patchMethod(Segments.prototype, "isFirst", () => () => true);
  assert.match(caughtWith("removals dropped", undo), /missing|never written/);
});

test("planted: hint files without removals are caught", () => {
  const undo = patchMethod(
    HintWriter.prototype,
    "add",
    (original) =>
      function (this: HintWriter, partition, key, offset, length) {
        if (length !== REMOVED_LENGTH) original.call(this, partition, key, offset, length);
      },
  );
  assert.match(caughtWith("removals not hinted", undo), /missing|never written/);
});

function bound(disk: Disk): Disk {
  return {
    list: () => disk.list(),
    read: (file, offset, length) => disk.read(file, offset, length),
    append: (file, pieces, answer) => disk.append(file, pieces, answer),
    sync: (file, answer) => disk.sync(file, answer),
    remove: (file, from, answer) => disk.remove(file, from, answer),
  };
}
