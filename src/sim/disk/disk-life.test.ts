import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hash32OfString } from "../../core/base/hash.ts";
import { ByHand, pattern } from "./by-hand.test.ts";
import { DISK_FAULTS } from "./disk-faults.ts";
import { QUICK_PACE } from "./disk-pace.ts";

type Verb = "append" | "sync" | "remove" | "settle" | "kill" | "crash";
type Step = readonly [verb: Verb, file: string, amount: number];

function steps(weight: number, verb: Verb, amountMax: number): fc.WeightedArbitrary<Step> {
  const file = fc.constantFrom("a", "b", "c");
  const amount = fc.integer({ min: 0, max: amountMax });
  return { weight, arbitrary: fc.tuple(fc.constant(verb), file, amount) };
}

const STEP = fc.oneof(
  steps(6, "append", 1500),
  steps(4, "sync", 0),
  steps(1, "remove", 3000),
  steps(1, "remove", 0),
  steps(5, "settle", 6),
  steps(1, "kill", 0),
  steps(2, "crash", 0),
);

/**
 * The model: of each file, how much of its start nothing may take. A sync gives with its answer; a
 * removal takes from its asking on, since the death of the process may carry it out.
 */
class Model {
  readonly hand: ByHand;
  readonly #safe = new Map<string, Uint8Array>();
  /** How far down the removals under way reach. */
  #removals = new Map<string, number[]>();
  #salt = 0;

  constructor(seed: number) {
    this.hand = new ByHand(seed);
  }

  run(verb: Verb, file: string, amount: number): void {
    const { hand } = this;
    switch (verb) {
      case "append":
        return hand.append(file, pattern(amount, this.#salt++));
      case "sync":
        return hand.disk.sync(file, () => this.#onSynced(file));
      case "remove":
        return this.#remove(file, amount);
      case "settle":
        return hand.settle(amount);
      case "kill":
        hand.disk.kill();
        this.#removals = new Map();
        return;
      case "crash":
        hand.disk.crash();
        this.#removals = new Map();
        this.#checkTheRest();
    }
  }

  /** How many bytes were safe, and are there. */
  check(): number {
    let checked = 0;
    for (const [file, bytes] of this.#safe) {
      const found = this.hand.disk.read(file, 0, bytes.length);
      assert.deepEqual(found, bytes, `${file}: ${bytes.length} bytes were durable`);
      checked += bytes.length;
    }
    return checked;
  }

  /** What a crash left, another one leaves. */
  #checkTheRest(): void {
    const { disk } = this.hand;
    const left = disk.copy();
    disk.crash();
    assert.deepEqual(disk.copy(), left);
  }

  #onSynced(file: string): void {
    const bytes = this.hand.bytes(file);
    const reach = Math.min(...(this.#removals.get(file) ?? []), bytes.length);
    this.#safe.set(file, bytes.slice(0, reach));
  }

  #remove(file: string, from: number): void {
    const removals = this.#removals.get(file) ?? [];
    this.#removals.set(file, removals);
    removals.push(from);
    this.#safe.set(file, (this.#safe.get(file) ?? new Uint8Array(0)).slice(0, from));
    this.hand.disk.remove(file, from, () => removals.shift());
  }
}

test("disk life: whatever happens, what was synced and not removed is there", () => {
  let checked = 0;
  const lives = fc.property(
    fc.nat(),
    fc.array(STEP, { minLength: 20, maxLength: 80, size: "max" }),
    (seed, life) => {
      const model = new Model(seed);
      for (const [verb, file, amount] of life) {
        model.run(verb, file, amount);
        checked += model.check();
      }
    },
  );
  fc.assert(lives, { numRuns: 500 });
  assert.ok(checked > 100_000, `${checked} bytes were compared`);
});

/** A life with every fault, as text. */
function live(seed: string): { story: string; faults: ByHand["faults"] } {
  const hand = new ByHand(seed, { ...QUICK_PACE, stallRate: 0.1, stallMsMax: 100 });
  const { disk } = hand;
  const story: string[] = [];
  for (const fault of ["append-failed", "sync-failed", "write-misdirected"] as const) {
    disk.faults.rates = { ...disk.faults.rates, [fault]: 0.1 };
  }
  disk.faults.rates = { ...disk.faults.rates, "sector-broken": 0.05, "sector-garbled": 0.1 };
  const copy = disk.copy();
  for (let i = 0; i < 300; i++) {
    const file = `log ${i % 3}`;
    disk.slowness = i % 50 === 0 ? 3 : 1;
    disk.capacityBytes = i % 70 < 10 ? 1000 : Infinity;
    hand.append(file, pattern(37 * (i % 60), i));
    if (i % 4 === 0) hand.sync(file);
    if (i % 31 === 0) hand.remove(file, 500);
    if (i % 11 === 0) hand.remove(file);
    if (i % 5 !== 0) hand.settle(i % 7);
    if (i % 40 === 0) story.push(JSON.stringify(disk.damage.rot() ?? null));
    if (i % 90 === 0) story.push(disk.damage.truncate() ?? "-", disk.damage.lose() ?? "-");
    if (i % 37 === 36) disk.crash();
    if (i % 53 === 52) disk.kill();
    if (i === 150) disk.wipe();
    if (i === 200) disk.restore(copy);
    for (const { name: found, bytes } of disk.list()) {
      const read = disk.read(found, 0, bytes);
      story.push(
        `${i} ${found} ${typeof read === "string" ? read : hash32OfString(read.join(), 1)}`,
      );
    }
  }
  return { story: [...story, ...hand.answers, hand.now].join("\n"), faults: hand.faults };
}

test("disk life: the same seed gives the same life, and another one another", () => {
  assert.equal(live("one").story, live("one").story);
  assert.notEqual(live("one").story, live("two").story);
});

test("disk life: in a handful of lives every fault happens", () => {
  const happened = new Set(["a", "b", "c", "d"].flatMap((seed) => [...live(seed).faults.keys()]));
  assert.deepEqual(
    DISK_FAULTS.filter((fault) => !happened.has(fault)),
    [],
  );
});
