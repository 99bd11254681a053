import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../base/random.ts";
import { leftOf, nothingTold, PAIRS_TOLD_MAX } from "../repair-orders.ts";
import { nodeId } from "../ring/node-id.ts";
import { KeyBudget } from "./key-budget.ts";
import { DEFAULT_REPAIR_CONFIG } from "./repair-config.ts";
import type { Pair } from "./schedule.ts";
import { Schedule } from "./schedule.ts";

const A = nodeId("a");
const B = nodeId("b");
const away = new Set<string>();
const config = { ...DEFAULT_REPAIR_CONFIG, roundMs: 1000, roundsMax: 4, retryMs: 10, settleMs: 20 };

function schedule(partitions: number): Schedule {
  away.clear();
  const made = new Schedule(config, new Random(1), (peer) => !away.has(peer));
  made.own(0, pairs(partitions));
  return made;
}

function pairs(partitions: number): Pair[] {
  const all: Pair[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    all.push({ partition, peer: A }, { partition, peer: B });
  }
  return all;
}

test("schedule: every pair once in a round, then less and less while all is well", () => {
  const made = schedule(10);
  const gaps: number[] = [];
  const before = new Map<string, number>();
  for (let now = 0; now < 20_000; now++) {
    for (let pair = made.take(now); pair !== undefined; pair = made.take(now)) {
      const name = `${pair.partition} ${pair.peer}`;
      gaps.push(now - (before.get(name) ?? now));
      before.set(name, now);
      made.onInSync(now, pair, now);
      assert.equal(made.provenAt(pair.partition, pair.peer), now);
    }
  }
  assert.equal(before.size, 20);
  assert.ok(gaps.slice(0, 20).every((gap) => gap === 0));
  assert.ok(gaps.slice(20, 40).every((gap) => gap >= 750 && gap <= 1000));
  assert.ok(gaps.slice(-40).every((gap) => gap >= 3000 && gap <= 4000));
});

test("schedule: what was repaired is proven soon, what failed is tried less and less", () => {
  const made = schedule(1);
  const pair = made.take(0)!;
  const other = made.take(0)!;
  made.onInSync(0, other, 0);
  made.onResult(0, pair, "repaired");
  assert.ok(made.nextDue >= 15 && made.nextDue <= 20);
  const waits: number[] = [];
  for (let now = made.nextDue; now < 700; now = made.nextDue) {
    assert.equal(made.take(now), pair);
    made.onResult(now, pair, "silent");
    waits.push(made.nextDue - now);
  }
  assert.ok(waits[0]! <= 10 && waits.at(-1)! >= 60, `${waits.join(" ")}`);
  assert.ok(waits.length < 16, `${waits.join(" ")}`);
  made.onPeerUp(700, pair.peer);
  for (let now = made.nextDue; now < 800; now = made.nextDue) {
    const taken = made.take(now)!;
    if (taken === pair) made.onResult(now, pair, "unsettled");
    else made.onInSync(now, taken, now);
    assert.ok(made.nextDue - now <= 10);
  }
});

test("schedule: pairs of a peer that is away rest, and come first when it is back", () => {
  const made = schedule(3);
  away.add(A);
  const taken: Pair[] = [];
  for (let pair = made.take(0); pair !== undefined; pair = made.take(0)) taken.push(pair);
  assert.deepEqual([...new Set(taken.map(({ peer }) => peer))], [B]);
  for (const pair of taken) made.onInSync(0, pair, 0);
  assert.ok(made.nextDue >= 750);
  away.delete(A);
  made.onPeerUp(5, A);
  assert.equal(made.nextDue, 5);
  assert.equal(made.take(5)!.peer, A);
});

test("schedule: the pairs of a new layout are due at once, those that stay are left alone", () => {
  const made = schedule(2);
  for (let pair = made.take(0); pair !== undefined; pair = made.take(0)) made.onInSync(0, pair, 0);
  made.own(
    50,
    pairs(3).filter(({ partition }) => partition > 0),
  );
  const first = new Set([made.take(50)?.peer, made.take(50)?.peer]);
  assert.deepEqual(first, new Set([A, B]));
  assert.equal(made.take(50), undefined);
  assert.equal(made.provenAt(0, A), undefined);
  assert.equal(made.provenAt(1, A), 0);
  made.onInSync(60, { partition: 0, peer: A }, 60);
  assert.equal(made.provenAt(0, A), undefined);
});

test("schedule: repair that was asked for has a beginning, an end and an estimate", () => {
  const made = schedule(4);
  for (let pair = made.take(0); pair !== undefined; pair = made.take(0)) made.onInSync(0, pair, 0);
  assert.deepEqual(made.progress(10), { done: 0, total: 0, waiting: 0, etaMs: 0 });
  assert.equal(made.ask(100, 2), 2);
  assert.equal(made.ask(100, undefined), 8);
  assert.deepEqual(made.progress(100), { done: 0, total: 8, waiting: 0, etaMs: undefined });
  away.add(B);
  for (let now = 100; now < 300; now += 50) {
    const pair = made.take(now)!;
    // A proof from before is none.
    if (now === 100) made.onInSync(now, pair, 99);
    else made.onInSync(now, pair, now);
  }
  assert.deepEqual(made.progress(300), { done: 3, total: 8, waiting: 4, etaMs: 333 });
  made.own(
    300,
    pairs(4).filter(({ peer }) => peer === A),
  );
  assert.deepEqual(made.progress(300), { done: 3, total: 4, waiting: 0, etaMs: 67 });
  const last = made.take(300)!;
  made.onResult(300, last, "repaired");
  assert.equal(made.progress(300).done, 3);
  made.onInSync(330, last, 320);
  assert.deepEqual(made.progress(330), { done: 4, total: 4, waiting: 0, etaMs: 0 });
});

test("schedule: a second wish is not met by a comparison from before it", () => {
  const made = schedule(1);
  for (let pair = made.take(0); pair !== undefined; pair = made.take(0)) made.onInSync(0, pair, 0);
  made.ask(100, undefined);
  const pair = made.take(100)!;
  made.ask(150, undefined);
  made.onInSync(160, pair, 100);
  assert.equal(made.progress(160).done, 0);
  assert.equal(made.provenAt(pair.partition, pair.peer), 100);
});

test("schedule: what is told of pairs, as numbers and one by one", () => {
  const made = schedule(3);
  const look = { kind: "look", partition: undefined, from: 0 } as const;
  const list = { kind: "list", partition: undefined, from: 1 } as const;
  assert.deepEqual(made.report(0, 5, look), { ...nothingTold(5), pairs: 6, etaMs: 0 });
  made.ask(0, undefined);
  away.add(B);
  const first = made.take(0)!;
  made.onMoved(first, 7, 1);
  made.onResult(0, first, "repaired");
  const second = made.take(0)!;
  made.onInSync(10, second, 4);
  const third = made.take(0)!;
  made.onResult(10, third, "no-tree");
  const report = made.report(104, 5, look);
  assert.deepEqual([report.pairs, report.proven, report.oldestMs], [6, 1, 100]);
  assert.deepEqual([report.keysMoved, report.keysUnchanged], [7, 1]);
  assert.deepEqual(
    report.left,
    new Map([
      ["repaired", 1],
      ["building", 1],
      ["away", 3],
    ]),
  );
  const one = made.report(104, 5, { kind: "look", partition: second.partition, from: 0 });
  assert.deepEqual([one.pairs, one.proven, leftOf(one)], [2, 1, 1]);
  const { told, next } = made.report(104, 5, list);
  assert.deepEqual(
    told.map(({ partition, peer }) => `${partition} ${peer}`),
    ["1 a", "1 b", "2 a", "2 b"],
  );
  assert.equal(next, undefined);
  for (const { partition, peer, isLeft, provenMs, state } of told) {
    const isProven = partition === second.partition && peer === A;
    assert.deepEqual([isLeft, provenMs], isProven ? [false, 100] : [true, undefined]);
    if (peer === B) assert.equal(state, "away");
  }
  away.delete(B);
  made.onPeerUp(10, B);
  const fourth = made.take(10)!;
  assert.equal(made.report(104, 5, look).left.get("comparing"), 1);
  made.onResult(10, fourth, "stuck");
  assert.equal(made.report(104, 5, look).left.get("stuck"), 1);
});

test("schedule: of many pairs whole partitions are told, and where to go on", () => {
  const count = PAIRS_TOLD_MAX / 2 + 3;
  const made = schedule(count);
  const seen: number[] = [];
  let from: number | undefined = 0;
  while (from !== undefined) {
    const report = made.report(0, 5, { kind: "list", partition: undefined, from });
    assert.ok(report.told.length <= PAIRS_TOLD_MAX);
    seen.push(...report.told.map(({ partition }) => partition));
    from = report.next;
  }
  assert.deepEqual(
    seen,
    pairs(count).map(({ partition }) => partition),
  );
});

test("budget: a burst, then so many a second", () => {
  const budget = new KeyBudget(100, 20);
  assert.equal(budget.take(1000, 50), 20);
  assert.equal(budget.take(1000, 1), 0);
  assert.equal(budget.nextAt(1000), 1010);
  assert.equal(budget.take(1010, 5), 1);
  assert.equal(budget.take(1110, 50), 10);
  budget.giveBack(4);
  assert.equal(budget.take(1110, 50), 4);
  assert.equal(budget.take(60_000, 50), 20);
});
