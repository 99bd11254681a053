import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../base/random.ts";
import { sipKeyOf } from "../base/siphash.ts";
import type { Digest } from "../causality/record-codec.ts";
import { ABSENT_DIGEST } from "../causality/record-codec.ts";
import type { RepairFact } from "../repair-facts.ts";
import type { Key } from "../ring/key.ts";
import { keyOf } from "../ring/key.ts";
import type { RowEntry, ScanPosition, ScanSlice } from "../storage/engine.ts";
import { DAMAGED } from "../storage/engine.ts";
import { KeyHasher } from "./key-hasher.ts";
import { MerkleTree } from "./merkle-tree.ts";
import { PartitionTrees } from "./partition-trees.ts";
import type { DigestRead, RowScan } from "./repair-store.ts";

const secret = sipKeyOf(new Uint8Array(16).fill(3));
const hasher = new KeyHasher(secret);
const PARTITION = 5;
const KEYS = 40;

function key(n: number): Key {
  return keyOf("b", `k${n}`);
}

function rowOf({ high, low }: Digest): Uint8Array {
  const row = new Uint8Array(8);
  const view = new DataView(row.buffer);
  view.setUint32(0, high);
  view.setUint32(4, low);
  return row;
}

/**
 * Rows whose scan keeps the promise of the port and nothing more: those that are written or removed
 * after it began come never, once or twice, as they are or as they once were.
 */
class UnhelpfulRows implements RowScan {
  readonly data: Map<Key, DigestRead> = new Map();
  readonly #random: Random;
  readonly #old: Map<Key, Digest> = new Map();
  #waiting: Key[] = [];
  readonly #written: Set<Key> = new Set();

  constructor(random: Random) {
    this.#random = random;
  }

  write(k: Key, after: DigestRead): DigestRead {
    const before = this.data.get(k) ?? ABSENT_DIGEST;
    if (before !== DAMAGED) this.#old.set(k, before);
    if (after === ABSENT_DIGEST) this.data.delete(k);
    else this.data.set(k, after);
    this.#written.add(k);
    return before;
  }

  rowDigest(row: Uint8Array): Digest {
    const view = new DataView(row.buffer, row.byteOffset);
    return { high: view.getUint32(0), low: view.getUint32(4) };
  }

  scan(_partition: number, from: ScanPosition | undefined, limit: number): ScanSlice {
    const random = this.#random;
    if (from === undefined) {
      this.#waiting = [...this.data.keys()];
      random.shuffle(this.#waiting);
      this.#written.clear();
    }
    const entries: RowEntry[] = [];
    const damaged: Key[] = [];
    const show = (k: Key): void => {
      const stale = random.integer(3) === 0 ? this.#old.get(k) : undefined;
      const state = this.#written.has(k) && stale !== undefined ? stale : this.data.get(k);
      if (state === DAMAGED) damaged.push(k);
      else if (state !== undefined) entries.push({ key: k, row: rowOf(state) });
    };
    for (const k of this.#waiting.splice(0, limit)) {
      if (!this.#written.has(k) || random.integer(2) === 0) show(k);
    }
    for (const k of this.#written) if (random.integer(4) === 0) show(k);
    return { entries, damaged, next: this.#waiting.length === 0 ? undefined : 1 };
  }

  tree(): MerkleTree {
    const tree = new MerkleTree(hasher);
    for (const [k, state] of this.data) {
      if (state !== DAMAGED) tree.update(k, ABSENT_DIGEST, state);
    }
    return tree;
  }
}

interface Bench {
  readonly random: Random;
  readonly rows: UnhelpfulRows;
  readonly trees: PartitionTrees;
  readonly facts: RepairFact[];
}

function bench(seed: number | string, seenMax = 1000, sliceRows = 7): Bench {
  const random = new Random(seed);
  const rows = new UnhelpfulRows(random);
  const facts: RepairFact[] = [];
  const trees = new PartitionTrees({
    hasher,
    rows,
    random,
    limits: { sliceRows, seenMax },
    rebuildMs: 1000,
    doubtMs: 50,
    recentMs: 100,
    note: (fact) => facts.push(fact),
  });
  return { random, rows, trees, facts };
}

function write({ random, rows, trees }: Bench, now: number, n: number): void {
  const held = rows.data.get(key(n)) ?? ABSENT_DIGEST;
  const draw = random.integer(10);
  const changed = draw === 1 ? ABSENT_DIGEST : { high: random.next(), low: random.next() };
  const after = draw === 0 ? held : changed;
  const before = rows.write(key(n), after);
  trees.onWrite(now, PARTITION, key(n), before, after);
}

test("trees: rebuilt while rows are written, a tree is exactly that of the rows", () => {
  let passesMax = 0;
  for (let seed = 0; seed < 2000; seed++) {
    const b = bench(seed, [3, 10, 1000][seed % 3], 1 + (seed % 9));
    const { random, rows, trees } = b;
    for (let n = random.integer(KEYS); n > 0; n--) {
      const state = { high: random.next(), low: random.next() };
      rows.data.set(key(random.integer(KEYS)), random.integer(20) === 0 ? DAMAGED : state);
    }
    trees.own(0, [PARTITION]);
    const writes = random.integer(6);
    let slices = 0;
    while (trees.get(PARTITION) === undefined) {
      assert.ok(++slices < 4000, `seed ${seed}: it does not end`);
      for (let left = random.integer(writes + 1); left > 0; left--) {
        write(b, 0, random.integer(KEYS));
      }
      trees.work(0);
    }
    assert.equal(trees.get(PARTITION)!.differingLeaves(rows.tree()), 0, `seed ${seed}`);
    for (let left = 10; left > 0; left--) write(b, 0, random.integer(KEYS));
    assert.equal(trees.get(PARTITION)!.differingLeaves(rows.tree()), 0, `seed ${seed}`);
    for (const fact of b.facts) {
      if (fact.kind === "tree-built") passesMax = Math.max(passesMax, fact.passes);
      assert.notEqual(fact.kind, "tree-differed", `seed ${seed}`);
    }
    // Built again beside the one in use, while writes go on: the two agree.
    trees.check(1, PARTITION);
    for (let slice = 0; slice < 2000 && trees.nextDue <= 1; slice++) {
      if (random.integer(3) === 0) write(b, 1, random.integer(KEYS));
      trees.work(1);
    }
    assert.equal(b.facts.at(-1)?.kind, "tree-built", `seed ${seed}`);
    assert.equal(trees.get(PARTITION)!.differingLeaves(rows.tree()), 0, `seed ${seed}`);
  }
  assert.ok(passesMax > 10, `${passesMax} passes`);
});

test("trees: believing every row of a scan is found by the same check", () => {
  // Writes told only to the tree in use, and not to the one being built: what a rebuild does that
  // takes a scan for the truth.
  let wrong = 0;
  for (let seed = 0; seed < 50; seed++) {
    const b = bench(seed);
    for (let n = 0; n < KEYS; n++) b.rows.data.set(key(n), { high: n, low: 1 });
    b.trees.own(0, [PARTITION]);
    while (b.trees.get(PARTITION) === undefined) {
      b.trees.work(0);
      b.rows.write(key(b.random.integer(KEYS)), { high: b.random.next(), low: 2 });
    }
    if (!b.trees.get(PARTITION)!.equals(b.rows.tree())) wrong++;
  }
  assert.ok(wrong > 40, `${wrong} of 50`);
});

test("trees: a partition that is not owned any more has none, also when it is being built", () => {
  const b = bench("lost");
  for (let n = 0; n < KEYS; n++) b.rows.data.set(key(n), { high: n, low: 1 });
  b.trees.own(0, [PARTITION]);
  b.trees.work(0);
  b.trees.own(0, []);
  assert.equal(b.trees.nextDue, Infinity);
  b.trees.own(0, [PARTITION]);
  while (b.trees.nextDue <= 0) b.trees.work(0);
  assert.ok(b.trees.get(PARTITION)!.equals(b.rows.tree()));
  b.trees.own(0, []);
  assert.equal(b.trees.get(PARTITION), undefined);
});

test("trees: rot is found by building again, named, and not counted", () => {
  const b = bench("rot");
  for (let n = 0; n < KEYS; n++) b.rows.data.set(key(n), { high: n, low: 1 });
  b.trees.own(0, [PARTITION]);
  while (b.trees.nextDue <= 0) b.trees.work(0);
  assert.ok(b.trees.isWhole(PARTITION));
  b.rows.data.set(key(4), DAMAGED);
  b.rows.data.set(key(9), { high: 99, low: 99 });
  const due = b.trees.nextDue;
  assert.ok(due >= 500 && due <= 1000, `${due}`);
  while (b.trees.nextDue <= due) b.trees.work(due);
  assert.deepEqual(b.facts, [
    { kind: "tree-built", partition: PARTITION, damaged: 0, passes: 1 },
    { kind: "tree-built", partition: PARTITION, damaged: 1, passes: 1 },
    { kind: "tree-differed", partition: PARTITION, leaves: 2 },
  ]);
  assert.ok(!b.trees.isWhole(PARTITION));
  // Replaced by a peer's copy: counted again.
  const before = b.rows.write(key(4), { high: 4, low: 1 });
  b.trees.onWrite(due, PARTITION, key(4), before, { high: 4, low: 1 });
  assert.ok(b.trees.get(PARTITION)!.equals(b.rows.tree()));
  assert.ok(b.trees.isWhole(PARTITION));
});

test("trees: a row that rotted unnoticed and is replaced leaves a doubt, and a new tree", () => {
  const b = bench("doubt");
  for (let n = 0; n < KEYS; n++) b.rows.data.set(key(n), { high: n, low: 1 });
  b.trees.own(0, [PARTITION]);
  while (b.trees.nextDue <= 0) b.trees.work(0);
  b.rows.data.set(key(4), DAMAGED);
  const before = b.rows.write(key(4), { high: 5, low: 5 });
  b.trees.onWrite(10, PARTITION, key(4), before, { high: 5, low: 5 });
  assert.ok(!b.trees.isWhole(PARTITION));
  assert.equal(b.trees.get(PARTITION)!.differingLeaves(b.rows.tree()), 1);
  assert.equal(b.trees.nextDue, 60);
  while (b.trees.nextDue <= 60) b.trees.work(60);
  assert.ok(b.trees.isWhole(PARTITION));
  assert.ok(b.trees.get(PARTITION)!.equals(b.rows.tree()));
});

test("trees: a row that could not be read for a while is counted right when it is written", () => {
  const b = bench("for a while");
  for (let n = 0; n < KEYS; n++) b.rows.data.set(key(n), { high: n, low: 1 });
  b.rows.data.set(key(4), DAMAGED);
  b.trees.own(0, [PARTITION]);
  while (b.trees.nextDue <= 0) b.trees.work(0);
  b.rows.data.set(key(4), { high: 4, low: 1 });
  const before = b.rows.write(key(4), { high: 5, low: 5 });
  b.trees.onWrite(10, PARTITION, key(4), before, { high: 5, low: 5 });
  assert.ok(b.trees.get(PARTITION)!.equals(b.rows.tree()));
  assert.ok(b.trees.isWhole(PARTITION));
});

test("trees: kept over a clean stop, and nothing else is believed", () => {
  const b = bench("kept");
  for (let n = 0; n < KEYS; n++) b.rows.data.set(key(n), { high: n, low: 1 });
  b.trees.own(0, [PARTITION, 6, 7]);
  while (b.trees.nextDue <= 0) b.trees.work(0);
  const snapshot = b.trees.snapshot()!;
  const next = bench("next");
  assert.ok(next.trees.restore(snapshot));
  next.trees.own(0, [PARTITION, 6]);
  assert.ok(next.trees.get(PARTITION)!.equals(b.trees.get(PARTITION)!));
  assert.equal(next.trees.get(7), undefined, "not owned any more");
  const { nextDue } = next.trees;
  assert.ok(nextDue > 0 && nextDue <= 1_000, "no hurry to build what is known, whatever its age");
  for (let at = 0; at < snapshot.length; at++) {
    const damaged = snapshot.with(at, snapshot[at]! ^ 1);
    assert.ok(!bench("x").trees.restore(damaged), `byte ${at}`);
    assert.ok(!bench("x").trees.restore(snapshot.subarray(0, at)), `cut at ${at}`);
  }
  const stranger = new PartitionTrees({
    hasher: new KeyHasher(sipKeyOf(new Uint8Array(16))),
    rows: b.rows,
    random: b.random,
    limits: { sliceRows: 1, seenMax: 1 },
    rebuildMs: 1,
    doubtMs: 1,
    recentMs: 1,
    note: () => {},
  });
  assert.ok(!stranger.restore(snapshot), "of another secret");
});

test("trees: a tree with unreadable rows is not kept over a stop", () => {
  const b = bench("damaged");
  b.rows.data.set(key(1), DAMAGED);
  b.trees.own(0, [PARTITION]);
  while (b.trees.nextDue <= 0) b.trees.work(0);
  assert.notEqual(b.trees.get(PARTITION), undefined);
  assert.equal(b.trees.snapshot(), undefined);
});

test("trees: a write is recent for one to two windows", () => {
  const { trees } = bench("recent");
  const after = { high: 1, low: 1 };
  assert.ok(!trees.isRecent(1000, key(1)));
  trees.onWrite(1000, PARTITION, key(1), ABSENT_DIGEST, after);
  trees.onWrite(1000, PARTITION, key(2), after, after);
  assert.ok(trees.isRecent(1000, key(1)));
  assert.ok(!trees.isRecent(1000, key(2)), "nothing was changed");
  assert.ok(trees.isRecent(1099, key(1)));
  assert.ok(!trees.isRecent(1300, key(1)));
  for (let now = 2000; now < 3000; now += 7) {
    trees.onWrite(now, PARTITION, key(now), ABSENT_DIGEST, after);
    assert.ok(trees.isRecent(now + 99, key(now)));
    assert.ok(!trees.isRecent(now + 99, key(now - 301)));
  }
});
