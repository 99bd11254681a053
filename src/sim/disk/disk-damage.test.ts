import assert from "node:assert/strict";
import { test } from "node:test";
import { UNREADABLE } from "../../core/storage/disk.ts";
import { ByHand, pattern } from "./by-hand.test.ts";

/** The sectors in which two files differ. */
function changed(left: Uint8Array, right: Uint8Array): number[] {
  const sectors = new Set<number>();
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    if (left[at] !== right[at]) sectors.add(Math.floor(at / 512));
  }
  return [...sectors];
}

test("disk damage: rot flips bits of durable bytes, in the sector that is named", () => {
  const hand = new ByHand();
  const bytes = pattern(1300);
  hand.put("log", bytes);
  assert.deepEqual(hand.disk.damage.rot("log", 2), { file: "log", sector: 2 });
  assert.deepEqual(changed(hand.bytes("log"), bytes), [2]);
  hand.disk.crash();
  assert.deepEqual(changed(hand.bytes("log"), bytes), [2]);
  assert.equal(hand.count("sector-rotted"), 1);
});

test("disk damage: rot is drawn among files with durable bytes, and leaves the others", () => {
  for (let seed = 0; seed < 50; seed++) {
    const hand = new ByHand(seed);
    hand.put("a", pattern(1000));
    hand.put("b", pattern(600));
    hand.append("c", pattern(2000));
    hand.append("b", pattern(900));
    hand.settle();
    const place = hand.disk.damage.rot()!;
    assert.ok(place.file === "a" || place.file === "b");
    const before = new Uint8Array(place.file === "a" ? 1000 : 1500);
    before.set(pattern(place.file === "a" ? 1000 : 600));
    if (place.file === "b") before.set(pattern(900), 600);
    assert.deepEqual(changed(hand.bytes(place.file), before), [place.sector]);
    assert.deepEqual(hand.bytes("c"), pattern(2000));
  }
});

test("disk damage: there is nothing to damage without durable bytes, or such a sector", () => {
  const hand = new ByHand();
  hand.append("log", "abc");
  hand.settle();
  const { damage } = hand.disk;
  assert.equal(damage.rot(), undefined);
  assert.equal(damage.breakSector(), undefined);
  assert.equal(damage.truncate(), undefined);
  assert.equal(damage.lose(), undefined);
  hand.sync("log");
  hand.settle();
  assert.equal(damage.rot("log", 1), undefined);
  assert.equal(damage.rot("other"), undefined);
  assert.equal(hand.faults.size, 0);
});

test("disk damage: a broken sector cannot be read until it is removed and written again", () => {
  const hand = new ByHand();
  hand.put("log", pattern(2048));
  hand.disk.damage.breakSector("log", 2);
  assert.deepEqual(hand.disk.read("log", 0, 1024), pattern(1024));
  assert.equal(hand.disk.read("log", 1023, 2), UNREADABLE);
  assert.equal(hand.disk.read("log", 1500, 10), UNREADABLE);
  assert.deepEqual(hand.disk.read("log", 1536, 512), pattern(2048).subarray(1536));
  hand.disk.crash();
  assert.equal(hand.disk.read("log", 0, 2048), UNREADABLE);
  hand.remove("log", 1100);
  hand.append("log", pattern(10));
  hand.settle();
  assert.equal(hand.disk.read("log", 1024, 100), UNREADABLE);
  hand.remove("log", 1024);
  hand.append("log", pattern(100));
  hand.settle();
  assert.deepEqual(hand.disk.read("log", 1024, 100), pattern(100));
  assert.equal(hand.count("sector-broken"), 1);
  assert.equal(hand.count("read-failed"), 4);
});

test("disk damage: a read may find a broken sector, and finds it again", () => {
  const hand = new ByHand();
  hand.put("log", pattern(2048));
  hand.disk.faults.arm("sector-broken");
  assert.deepEqual(hand.disk.read("log", 2048, 10), new Uint8Array(0));
  assert.equal(hand.disk.read("log", 600, 10), UNREADABLE);
  assert.equal(hand.disk.read("log", 600, 10), UNREADABLE);
  assert.deepEqual(hand.disk.read("log", 0, 512), pattern(512));
});

test("disk damage: a file that lost its end is shorter, also after a crash", () => {
  for (let seed = 0; seed < 20; seed++) {
    const hand = new ByHand(seed);
    hand.put("log", "abcdef");
    hand.append("log", "ghi");
    hand.settle();
    assert.equal(hand.disk.damage.truncate("log", 4), "log");
    assert.equal(hand.text("log"), "abcd");
    hand.disk.crash();
    assert.equal(hand.text("log"), "abcd");
    hand.disk.damage.truncate();
    assert.ok(hand.text("log").length < 4);
    assert.equal(hand.count("file-truncated"), 2);
  }
});

test("disk damage: a lost file does not come back", () => {
  for (let seed = 0; seed < 20; seed++) {
    const hand = new ByHand(seed);
    hand.put("log", "old");
    hand.remove("log");
    hand.put("log", "abc");
    assert.equal(hand.disk.damage.lose(), "log");
    hand.disk.crash();
    assert.deepEqual(hand.names(), []);
    assert.equal(hand.count("file-lost"), 1);
  }
});

test("disk damage: a misdirected write lands on another sector, and its own place stays", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 100; seed++) {
    const hand = new ByHand(seed);
    const other = pattern(1024, 1);
    const bytes = pattern(2048, 2);
    hand.put("other", other);
    hand.put("log", bytes.subarray(0, 700));
    hand.append("log", bytes.subarray(700));
    hand.disk.faults.arm("write-misdirected");
    hand.sync("log");
    hand.settle();
    assert.deepEqual(hand.answers, ["append log: done", "sync log: done"]);
    hand.disk.crash();
    const left = hand.bytes("log");
    const victims = changed(hand.bytes("other"), other);
    const own = changed(left, bytes);
    assert.equal(left.length, 2048);
    const target = victims.length === 1 ? "other" : "same";
    assert.equal(own.length, target === "other" ? 1 : 2);
    const moved = own.find((sector) => {
      const stayed = left.subarray(Math.max(700, sector * 512), (sector + 1) * 512);
      return sector > 0 && stayed.every((byte) => byte === 0);
    });
    assert.ok(moved !== undefined, "its own place holds what was there before");
    const victim = target === "other" ? victims[0]! : own.find((sector) => sector !== moved)!;
    const found = hand.bytes(target === "other" ? "other" : "log");
    const written = bytes.subarray(moved * 512, (moved + 1) * 512);
    assert.deepEqual(found.subarray(victim * 512, (victim + 1) * 512), written);
    assert.deepEqual(
      left.subarray(512, 700),
      victim === 1 && target === "same" ? written.subarray(0, 188) : bytes.subarray(512, 700),
    );
    seen.add(target);
    assert.equal(hand.count("write-misdirected"), 1);
  }
  assert.equal(seen.size, 2);
});

test("disk damage: a misdirected write waits until there is another place for it", () => {
  const hand = new ByHand();
  hand.disk.faults.arm("write-misdirected");
  hand.put("log", "abc");
  hand.sync("log");
  hand.settle();
  assert.equal(hand.text("log"), "abc");
  assert.equal(hand.count("write-misdirected"), 0);
  hand.put("next", "defg");
  assert.equal(hand.count("write-misdirected"), 1);
  assert.equal(hand.text("log"), "def");
  assert.equal(hand.text("next"), "\0\0\0\0");
});
