import assert from "node:assert/strict";
import { test } from "node:test";
import { ShareBudget } from "./share-budget.ts";

function taken(budget: ShareBudget, tries: number): number {
  let count = 0;
  for (let i = 0; i < tries; i++) if (budget.take()) count++;
  return count;
}

test("share budget: the burst at once, and then the share", () => {
  const budget = new ShareBudget(0.05, 10);
  assert.equal(taken(budget, 100), 10);
  for (let i = 0; i < 19; i++) budget.earn();
  assert.equal(budget.take(), false);
  budget.earn();
  assert.equal(taken(budget, 2), 1);
});

test("share budget: however many requests, no more than the burst is saved", () => {
  const budget = new ShareBudget(0.1, 5);
  for (let i = 0; i < 1_000; i++) budget.earn();
  assert.equal(taken(budget, 100), 5);
});

test("share budget: a storm of extras is the share of the requests, and the burst once", () => {
  const budget = new ShareBudget(0.05, 10);
  let extras = 0;
  for (let i = 0; i < 10_000; i++) {
    budget.earn();
    extras += taken(budget, 3);
  }
  // The first of them earns nothing: there is no room for more.
  assert.equal(extras, 509);
});

test("share budget: no share, no burst", () => {
  const budget = new ShareBudget(0, 10);
  budget.earn();
  assert.deepEqual([budget.isOff, budget.take()], [true, false]);
  assert.equal(new ShareBudget(0.05, 10).isOff, false);
});
