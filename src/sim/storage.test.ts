import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../core/base/random.ts";
import { utf8Decode, utf8Encode } from "../core/base/utf8.ts";
import type { Key } from "../core/ring/key.ts";
import { keyOf } from "../core/ring/key.ts";
import type { RowRead } from "../core/storage/engine.ts";
import { DAMAGED } from "../core/storage/engine.ts";
import type { Settled } from "./storage.ts";
import { QUICK_DISK, SimulatedEngine } from "./storage.ts";

const KEYS = ["a", "b", "c"].map((name) => keyOf("t", name));
const [A, B] = KEYS as [Key, Key, Key];

/** A disk whose completions the test hands out by itself. */
class ByHand {
  readonly engine: SimulatedEngine;
  readonly waiting: number[] = [];
  readonly delays: number[] = [];
  now = 0;

  constructor(seed = 1) {
    const queue = {
      now: 0,
      complete: (delayMs: number, write: number): void => {
        this.delays.push(delayMs);
        this.waiting.push(write);
      },
      onStall: (): void => {},
    };
    this.engine = new SimulatedEngine(new Random(seed), QUICK_DISK, queue);
  }

  write(key: Key, value: string, token = 0): void {
    this.engine.write([{ partition: 1, key, row: utf8Encode(value) }], token);
  }

  settle(): Settled {
    return this.engine.settle(this.waiting.shift()!);
  }

  read(key: Key): string | undefined {
    return textOf(this.engine.get(1, key));
  }
}

function textOf(row: RowRead): string | undefined {
  return row === undefined || row === DAMAGED ? row : utf8Decode(row);
}

test("storage: a write is visible at once and durable when it is settled", () => {
  const disk = new ByHand();
  disk.write(A, "one", 7);
  assert.equal(disk.read(A), "one");
  assert.equal(disk.engine.durable(1, A), undefined);
  assert.ok(disk.delays[0]! > 0, "never at once");
  assert.deepEqual(disk.settle(), { token: 7, answer: "durable" });
  assert.equal(textOf(disk.engine.durable(1, A)), "one");
});

test("storage: later writes never complete before earlier ones", () => {
  const disk = new ByHand();
  for (let i = 0; i < 100; i++) disk.write(A, `${i}`);
  for (let i = 1; i < 100; i++) assert.ok(disk.delays[i]! >= disk.delays[i - 1]!);
});

test("storage: one token may stand for many writes", () => {
  const disk = new ByHand();
  disk.write(A, "one");
  disk.write(A, "two");
  disk.settle();
  assert.equal(textOf(disk.engine.durable(1, A)), "one");
});

test("storage: a crash keeps all that was durable and a prefix of the rest, and every prefix happens", () => {
  const left = new Set<string>();
  for (let seed = 0; seed < 100; seed++) {
    const disk = new ByHand(seed);
    disk.write(A, "durable");
    disk.settle();
    disk.write(A, "1");
    disk.write(B, "2");
    disk.write(A, "3");
    disk.engine.crash();
    left.add(`${disk.read(A)} ${disk.read(B)}`);
    assert.equal(textOf(disk.engine.durable(1, A)), disk.read(A), "what a crash left is durable");
  }
  assert.deepEqual([...left].sort(), ["1 2", "1 undefined", "3 2", "durable undefined"]);
});

test("storage: a stop in order keeps everything, an empty disk nothing", () => {
  const disk = new ByHand();
  disk.write(A, "one");
  disk.engine.settleAll();
  disk.engine.crash();
  assert.equal(disk.read(A), "one");
  disk.engine.wipe();
  assert.equal(disk.read(A), undefined);
  assert.deepEqual(disk.engine.stats(), { keys: 0, bytes: 0 });
});

test("storage: a damaged row cannot be read until it is written, and a crash can bring the damage back", () => {
  const disk = new ByHand(3);
  assert.equal(disk.engine.damage(1, A), false, "there is no row to damage");
  disk.write(A, "one");
  disk.settle();
  assert.equal(disk.engine.damage(1, A), true);
  assert.equal(disk.engine.get(1, A), DAMAGED);
  assert.deepEqual(disk.engine.scan(1, undefined, 10).entries, []);
  disk.write(A, "two");
  assert.equal(disk.read(A), "two");
  assert.equal(disk.engine.durable(1, A), DAMAGED);
});

test("storage: a full disk stores nothing and says so in its turn, and goes on reading", () => {
  const disk = new ByHand();
  disk.write(A, "one", 1);
  disk.engine.isFull = true;
  disk.write(A, "two", 2);
  disk.write(B, "two", 3);
  assert.equal(disk.read(A), "one");
  assert.equal(disk.read(B), undefined);
  disk.engine.isFull = false;
  disk.write(A, "three", 4);
  const answers = [1, 2, 3, 4].map(() => disk.settle());
  assert.deepEqual(
    answers.map(({ token, answer }) => `${token} ${answer}`),
    ["1 durable", "2 full", "3 full", "4 durable"],
  );
  assert.equal(textOf(disk.engine.durable(1, A)), "three");
  disk.engine.isFull = true;
  disk.write(A, "four");
  disk.engine.crash();
  assert.equal(disk.read(A), "three", "a crash has nothing of it to take back");
});

test("storage: an empty disk has room", () => {
  const disk = new ByHand();
  disk.engine.isFull = true;
  disk.engine.wipe();
  disk.write(A, "one");
  assert.equal(disk.read(A), "one");
});

test("storage: a scan goes through a partition in the order of keys, a slice at a time", () => {
  const disk = new ByHand();
  for (const key of KEYS.toReversed()) disk.write(key, key);
  const first = disk.engine.scan(1, undefined, 2);
  const rest = disk.engine.scan(1, first.next, 2);
  const keys = [first, rest].map(({ entries }) => entries.map(({ key }) => key));
  assert.deepEqual(keys, [KEYS.slice(0, 2), KEYS.slice(2)]);
  assert.equal(rest.next, undefined);
  assert.deepEqual(disk.engine.scan(2, undefined, 2), { entries: [], next: undefined });
});
