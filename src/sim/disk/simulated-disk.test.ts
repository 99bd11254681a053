import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8Decode, utf8Encode } from "../../core/base/utf8.ts";
import { UNREADABLE } from "../../core/storage/disk.ts";
import { ByHand, pattern } from "./by-hand.test.ts";
import { QUICK_PACE } from "./disk-pace.ts";

test("simulated disk: an append is answered later, and can be read from then on", () => {
  const hand = new ByHand();
  hand.append("log", "one ");
  hand.disk.append("log", [utf8Encode("two "), utf8Encode("three")], (answer) =>
    assert.equal(answer, "done"),
  );
  assert.deepEqual(hand.answers, []);
  assert.deepEqual(hand.disk.list(), []);
  assert.equal(hand.text("log"), "");
  hand.settle(1);
  assert.equal(hand.text("log"), "one ");
  hand.settle(1);
  assert.equal(hand.text("log"), "one two three");
  assert.deepEqual(hand.disk.list(), [{ name: "log", bytes: 13 }]);
});

test("simulated disk: a read ends with the file, and never changes afterwards", () => {
  const hand = new ByHand();
  hand.put("log", "abcdef");
  assert.equal(utf8Decode(hand.disk.read("log", 4, 10) as Uint8Array), "ef");
  assert.deepEqual(hand.disk.read("log", 6, 1), new Uint8Array(0));
  assert.deepEqual(hand.disk.read("log", 99, 1), new Uint8Array(0));
  assert.deepEqual(hand.disk.read("none", 0, 1), new Uint8Array(0));
  const before = hand.bytes("log");
  hand.remove("log", 2);
  hand.append("log", "XYZ");
  hand.settle();
  hand.disk.damage.rot("log");
  assert.equal(utf8Decode(before), "abcdef");
});

test("simulated disk: files are listed in the order of their names", () => {
  const hand = new ByHand();
  for (const name of ["b", "a", "10", "9"]) hand.put(name, name);
  assert.deepEqual(hand.names(), ["10", "9", "a", "b"]);
});

test("simulated disk: one file is answered in the order of asking, whatever each takes", () => {
  const hand = new ByHand(3, { ...QUICK_PACE, syncMsMean: 50, appendMsMean: 5 });
  for (let i = 0; i < 20; i++) {
    hand.append("log", String(i % 10));
    if (i % 5 === 4) hand.sync("log");
  }
  const tickets = hand.waiting.map(({ ticket }) => ticket);
  assert.ok(
    tickets.every((ticket, index) => ticket === index + 1),
    "due in this order, too",
  );
  hand.settle();
  const asked = Array.from({ length: 20 }, (_, i) =>
    i % 5 === 4 ? ["append log: done", "sync log: done"] : ["append log: done"],
  );
  assert.deepEqual(hand.answers, asked.flat());
  assert.equal(hand.text("log"), "01234567890123456789");
});

test("simulated disk: what was appended before a sync was asked for is durable with its answer", () => {
  const hand = new ByHand();
  hand.append("log", "before");
  hand.sync("log");
  hand.append("log", " after");
  hand.settle(1);
  assert.equal(hand.disk.durable("log"), undefined);
  hand.settle();
  assert.equal(hand.text("log"), "before after");
  assert.equal(utf8Decode(hand.disk.durable("log")!), "before");
});

test("simulated disk: a sync of no file is done", () => {
  const hand = new ByHand();
  hand.sync("none");
  hand.settle();
  assert.deepEqual(hand.answers, ["sync none: done"]);
  assert.deepEqual(hand.disk.list(), []);
});

test("simulated disk: a removal cuts the file or unlinks it", () => {
  const hand = new ByHand();
  hand.put("log", "abcdef");
  hand.remove("log", 4);
  assert.equal(hand.text("log"), "abcdef");
  hand.settle();
  assert.equal(hand.text("log"), "abcd");
  hand.remove("log", 4);
  hand.remove("log", 9);
  hand.append("log", "XY");
  hand.settle();
  assert.equal(hand.text("log"), "abcdXY");
  hand.remove("log");
  hand.remove("none");
  hand.settle();
  assert.deepEqual(hand.names(), []);
  assert.deepEqual(hand.answers.slice(-2), ["remove log: done", "remove none: done"]);
});

test("simulated disk: without room nothing of an append is stored, and removing makes room", () => {
  const hand = new ByHand();
  hand.disk.capacityBytes = 10;
  hand.append("a", "123456");
  hand.append("b", "12345");
  hand.append("c", "1234");
  hand.settle();
  assert.deepEqual(hand.answers.toSorted(), ["append a: done", "append b: full", "append c: done"]);
  assert.deepEqual(hand.names(), ["a", "c"]);
  hand.remove("a", 2);
  hand.settle();
  hand.append("b", "1234");
  hand.settle();
  assert.equal(hand.text("b"), "1234");
  hand.disk.capacityBytes = Infinity;
  hand.append("b", "567890");
  hand.settle();
  assert.equal(hand.text("b"), "1234567890");
  assert.equal(hand.count("append-refused"), 1);
});

test("simulated disk: slowness and stalls take longer, and are counted", () => {
  const pace = { ...QUICK_PACE, appendMs: 1, appendMsMean: 0, syncMs: 2, syncMsMean: 0 };
  const hand = new ByHand(1, { ...pace, stallRate: 1, stallMsMax: 1000 });
  hand.append("log", "x");
  assert.equal(hand.waiting[0]!.dueAt, 1);
  hand.disk.slowness = 10;
  hand.append("other", "x");
  assert.equal(hand.waiting.at(-1)!.dueAt, 10);
  hand.disk.slowness = 1;
  hand.sync("third");
  assert.equal(hand.waiting.length, 3);
  assert.ok(hand.waiting.some(({ dueAt }) => dueAt > 2 && dueAt < 1002 && dueAt !== 10));
  assert.equal(hand.count("disk-slowed"), 1);
  assert.equal(hand.count("disk-stalled"), 1);
});

test("simulated disk: a failed append stores a part, and the next one goes behind it", () => {
  const lengths = new Set<number>();
  for (let seed = 0; seed < 50; seed++) {
    const hand = new ByHand(seed);
    hand.put("log", "ab");
    hand.disk.faults.arm("append-failed");
    hand.append("log", "cd");
    hand.append("log", "!");
    hand.settle();
    assert.deepEqual(hand.answers, [
      "append log: could not append 2 bytes to log",
      "append log: done",
    ]);
    assert.match(hand.text("log"), /^ab(cd?)?!$/);
    lengths.add(hand.text("log").length);
    assert.equal(hand.count("append-failed"), 1);
  }
  assert.deepEqual(lengths, new Set([3, 4, 5]));
});

test("simulated disk: after a failed sync a second one succeeds, without the bytes", () => {
  const hand = new ByHand();
  hand.put("log", "durable ");
  hand.append("log", "forgotten ");
  hand.disk.faults.arm("sync-failed");
  hand.sync("log");
  hand.append("log", "late");
  hand.sync("log");
  hand.settle();
  assert.deepEqual(
    hand.answers.filter((answer) => answer.startsWith("sync")),
    ["sync log: could not sync log", "sync log: done"],
  );
  assert.equal(hand.text("log"), "durable forgotten late");
  hand.disk.crash();
  assert.equal(hand.text("log"), `durable ${"\0".repeat(10)}late`);
  assert.equal(hand.count("sync-failed"), 1);
  assert.equal(hand.count("bytes-forgotten"), 1);
});

test("simulated disk: a fault strikes as often as it is armed, or by its rate", () => {
  const hand = new ByHand();
  hand.disk.faults.arm("append-refused", 2);
  for (let i = 0; i < 3; i++) hand.append("log", "x");
  hand.settle();
  assert.deepEqual(hand.answers, ["append log: full", "append log: full", "append log: done"]);
  hand.disk.faults.rates = { ...hand.disk.faults.rates, "append-refused": 0.5 };
  for (let i = 0; i < 100; i++) hand.append("log", "x");
  hand.settle();
  const refused = hand.count("append-refused") - 2;
  assert.ok(refused > 25 && refused < 75, `${refused} of 100`);
  hand.disk.faults.arm("append-refused");
  hand.disk.faults.calm();
  assert.equal(hand.disk.faults.armed("append-refused"), 0);
  hand.answers.length = 0;
  for (let i = 0; i < 100; i++) hand.append("log", "x");
  hand.settle();
  assert.ok(hand.answers.every((answer) => answer === "append log: done"));
});

test("simulated disk: a replaced disk is empty, and a restored one holds the copy", () => {
  const hand = new ByHand();
  hand.put("log", "one");
  hand.append("log", " two");
  hand.settle();
  const copy = hand.disk.copy();
  hand.append("log", " three");
  hand.disk.wipe();
  hand.settle();
  assert.deepEqual(hand.names(), []);
  hand.disk.crash();
  assert.deepEqual(hand.names(), []);
  for (const target of [hand, new ByHand(2)]) {
    target.put("other", "gone");
    target.disk.restore(copy);
    target.disk.crash();
    assert.deepEqual(target.names(), ["log"]);
    assert.equal(target.text("log"), "one two");
    target.append("log", "!");
    target.settle();
  }
  assert.equal(utf8Decode(copy.get("log")!), "one two");
  assert.equal(hand.count("disk-wiped"), 1);
  assert.equal(hand.count("disk-restored"), 1);
});

test("simulated disk: what cannot be read is zeros in a copy", () => {
  const hand = new ByHand();
  hand.put("log", pattern(1024));
  hand.disk.damage.breakSector("log", 1);
  assert.equal(hand.disk.read("log", 0, 1024), UNREADABLE);
  hand.disk.restore(hand.disk.copy());
  assert.deepEqual(hand.bytes("log").subarray(0, 512), pattern(512));
  assert.deepEqual(hand.bytes("log").subarray(512), new Uint8Array(512));
});

test("simulated disk: many small appends cost about their bytes", () => {
  const hand = new ByHand(1, { ...QUICK_PACE, appendMsMean: 0 });
  const piece = pattern(100);
  for (let i = 0; i < 20_000; i++) {
    hand.append("log", piece);
    if (i % 10 === 0) hand.sync("log");
    hand.settle();
  }
  assert.equal(hand.disk.list()[0]!.bytes, 2_000_000);
  assert.deepEqual(hand.disk.read("log", 1_999_900, 100), piece);
});
