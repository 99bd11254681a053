import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "./random.ts";

test("random: the first draws of a seed never change", () => {
  assert.deepEqual(draws(new Random(7), 4), [2883427409, 3781993473, 180266264, 1627583192]);
  assert.deepEqual(draws(new Random("seven"), 4), [263582684, 1353861000, 3125133378, 4117853086]);
  assert.deepEqual(
    draws(new Random(7).fork("network"), 4),
    [380629594, 3518232084, 3180781758, 3785700865],
  );
  const random = new Random(7);
  assert.deepEqual(
    [random.integer(100), random.between(-5, 5), random.fraction(), random.exponential(10)],
    [9, 0, 0.04197150751166967, 13.608009326271713],
  );
});

test("random: seeds, labels and kinds of seed give different streams", () => {
  const streams = [
    new Random(0),
    new Random(1),
    new Random(-1),
    new Random(2 ** 40),
    new Random("0"),
    new Random("1"),
    new Random(0).fork("a"),
    new Random(0).fork("b"),
    new Random(1).fork("a"),
    new Random(0).fork("a").fork("a"),
  ].map((random) => draws(random, 3).join());
  assert.equal(new Set(streams).size, streams.length);
});

test("random: a fork does not depend on what was drawn, and draws nothing", () => {
  const random = new Random(7);
  const before = draws(random.fork("disk"), 5);
  draws(random, 100);
  assert.deepEqual(draws(random.fork("disk"), 5), before);
  assert.deepEqual(draws(new Random(7), 105).slice(100), draws(random, 5));
});

test("random: every bit of a draw is a fair coin, also between neighbouring seeds", () => {
  const ones = new Uint32Array(32);
  for (let seed = 0; seed < 2000; seed++) {
    for (const draw of draws(new Random(seed), 5)) {
      for (let bit = 0; bit < 32; bit++) ones[bit]! += (draw >>> bit) & 1;
    }
  }
  // 5000 of 10000 expected, standard deviation 50.
  for (const count of ones) assert.ok(Math.abs(count - 5000) < 250, `${count}`);
});

test("random: integers are evenly spread and within bounds", () => {
  const random = new Random("integers");
  for (const max of [1, 2, 3, 6, 10, 1000]) {
    assertEven(120_000, max, () => random.integer(max));
  }
  assertEven(110_000, 11, () => random.between(-5, 5) + 5);
  // Two thirds of 2^32: without redrawing, the lower half would come up twice as often.
  const wide = 0xaaaaaaaa;
  assertEven(60_000, 2, () => (random.integer(wide) < wide / 2 ? 0 : 1));
  const wider = 2 ** 53 - 1;
  assertEven(60_000, 4, () => Math.floor(random.integer(wider) / (wider / 4)));
  assert.equal(random.integer(2 ** 32) < 2 ** 32, true);
});

test("random: fractions lie in [0, 1) with mean 1/2 and variance 1/12", () => {
  const random = new Random("fractions");
  const { mean, variance, min, max } = moments(100_000, () => random.fraction());
  assert.ok(min >= 0 && max < 1);
  assert.ok(Math.abs(mean - 1 / 2) < 0.005, `${mean}`);
  assert.ok(Math.abs(variance - 1 / 12) < 0.002, `${variance}`);
});

test("random: chance follows its probability, and its edges are certain", () => {
  const random = new Random("chance");
  let hits = 0;
  for (let round = 0; round < 100_000; round++) {
    if (random.chance(0.03)) hits += 1;
    assert.equal(random.chance(0), false);
    assert.equal(random.chance(1), true);
  }
  assert.ok(Math.abs(hits - 3000) < 300, `${hits}`);
});

test("random: exponential waiting times have the mean, the variance and the tail they should", () => {
  const random = new Random("exponential");
  const beyond = [0, 0, 0, 0];
  const { mean, variance, min } = moments(200_000, () => {
    const time = random.exponential(10);
    for (let multiple = 0; multiple < 4; multiple++) {
      if (time > 10 * (multiple + 0.5)) beyond[multiple]! += 1;
    }
    return time;
  });
  assert.ok(min >= 0);
  assert.ok(Math.abs(mean - 10) < 0.15, `${mean}`);
  assert.ok(Math.abs(variance - 100) < 4, `${variance}`);
  for (const [multiple, count] of beyond.entries()) {
    const expected = 200_000 * Math.exp(-multiple - 0.5);
    assert.ok(
      Math.abs(count - expected) < 6 * Math.sqrt(expected),
      `${multiple}: ${count} ${expected}`,
    );
  }
});

test("random: shuffle reaches every order equally often, and pick every item", () => {
  const random = new Random("shuffle");
  const orders = ["abc", "acb", "bac", "bca", "cab", "cba"];
  assertEven(60_000, 6, () => {
    const items = ["a", "b", "c"];
    random.shuffle(items);
    return orders.indexOf(items.join(""));
  });
  assertEven(60_000, 6, () => orders.indexOf(random.pick(orders)));
});

test("random: impossible requests are bugs", () => {
  const random = new Random(1);
  assert.throws(() => random.integer(0));
  assert.throws(() => random.integer(1.5));
  assert.throws(() => random.integer(2 ** 53));
  assert.throws(() => random.between(2, 1));
  assert.throws(() => random.pick([]));
  assert.throws(() => new Random(0.5));
});

function draws(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.next());
}

/** Each of `kinds` values comes up its share of the time, within five standard deviations. */
function assertEven(rounds: number, kinds: number, draw: () => number): void {
  const counts = new Uint32Array(kinds);
  for (let round = 0; round < rounds; round++) {
    const value = draw();
    assert.ok(Number.isInteger(value) && value >= 0 && value < kinds, `${value} of ${kinds}`);
    counts[value]! += 1;
  }
  const expected = rounds / kinds;
  for (const count of counts) {
    assert.ok(
      Math.abs(count - expected) <= 5 * Math.sqrt(expected),
      `${count} of ${expected}, ${kinds} kinds`,
    );
  }
}

function moments(
  rounds: number,
  draw: () => number,
): { mean: number; variance: number; min: number; max: number } {
  let sum = 0;
  let squares = 0;
  let min = Infinity;
  let max = -Infinity;
  for (let round = 0; round < rounds; round++) {
    const value = draw();
    sum += value;
    squares += value * value;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const mean = sum / rounds;
  return { mean, variance: squares / rounds - mean * mean, min, max };
}
