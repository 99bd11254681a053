import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Random } from "../base/random.ts";
import type { Actor } from "./actor.ts";
import { compareActors } from "./actor.ts";
import type { Context } from "./context.ts";
import {
  contains,
  descends,
  EMPTY_CONTEXT,
  entryOf,
  highestOwn,
  joinContexts,
  sameContext,
  withDot,
} from "./context.ts";

/** The model of a context: the set of its dots, each as "actor number, dot number". */
type Dots = ReadonlySet<string>;

const A: Actor = { high: -5, low: 9, epoch: 1 };
const A2: Actor = { high: -5, low: 9, epoch: 7 };
const B: Actor = { high: 3, low: -1, epoch: 2 };
const ACTORS = [A, A2, B];

test("context: every set of six dots of one actor has one form, and every pair joins as sets do", () => {
  checkUniverse([A], 6);
});

test("context: the same for two actors with three dots each", () => {
  checkUniverse([A, B], 3);
});

test("context: the same for an identity under two epochs, beside another", () => {
  checkUniverse(ACTORS, 2);
});

function checkUniverse(actors: readonly Actor[], highest: number): void {
  const universe = actors.flatMap((_, actor) =>
    Array.from({ length: highest }, (__, index) => `${actor},${index + 1}`),
  );
  const sets = Array.from(
    { length: 2 ** universe.length },
    (_, mask) => new Set(universe.filter((__, bit) => (mask & (1 << bit)) !== 0)),
  );
  const contexts = sets.map((set) => contextOf(actors, [...set]));
  for (const [index, context] of contexts.entries()) {
    checkForm(context);
    checkContent(actors, context, sets[index]!, highest + 2);
    assert.deepEqual(contextOf(actors, [...sets[index]!].reverse()), context);
  }
  for (const [i, left] of contexts.entries()) {
    for (const [j, right] of contexts.entries()) {
      const covers = (i & j) === j;
      assert.equal(descends(left, right), covers);
      assert.equal(sameContext(left, right), i === j);
      const joined = joinContexts(left, right);
      if (covers) assert.equal(joined, left, "answers its argument");
      else if ((i & j) === i) assert.equal(joined, right, "answers its argument");
      else assert.deepEqual(joined, contexts[i | j]);
    }
  }
}

test("context: any sets, built in any order, agree with sets of dots", () => {
  const dots = fc.array(
    fc.tuple(fc.nat(2), fc.integer({ min: 1, max: 14 })).map(([actor, n]) => `${actor},${n}`),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(dots, dots, fc.nat(), (leftDots, rightDots, seed) => {
      const [left, right] = [contextOf(ACTORS, leftDots), contextOf(ACTORS, rightDots)];
      checkContent(ACTORS, left, new Set(leftDots), 16);
      const shuffled = leftDots.slice();
      new Random(seed).shuffle(shuffled);
      assert.deepEqual(contextOf(ACTORS, shuffled), left);
      const union = contextOf(ACTORS, [...leftDots, ...rightDots]);
      assert.deepEqual(joinContexts(left, right), union);
      assert.deepEqual(joinContexts(right, left), union);
      const isCovered = rightDots.every((dot) => leftDots.includes(dot));
      assert.equal(descends(left, right), isCovered);
      assert.ok(descends(union, left) && descends(union, right));
      checkForm(union);
    }),
    { numRuns: 2_000 },
  );
});

test("context: arguments are never changed", () => {
  const left = deepFreeze([entryOf(A, 4, [6, 7, 9, 9]), entryOf(B, 1)]);
  const right = deepFreeze([entryOf(A, 0, [5, 5, 8, 8]), entryOf(A2, 3)]);
  assert.deepEqual(joinContexts(left, right), [entryOf(A, 9), entryOf(A2, 3), entryOf(B, 1)]);
  assert.deepEqual(withDot(left, A, 5), [entryOf(A, 7, [9, 9]), entryOf(B, 1)]);
  assert.deepEqual(withDot(left, B, 2), [entryOf(A, 4, [6, 7, 9, 9]), entryOf(B, 2)]);
});

test("context: a dot that was seen already changes nothing", () => {
  const context = [entryOf(A, 4, [6, 7])];
  for (const n of [1, 4, 6, 7]) assert.equal(withDot(context, A, n), context);
});

test("context: a long gap is one range, whatever was written after it", () => {
  let context = withDot(EMPTY_CONTEXT, A, 2);
  for (let n = 3; n <= 5000; n++) context = withDot(context, A, n);
  assert.deepEqual(context, [entryOf(A, 0, [2, 5000])]);
  assert.deepEqual(withDot(context, A, 1), [entryOf(A, 5000)]);
});

test("context: numbers go up to 2^53 - 1", () => {
  const top = Number.MAX_SAFE_INTEGER;
  const context = withDot(withDot(EMPTY_CONTEXT, A, top), A, top - 1);
  assert.deepEqual(context, [entryOf(A, 0, [top - 1, top])]);
  assert.ok(contains(context, A, top) && !contains(context, A, top - 2));
});

test("highestOwn: the latest epoch of an identity and the highest number in it", () => {
  const context = [entryOf(A, 90), entryOf(A2, 0, [4, 6]), entryOf(B, 5)];
  assert.deepEqual(highestOwn(context, A), { epoch: 7, n: 6 });
  assert.deepEqual(highestOwn(context, B), { epoch: 2, n: 5 });
  assert.equal(highestOwn(context, { high: -5, low: 8 }), undefined);
  assert.equal(highestOwn(EMPTY_CONTEXT, A), undefined);
});

function contextOf(actors: readonly Actor[], dots: Iterable<string>): Context {
  let context = EMPTY_CONTEXT;
  for (const dot of dots) {
    const [actor, n] = dot.split(",").map(Number) as [number, number];
    context = withDot(context, actors[actor]!, n);
  }
  return context;
}

function checkContent(
  actors: readonly Actor[],
  context: Context,
  dots: Dots,
  highest: number,
): void {
  for (const [index, actor] of actors.entries()) {
    for (let n = 1; n <= highest; n++) {
      assert.equal(contains(context, actor, n), dots.has(`${index},${n}`), `dot ${index},${n}`);
    }
  }
  assert.ok(!contains(context, { ...A, epoch: 99 }, 1));
  for (const identity of actors) {
    const own = [...dots]
      .map((dot) => dot.split(",").map(Number) as [number, number])
      .map(([actor, n]) => ({ actor: actors[actor]!, n }))
      .filter(({ actor }) => actor.high === identity.high && actor.low === identity.low)
      .sort((one, other) => one.actor.epoch - other.actor.epoch || one.n - other.n)
      .at(-1);
    const expected = own === undefined ? undefined : { epoch: own.actor.epoch, n: own.n };
    assert.deepEqual(highestOwn(context, identity), expected);
  }
}

/** Sorted by actor, no empty entry, no range that touches what stands before it. */
function checkForm(context: Context): void {
  for (const [index, entry] of context.entries()) {
    if (index > 0) assert.equal(compareActors(context[index - 1]!, entry), -1);
    assert.ok(entry.n > 0 || entry.ahead.length > 0, "an empty entry");
    assert.equal(entry.ahead.length % 2, 0);
    let before = entry.n;
    for (let i = 0; i < entry.ahead.length; i += 2) {
      assert.ok(entry.ahead[i]! >= before + 2, "a range that touches");
      assert.ok(entry.ahead[i + 1]! >= entry.ahead[i]!, "a range that ends before it begins");
      before = entry.ahead[i + 1]!;
    }
  }
}

function deepFreeze(context: Context): Context {
  for (const entry of context) Object.freeze(entry.ahead);
  return Object.freeze(context.map((entry) => Object.freeze(entry)));
}
