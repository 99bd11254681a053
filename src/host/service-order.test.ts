import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../core/base/random.ts";
import { inServiceOrder, type ServiceTarget } from "./service-order.ts";

function target(name: string, priority: number, weight: number): ServiceTarget {
  return { name, port: 7_400, priority, weight };
}

function names(targets: readonly ServiceTarget[]): string {
  return targets.map(({ name }) => name).join(" ");
}

test("service order: priorities before weights, whatever the answer's order", () => {
  const targets = [target("late", 9, 100), target("b", 1, 0), target("mid", 5, 1)];
  for (const listed of [targets, targets.toReversed()]) {
    assert.equal(names(inServiceOrder(listed, () => 0.99)), "b mid late");
  }
  assert.deepEqual(
    inServiceOrder([], () => 0),
    [],
  );
});

test("service order: among equals the draw decides, the same draw the same order", () => {
  const targets = [target("a", 1, 0), target("b", 1, 1), target("c", 1, 3)];
  assert.equal(names(inServiceOrder(targets, () => 0)), "a b c");
  assert.equal(names(inServiceOrder(targets, () => 0.6)), "c b a");
  assert.equal(names(inServiceOrder(targets.toReversed(), () => 0.6)), "c b a");
  assert.equal(names(inServiceOrder(targets, () => 0.2)), "b c a");
});

test("service order: the first is drawn by weight", () => {
  const random = new Random("weights");
  const targets = [target("a", 1, 10), target("b", 1, 30), target("c", 1, 60)];
  const firsts = new Map<string, number>();
  for (let run = 0; run < 10_000; run++) {
    const [{ name }] = inServiceOrder(targets, () => random.fraction()) as [ServiceTarget];
    firsts.set(name, (firsts.get(name) ?? 0) + 1);
  }
  for (const [name, share] of [
    ["a", 0.1],
    ["b", 0.3],
    ["c", 0.6],
  ] as const) {
    assert.ok(Math.abs(firsts.get(name)! / 10_000 - share) < 0.03, `${name} ${firsts.get(name)}`);
  }
});
