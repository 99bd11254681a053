import assert from "node:assert/strict";
import { test } from "node:test";
import { ByHand, pattern } from "./by-hand.test.ts";

const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);

test("disk crash: a kill keeps what was answered, and a prefix of what was under way", () => {
  const lengths = new Set<number>();
  for (const seed of SEEDS) {
    const hand = new ByHand(seed);
    hand.append("log", "abc");
    hand.settle();
    hand.append("log", "def");
    hand.append("log", "ghi");
    hand.disk.kill();
    hand.settle();
    assert.deepEqual(hand.answers, ["append log: done"]);
    const text = hand.text("log");
    assert.ok("abcdefghi".startsWith(text) && text.length >= 3, text);
    lengths.add(text.length);
  }
  assert.equal(lengths.size, 7);
});

test("disk crash: what a killed process left is not durable until it is synced", () => {
  let lost = 0;
  for (const seed of SEEDS) {
    const hand = new ByHand(seed);
    hand.append("log", "abc");
    hand.settle();
    hand.disk.kill();
    assert.equal(hand.text("log"), "abc");
    if (seed % 2 === 0) hand.sync("log");
    hand.settle();
    hand.disk.crash();
    if (hand.text("log") === "abc") continue;
    assert.equal(seed % 2, 1);
    lost++;
  }
  assert.ok(lost > 20, `${lost} lost`);
});

test("disk crash: each sector that was not synced is kept, lost or torn", () => {
  const bytes = pattern(5000);
  const fates = new Set<string>();
  for (const seed of SEEDS) {
    const hand = new ByHand(seed);
    hand.put("log", bytes.subarray(0, 700));
    hand.append("log", bytes.subarray(700));
    hand.settle();
    hand.disk.crash();
    const left = hand.bytes("log");
    assert.deepEqual(left.subarray(0, 700), bytes.subarray(0, 700));
    assert.ok(left.length <= 5000);
    if (left.length < 5000) fates.add("shorter");
    let isAnyLost = false;
    for (let from = 700; from < left.length; from = (Math.floor(from / 512) + 1) * 512) {
      const sector = left.subarray(from, (Math.floor(from / 512) + 1) * 512);
      const kept = sector.findIndex((byte, index) => byte !== bytes[from + index]);
      if (kept === -1 && isAnyLost) fates.add("overtook");
      if (kept === -1) continue;
      isAnyLost = true;
      fates.add(kept === 0 ? "lost" : "torn");
      assert.ok(
        sector.subarray(kept).every((byte) => byte === 0),
        "the rest is zeros",
      );
    }
    if (left.length === 5000 && !isAnyLost) fates.add("whole");
    if (left.length === 700) fates.add("nothing");
  }
  const all = ["lost", "nothing", "overtook", "shorter", "torn", "whole"];
  assert.deepEqual([...fates].toSorted(), all);
});

test("disk crash: a name that was not synced may vanish with all its bytes", () => {
  const outcomes = new Set<string>();
  for (const seed of SEEDS) {
    const hand = new ByHand(seed);
    hand.put("old", "x");
    hand.append("new", "abc");
    hand.settle();
    hand.disk.crash();
    assert.equal(hand.text("old"), "x");
    outcomes.add(hand.names().join());
    assert.equal(hand.count("name-lost"), hand.names().length === 1 ? 1 : 0);
  }
  assert.deepEqual([...outcomes].toSorted(), ["new,old", "old"]);
});

test("disk crash: an unlinked file may come back until a later sync of any file", () => {
  const back = new Map<string, number>();
  for (const seed of SEEDS) {
    for (const synced of ["none", "before", "other", "same", "queued"]) {
      const hand = new ByHand(seed);
      hand.put("log", "abc");
      if (synced === "before") hand.sync("other");
      hand.remove("log");
      if (synced === "queued") hand.sync("log");
      hand.settle();
      if (synced === "other") hand.sync("unrelated");
      if (synced === "same") hand.sync("log");
      hand.settle();
      hand.disk.crash();
      assert.match(hand.text("log"), /^(abc)?$/);
      const times = hand.names().includes("log") ? 1 : 0;
      assert.equal(hand.count("removal-undone"), times);
      back.set(synced, (back.get(synced) ?? 0) + times);
    }
  }
  assert.equal(back.get("other"), 0);
  assert.equal(back.get("same"), 0);
  assert.equal(back.get("queued"), 0);
  assert.ok(back.get("none")! > 50);
  assert.ok(back.get("before")! > 50, "asked for before the removal was answered");
});

test("disk crash: of an unlinked file and a new one of its name, one is there", () => {
  const outcomes = new Set<string>();
  for (const seed of SEEDS) {
    const hand = new ByHand(seed);
    hand.put("log", "old");
    hand.remove("log");
    hand.append("log", "new");
    hand.settle();
    hand.disk.crash();
    const outcome = hand.names().length === 0 ? "none" : hand.text("log").replaceAll("\0", "");
    outcomes.add(outcome);
    assert.equal(hand.count("removal-undone"), outcome === "old" ? 1 : 0);
  }
  for (const outcome of ["none", "old", "new"]) assert.ok(outcomes.has(outcome), outcome);
  const hand = new ByHand();
  hand.put("log", "old");
  hand.remove("log");
  hand.put("log", "new");
  hand.disk.crash();
  assert.equal(hand.text("log"), "new");
});

test("disk crash: a cut may come undone until the file is synced, also below new bytes", () => {
  const outcomes = new Set<string>();
  for (const seed of SEEDS) {
    const hand = new ByHand(seed);
    hand.put("log", "abcdef");
    hand.remove("log", 2);
    hand.append("log", "XY");
    hand.settle();
    hand.disk.crash();
    outcomes.add(hand.text("log").replaceAll("\0", "."));
  }
  const expected = ["ab", "ab..", "ab..ef", "abX", "abX.", "abXY", "abXYef", "abXdef", "abcdef"];
  for (const outcome of outcomes) assert.ok(expected.includes(outcome), outcome);
  for (const outcome of ["abcdef", "abXYef", "ab", "abXY"]) assert.ok(outcomes.has(outcome));
  for (const seed of SEEDS) {
    const hand = new ByHand(seed);
    hand.put("log", "abcdef");
    hand.remove("log", 2);
    hand.sync("log");
    hand.settle();
    hand.disk.crash();
    assert.equal(hand.text("log"), "ab");
  }
});

test("disk crash: nothing of an earlier life is answered, and the next one works", () => {
  const hand = new ByHand();
  hand.append("log", "abc");
  hand.sync("log");
  hand.remove("log");
  const late = [...hand.waiting];
  hand.disk.crash();
  for (const { ticket } of late) hand.disk.settle(ticket);
  assert.deepEqual(hand.answers, []);
  hand.put("next", "life");
  assert.equal(hand.text("next"), "life");
});

test("disk crash: garble takes a sector, also of what was synced", () => {
  const hand = new ByHand();
  const bytes = pattern(2000);
  hand.put("log", bytes);
  hand.disk.faults.arm("sector-garbled");
  hand.disk.crash();
  const left = [...hand.bytes("log")];
  const changed = left.flatMap((byte, at) => (byte === bytes[at] ? [] : [at >> 9]));
  assert.equal(new Set(changed).size, 1);
  assert.equal(left.length, 2000);
  assert.equal(hand.count("sector-garbled"), 1);
});
