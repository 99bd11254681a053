/**
 * A log engine on a simulated disk, and the account of what it was given: what a crash may leave,
 * and what it may not.
 *
 * Writes have an order, and the log keeps it. So what is found after a crash must be a front part
 * of all writes, up to some place: not before the last one that was called durable, and not within
 * a write of several rows. Each key says between which places the end can be, and the account
 * checks that one place suits them all.
 */
import assert from "node:assert/strict";
import { Random } from "#src/core/base/random.ts";
import { keyOf, userKeyOf } from "#src/core/ring/key.ts";
import type { Disk } from "#src/core/storage/disk.ts";
import type { DiskAnswer } from "#src/core/storage/engine.ts";
import { DAMAGED } from "#src/core/storage/engine.ts";
import { LogEngine } from "#src/core/storage/log/log-engine.ts";
import type { LogOptions, LogSizes, SyncPolicy } from "#src/core/storage/log/log-options.ts";
import { recoverLog } from "#src/core/storage/log/log-recovery.ts";
import type { DiskFault } from "#src/sim/disk/disk-faults.ts";
import { QUICK_PACE } from "#src/sim/disk/disk-pace.ts";
import { SimulatedDisk } from "#src/sim/disk/simulated-disk.ts";

/** So small that a few hundred writes meet every border there is. */
export const TINY_SIZES: LogSizes = {
  segmentBytes: 4096,
  reserveBytes: 16_384,
  recentBytes: 2048,
  chunkBytes: 512,
};
const PARTITIONS = 3;
const NEVER = Infinity;
/** What there was of each key before the first write. */
const NOTHING: Written = { place: 0, row: undefined };

interface Ticket {
  readonly at: number;
  readonly ticket: number;
}

interface Written {
  /** The place of its write in the order of all. */
  readonly place: number;
  /** Nothing for a removal. */
  readonly row: Uint8Array | undefined;
}

/** A row of a write, or that there is to be none. */
export type StoryRow = readonly [partition: number, name: string, row: Uint8Array | undefined];

export class LogStory {
  readonly random: Random;
  readonly disk: SimulatedDisk;
  readonly faults: Map<DiskFault, number> = new Map();
  removalRate = 0.25;
  engine!: LogEngine;
  /** What the engine said when it gave up. */
  failure: string | undefined = undefined;
  readonly #sizes: LogSizes;
  readonly #sync: SyncPolicy;
  readonly #wrap: (disk: Disk) => Disk;
  #tickets: Ticket[] = [];
  #now = 0;
  #life = 0;
  #place = 0;
  /** The last place that was called durable, and what was refused. */
  #acknowledged = 0;
  readonly #refused = new Set<number>();
  /** By partition and key, in the order of the writes. */
  readonly #written = new Map<string, Written[]>();

  constructor(
    seed: string,
    sync: SyncPolicy = "always",
    sizes: LogSizes = TINY_SIZES,
    wrap: (disk: Disk) => Disk = (disk) => disk,
  ) {
    this.random = new Random(seed);
    this.#sync = sync;
    this.#sizes = sizes;
    this.#wrap = wrap;
    const now = (): number => this.#now;
    this.disk = new SimulatedDisk(this.random.fork("disk"), QUICK_PACE, {
      get now() {
        return now();
      },
      complete: (delayMs, ticket) => {
        this.#tickets.push({ at: this.#now + delayMs, ticket });
        this.#tickets.sort((one, other) => one.at - other.at);
      },
      onFault: (fault) => void this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1),
    });
  }

  /** Starts the engine on what is there. Answers the problem when it does not start. */
  open(): string | undefined {
    const life = ++this.#life;
    const disk = this.#wrap(this.disk);
    const options: LogOptions = {
      ...this.#sizes,
      sync: this.#sync,
      hashSecret: { high: life, low: 7 },
      newStore: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, life),
    };
    let problem: string | undefined = "it never answered";
    recoverLog(disk, options, (log) => {
      problem = "problem" in log ? log.problem : undefined;
      if ("problem" in log) return;
      this.failure = undefined;
      this.engine = new LogEngine(disk, options, log, {
        completed: (token, answer) => this.#onCompleted(life, token, answer),
        failed: (text) => {
          if (life === this.#life) this.failure = text;
        },
      });
    });
    this.settle();
    return problem;
  }

  /** One write of some rows. The token is its place. */
  write(rows: readonly StoryRow[]): void {
    const place = ++this.#place;
    for (const [partition, name, row] of rows) {
      const id = `${partition} ${name}`;
      const written = this.#written.get(id) ?? [];
      written.push({ place, row });
      this.#written.set(id, written);
    }
    this.engine.write(
      rows.map(([partition, name, row]) => ({ partition, key: keyOf("b", name), row })),
      place,
    );
  }

  /** A write drawn among a few hot keys and many cold ones; some of it removes them. */
  writeDrawn(): void {
    const { random } = this;
    const count = random.chance(0.1) ? random.between(2, 5) : 1;
    const rows = Array.from({ length: count }, () => {
      const name = random.chance(0.6) ? `hot ${random.integer(6)}` : `cold ${random.integer(150)}`;
      const partition = random.integer(PARTITIONS);
      if (random.chance(this.removalRate)) return [partition, name, undefined] as const;
      const length = random.chance(0.02) ? random.integer(3000) : random.integer(200);
      const row = Uint8Array.from({ length }, () => random.integer(256));
      return [partition, name, row] as const;
    });
    this.write(rows);
  }

  /** Lets so many operations of the disk come to their end. */
  settle(count: number = Infinity): void {
    for (let i = 0; i < count; i++) {
      const next = this.#tickets.shift();
      if (next === undefined) return;
      this.#now = Math.max(this.#now, next.at);
      this.disk.settle(next.ticket);
    }
  }

  /** Flushes and settles until nothing is under way, the background work included. */
  rest(): void {
    for (let round = 0; round < 2000; round++) {
      this.engine.flush();
      this.settle();
      if (!this.engine.work(1 << 20)) return;
    }
    assert.fail("the background work does not end");
  }

  close(): void {
    let isClosed = false;
    this.engine.close(() => (isClosed = true));
    this.settle();
    assert.ok(isClosed, "the engine does not close");
  }

  /** The process dies; what the system has, it keeps. */
  kill(): void {
    this.#life++;
    this.disk.kill();
    this.#tickets = [];
  }

  /** The machine dies. */
  crash(): void {
    this.#life++;
    this.disk.crash();
    this.#tickets = [];
  }

  /** Every key reads as the last write said, scans name those that have rows, and they count. */
  checkNow(): void {
    const expected = new Set<string>();
    for (const [id, written] of this.#written) {
      const row = this.#lastOf(written, NEVER)?.row;
      assert.deepEqual(this.#read(id), row, id);
      if (row !== undefined) expected.add(id);
    }
    const scanned = new Set<string>();
    for (let partition = 0; partition < PARTITIONS; partition++) {
      for (const { key } of this.engine.scan(partition, undefined, Infinity).entries) {
        scanned.add(`${partition} ${userKeyOf(key)}`);
      }
    }
    assert.deepEqual(scanned, expected);
    assert.equal(this.engine.stats().keys, expected.size);
  }

  /**
   * After a restart: a front part of all writes, with everything acknowledged in it when `atLeast`
   * says so. What is not in it never was: the account goes on from there.
   */
  checkRecovered(atLeast: number = this.#acknowledged): void {
    /** For each end of the front part, how many more keys begin or cease to suit it there. */
    const changes = new Int32Array(this.#place + 2);
    for (const [id, written] of this.#written) {
      const row = this.#read(id);
      assert.notEqual(row, DAMAGED, `${id} is damaged`);
      let isKnown = false;
      let before: Written = NOTHING;
      for (const each of [...written, { place: this.#place + 1, row: undefined }]) {
        if (this.#refused.has(each.place)) continue;
        if (isSame(before.row, row as Uint8Array | undefined)) {
          isKnown = true;
          changes[before.place]!++;
          changes[each.place]!--;
        }
        before = each;
      }
      assert.ok(isKnown, `${id} reads as something that was never written to it`);
    }
    let suited = 0;
    let end: number | undefined = undefined;
    for (let place = 0; place <= this.#place; place++) {
      suited += changes[place]!;
      if (suited === this.#written.size && place >= atLeast) end = place;
    }
    assert.ok(
      end !== undefined,
      `what is there is no front part from ${atLeast} on: a row is missing`,
    );
    this.#forgetBehind(end);
  }

  /**
   * After damage: what can be read is right, and what cannot says so. Nothing acknowledged is
   * absent or older than it was, and nothing removed is back. Answers how many keys are damaged.
   */
  checkHonest(): number {
    let damaged = 0;
    for (const [id, written] of this.#written) {
      const row = this.#read(id);
      if (row === DAMAGED) {
        damaged++;
        continue;
      }
      const least = this.#lastOf(written, this.#acknowledged) ?? NOTHING;
      const found = [NOTHING, ...written].findLast((each) => isSame(each.row, row));
      assert.ok(found !== undefined, `${id} reads as something that was never written to it`);
      const what = row === undefined ? "was acknowledged and is absent" : "is older than it was";
      assert.ok(found.place >= least.place, `${id} ${what}`);
    }
    return damaged;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  get refusals(): number {
    return this.#refused.size;
  }

  #onCompleted(life: number, token: number, answer: DiskAnswer): void {
    assert.equal(life, this.#life, "a word from an engine that is dead");
    if (answer === "full") {
      this.#refused.add(token);
      return;
    }
    assert.ok(token > this.#acknowledged, `token ${token} after ${this.#acknowledged}`);
    this.#acknowledged = token;
  }

  #forgetBehind(place: number): void {
    for (const [id, written] of this.#written) {
      this.#written.set(
        id,
        written.filter((each) => each.place <= place),
      );
    }
  }

  #lastOf(written: readonly Written[], place: number): Written | undefined {
    return written.findLast((each) => each.place <= place && !this.#refused.has(each.place));
  }

  #read(id: string): ReturnType<LogEngine["get"]> {
    const at = id.indexOf(" ");
    return this.engine.get(Number(id.slice(0, at)), keyOf("b", id.slice(at + 1)));
  }
}

function isSame(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return Buffer.compare(left, right) === 0;
}
