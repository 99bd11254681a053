import assert from "node:assert/strict";
import { test } from "node:test";
import { bitCount, levelCount, Tally } from "./quorum.ts";

test("tally: what follows from who said yes and who said no, for every combination up to five owners", () => {
  for (let owners = 1; owners <= 5; owners++) {
    for (let needed = 1; needed <= owners; needed++) {
      for (let said = 0; said < 3 ** owners; said++) {
        const tally = new Tally(owners, needed);
        const words = Array.from(
          { length: owners },
          (_, owner) => Math.floor(said / 3 ** owner) % 3,
        );
        for (const [owner, word] of words.entries()) {
          if (word === 1) tally.accept(owner);
          if (word === 2) tally.reject(owner);
        }
        const yes = words.filter((word) => word === 1).length;
        const no = words.filter((word) => word === 2).length;
        const label = `${needed} of ${owners}: ${words.join()}`;
        assert.equal(tally.got, yes, label);
        assert.equal(tally.isMet, yes >= needed, label);
        assert.equal(tally.isImpossible, owners - no < needed, label);
        assert.equal(tally.isComplete, yes + no === owners, label);
        assert.ok(!(tally.isMet && tally.isImpossible), label);
        for (const [owner, word] of words.entries()) {
          assert.equal(tally.isSilent(owner), word === 0, label);
        }
      }
    }
  }
});

test("tally: an owner that says yes twice is one owner", () => {
  const tally = new Tally(3, 2);
  tally.accept(1);
  tally.accept(1);
  assert.deepEqual([tally.got, tally.isMet], [1, false]);
  tally.accept(2);
  assert.deepEqual([tally.got, tally.isMet], [2, true]);
});

test("tally: a yes after a no stands, a no after a yes does not", () => {
  const tally = new Tally(3, 3);
  tally.reject(0);
  assert.ok(tally.isImpossible);
  tally.accept(0);
  tally.reject(0);
  assert.deepEqual([tally.yes, tally.no, tally.isImpossible], [1, 0, false]);
});

test("tally: up to thirty-one owners, the last of them too", () => {
  const tally = new Tally(31, 31);
  for (let owner = 0; owner < 31; owner++) {
    assert.ok(!tally.isMet && tally.isSilent(owner));
    tally.accept(owner);
  }
  assert.ok(tally.isMet && tally.isComplete);
  assert.throws(() => new Tally(32, 1), /32 owners do not fit/);
  assert.throws(() => new Tally(0, 0), /0 owners/);
  assert.throws(() => new Tally(3, 4), /needed 4 of 3/);
  assert.throws(() => new Tally(3, 0), /needed 0 of 3/);
});

test("levels: words and numbers for any number of owners", () => {
  const table = [
    [1, 1, 1, 1],
    [2, 1, 2, 2],
    [3, 1, 2, 3],
    [4, 1, 3, 4],
    [5, 1, 3, 5],
    [16, 1, 9, 16],
  ] as const;
  for (const [owners, one, quorum, all] of table) {
    assert.equal(levelCount("one", owners), one);
    assert.equal(levelCount("quorum", owners), quorum);
    assert.equal(levelCount("all", owners), all);
    for (let count = 1; count <= owners; count++) assert.equal(levelCount(count, owners), count);
    for (const level of [0, -1, owners + 1, 1.5, Number.NaN, Infinity, "two" as never]) {
      assert.equal(levelCount(level, owners), undefined);
    }
  }
});

test("bitCount: counts the bits of all words that masks can be", () => {
  for (let bit = 0; bit < 32; bit++) {
    assert.equal(bitCount(1 << bit), 1);
    assert.equal(bitCount((1 << bit) - 1), bit);
  }
  assert.equal(bitCount(0), 0);
  assert.equal(bitCount(-1), 32);
});
