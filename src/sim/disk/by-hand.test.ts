import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../core/base/random.ts";
import { utf8Decode, utf8Encode } from "../../core/base/utf8.ts";
import type { Instant } from "../../core/effects.ts";
import type { AppendAnswer } from "../../core/storage/disk.ts";
import { UNREADABLE } from "../../core/storage/disk.ts";
import type { DiskFault } from "./disk-faults.ts";
import type { DiskPace } from "./disk-pace.ts";
import { QUICK_PACE } from "./disk-pace.ts";
import { SimulatedDisk } from "./simulated-disk.ts";

interface Waiting {
  readonly dueAt: number;
  readonly ticket: number;
}

/** A disk whose tickets the test hands out by itself, and whose answers and faults it keeps. */
export class ByHand {
  readonly disk: SimulatedDisk;
  /** What is due, soonest first, and in the order of asking for one instant. */
  readonly waiting: Waiting[] = [];
  readonly answers: string[] = [];
  readonly faults: Map<DiskFault, number> = new Map();
  now: Instant = 0;

  constructor(seed: number | string = 1, pace: DiskPace = QUICK_PACE) {
    const now = (): number => this.now;
    this.disk = new SimulatedDisk(new Random(seed), pace, {
      get now() {
        return now();
      },
      complete: (delayMs, ticket): void => {
        const dueAt = this.now + delayMs;
        const behind = this.waiting.findIndex((other) => other.dueAt > dueAt);
        this.waiting.splice(behind === -1 ? this.waiting.length : behind, 0, { dueAt, ticket });
      },
      onFault: (fault): void => {
        this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
      },
    });
  }

  append(file: string, bytes: string | Uint8Array): void {
    const piece = typeof bytes === "string" ? utf8Encode(bytes) : bytes;
    this.disk.append(file, [piece], (answer) => this.#note("append", file, answer));
  }

  sync(file: string): void {
    this.disk.sync(file, (answer) => this.#note("sync", file, answer));
  }

  remove(file: string, from = 0): void {
    this.disk.remove(file, from, (answer) => this.#note("remove", file, answer));
  }

  /** Hands out the next ticket, or everything. */
  settle(times: number = Infinity): void {
    for (let i = 0; i < times && this.waiting.length > 0; i++) {
      const { dueAt, ticket } = this.waiting.shift()!;
      this.now = dueAt;
      this.disk.settle(ticket);
    }
  }

  /** A file with these bytes, all durable. */
  put(file: string, bytes: string | Uint8Array): void {
    this.append(file, bytes);
    this.sync(file);
    this.settle();
    this.answers.length = 0;
  }

  bytes(file: string): Uint8Array {
    const bytes = this.disk.read(file, 0, Infinity);
    assert.ok(bytes !== UNREADABLE, `${file} cannot be read`);
    return bytes;
  }

  text(file: string): string {
    return utf8Decode(this.bytes(file)) ?? "no text";
  }

  names(): readonly string[] {
    return this.disk.list().map(({ name }) => name);
  }

  count(fault: DiskFault): number {
    return this.faults.get(fault) ?? 0;
  }

  #note(verb: string, file: string, answer: AppendAnswer): void {
    this.answers.push(`${verb} ${file}: ${typeof answer === "string" ? answer : answer.problem}`);
  }
}

/** So many bytes, none of them zero, and different from place to place. */
export function pattern(length: number, salt = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => 1 + ((index * 7 + salt * 31) % 255));
}

test("simulated disk: by hand, tickets come due by instant and then in the order of asking", () => {
  const hand = new ByHand(1, { ...QUICK_PACE, appendMsMean: 0, syncMsMean: 0 });
  hand.sync("slow");
  hand.append("quick", "x");
  hand.append("other", "y");
  hand.settle();
  assert.deepEqual(hand.answers, ["append quick: done", "append other: done", "sync slow: done"]);
});
