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
import { keyOf } from "#src/core/ring/key.ts";
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

interface Ticket {
  readonly at: number;
  readonly ticket: number;
}

interface Written {
  /** The place of its write in the order of all. */
  readonly place: number;
  readonly row: Uint8Array;
}

export class LogStory {
  readonly random: Random;
  readonly disk: SimulatedDisk;
  readonly faults: Map<DiskFault, number> = new Map();
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
  write(rows: readonly (readonly [partition: number, name: string, row: Uint8Array])[]): void {
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

  /** A write drawn among a few hot keys and many cold ones. */
  writeDrawn(): void {
    const { random } = this;
    const count = random.chance(0.1) ? random.between(2, 5) : 1;
    const rows = Array.from({ length: count }, () => {
      const name = random.chance(0.6) ? `hot ${random.integer(6)}` : `cold ${random.integer(150)}`;
      const length = random.chance(0.02) ? random.integer(3000) : random.integer(200);
      const row = Uint8Array.from({ length }, () => random.integer(256));
      return [random.integer(PARTITIONS), name, row] as const;
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

  /** Every key reads as the last write said. */
  checkNow(): void {
    for (const [id, written] of this.#written) {
      assert.deepEqual(this.#read(id), this.#lastOf(written, NEVER)?.row, id);
    }
  }

  /**
   * After a restart: a front part of all writes, with everything acknowledged in it when `atLeast`
   * says so. What is not in it never was: the account goes on from there.
   */
  checkRecovered(atLeast: number = this.#acknowledged): void {
    let from = atLeast;
    let to = this.#place;
    for (const [id, written] of this.#written) {
      const row = this.#read(id);
      assert.notEqual(row, DAMAGED, `${id} is damaged`);
      const index = written.findLastIndex((each) => isSame(each.row, row as Uint8Array));
      const isKnown = row === undefined || index >= 0;
      assert.ok(isKnown, `${id} reads as something that was never written to it`);
      // Equal rows of one key: the last one that can be meant allows the most.
      from = Math.max(from, row === undefined ? 0 : written[index]!.place);
      const next = written.slice(index + 1).find(({ place }) => !this.#refused.has(place));
      if (next !== undefined) to = Math.min(to, next.place - 1);
    }
    assert.ok(
      from <= to,
      `what is there is from up to ${from}, and from ${to + 1} on something is missing`,
    );
    this.#forgetBehind(to);
  }

  /**
   * After damage: what can be read is right, and what cannot says so. Nothing acknowledged is
   * absent or older than it was. Answers how many keys are damaged.
   */
  checkHonest(): number {
    let damaged = 0;
    for (const [id, written] of this.#written) {
      const row = this.#read(id);
      if (row === DAMAGED) {
        damaged++;
        continue;
      }
      const least = this.#lastOf(written, this.#acknowledged);
      if (row === undefined) {
        assert.equal(least, undefined, `${id} was acknowledged and is absent`);
        continue;
      }
      const found = written.findLast((each) => isSame(each.row, row));
      assert.ok(found !== undefined, `${id} reads as something that was never written to it`);
      assert.ok(found.place >= (least?.place ?? 0), `${id} is older than what was acknowledged`);
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

function isSame(left: Uint8Array, right: Uint8Array | undefined): boolean {
  return right !== undefined && Buffer.compare(left, right) === 0;
}
