import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "#src/core/base/random.ts";
import type { AppendAnswer } from "#src/core/storage/disk.ts";
import { runTask } from "#src/core/storage/log/disk-task.ts";
import { Reserve, RESERVE_FILE } from "#src/core/storage/log/reserve.ts";
import { QUICK_PACE } from "#src/sim/disk/disk-pace.ts";
import { SimulatedDisk } from "#src/sim/disk/simulated-disk.ts";

/** A disk whose tickets the test hands out, in the order in which they come due. */
class Stand {
  readonly #tickets: { readonly at: number; readonly ticket: number }[] = [];
  #now = 0;
  readonly disk: SimulatedDisk;

  constructor(seed: number) {
    const now = (): number => this.#now;
    this.disk = new SimulatedDisk(new Random(seed), QUICK_PACE, {
      get now() {
        return now();
      },
      complete: (delayMs, ticket) => {
        this.#tickets.push({ at: this.#now + delayMs, ticket });
        this.#tickets.sort((one, other) => one.at - other.at);
      },
      onFault: () => {},
    });
  }

  settle(count: number = Infinity): void {
    for (let i = 0; i < count; i++) {
      const next = this.#tickets.shift();
      if (next === undefined) return;
      this.#now = next.at;
      this.disk.settle(next.ticket);
    }
  }
}

test("reserve: while it looks for room it never takes that of somebody who writes", () => {
  // The whole of it fits, or half of it, or nothing.
  for (const used of [1000, 4000, 6900]) {
    for (let steps = 0; steps < 14; steps++) {
      for (let seed = 0; seed < 8; seed++) {
        const stand = new Stand(seed);
        const { disk } = stand;
        disk.capacityBytes = 10_000;
        disk.append("rows", [new Uint8Array(used)], () => {});
        stand.settle();
        const reserve = new Reserve(disk, 8192);
        runTask(reserve.fill(), () => {});
        stand.settle(steps);
        let answer: AppendAnswer | undefined = undefined;
        const append = [new Uint8Array(3000)];
        runTask(
          reserve.spend((done) => disk.append("log", append, done)),
          (result) => {
            answer = result;
          },
        );
        stand.settle();
        assert.equal(answer, "done", `${used} used, after ${steps} steps, seed ${seed}`);
        const isThere = disk.list().some(({ name }) => name === RESERVE_FILE);
        assert.equal(isThere, reserve.isKept);
      }
    }
  }
});

test("reserve: writers go on while something is moved, as long as there is enough for both", () => {
  const { disk } = new Stand(1);
  const reserve = new Reserve(disk, 8000);
  reserve.promise(4000);
  assert.equal(reserve.roomToMove, 3000);
  assert.equal(reserve.give(400), true);
  reserve.beginMove(2000);
  assert.equal(reserve.give(500), true, "a quarter of what was left is for writers");
  assert.equal(reserve.give(200), false, "and no more");
  reserve.endMove(2500);
  assert.equal(reserve.give(500), true, "what was freed is there for them too");
  reserve.beginMove(reserve.roomToMove);
  assert.equal(reserve.give(100), false, "what is moved must find its room");
  reserve.endMove(0);
  assert.equal(reserve.roomToMove, 0);
});
