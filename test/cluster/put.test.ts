import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "#src/core/outcomes.ts";
import type { BucketMode } from "#src/core/requests.ts";
import { bytesOf, KEY, SmallCluster, valuesOf, wordOf } from "../support/small-cluster.ts";

const MODES: readonly BucketMode[] = ["overwrite", "siblings", "lww", "merge"];

test("put: what was stored is found at every owner, in every mode", () => {
  for (const mode of MODES) {
    const cluster = new SmallCluster();
    assert.equal(wordOf(cluster.put("a", "one", { mode })), "stored");
    for (const name of ["a", "b", "c"]) {
      assert.deepEqual(valuesOf(cluster.get(name, { mode })), ["one"]);
      assert.deepEqual(cluster.at(name).values(), ["one"]);
    }
    cluster.finish();
  }
});

test("put: every number of owners and every level", () => {
  for (let owners = 1; owners <= 5; owners++) {
    for (let level = 1; level <= owners; level++) {
      const cluster = new SmallCluster({ owners });
      const stored = cluster.put("a", "one", { w: level });
      assert.equal(stored.kind === "stored" && stored.receipt.needed, level);
      const last = "abcde"[owners - 1]!;
      assert.deepEqual(valuesOf(cluster.get(last, { r: owners + 1 - level })), ["one"]);
      cluster.finish();
    }
  }
});

test("put: two hundred blind ones leave one value, from one node or from all in turn", () => {
  for (const mode of ["overwrite", "lww"] as const) {
    for (const coordinators of ["a", "abc"]) {
      const cluster = new SmallCluster();
      for (let count = 0; count < 200; count++) {
        const at = coordinators[count % coordinators.length]!;
        assert.equal(wordOf(cluster.put(at, `value ${count}`, { mode })), "stored");
      }
      assert.deepEqual(valuesOf(cluster.get("b", { mode })), ["value 199"]);
      assert.equal(cluster.at("c").record().dots.length, 1);
      cluster.finish();
    }
  }
});

test("put: one owner that misses blind ones never holds more values than there are coordinators", () => {
  const cluster = new SmallCluster();
  for (let count = 0; count < 100; count++) {
    const at = "abc"[count % 3]!;
    cluster.ask(at, { operation: "put", value: bytesOf(`${count}`) });
    cluster.complete();
    // The third owner of each hears nothing of it.
    cluster.drop({ kind: "write", to: "abc"[(count + 2) % 3]! });
    cluster.run();
    for (const name of "abc") assert.ok(cluster.at(name).values().length <= 3);
  }
  assert.ok(valuesOf(cluster.get("a", { r: "all" })).includes("99"));
  cluster.finish();
});

test("put: blind ones in a bucket of siblings are concurrent, and none is lost", () => {
  for (const mode of ["siblings", "merge"] as const) {
    const cluster = new SmallCluster();
    for (let count = 0; count < 10; count++) cluster.put("abc"[count % 3]!, `${count}`, { mode });
    const expected = Array.from({ length: 10 }, (_, index) => `${index}`);
    assert.deepEqual(valuesOf(cluster.get("b", { mode })).sort(), expected);
    cluster.finish();
  }
});

test("put: two with one context are siblings, and a put with the context of both ends them", () => {
  for (const mode of ["overwrite", "siblings", "merge"] as const) {
    const cluster = new SmallCluster();
    const first = contextOf(cluster.put("a", "first", { mode }));
    cluster.put("a", "left", { mode, context: first });
    cluster.put("b", "right", { mode, context: first });
    const both = cluster.get("c", { mode });
    assert.deepEqual(valuesOf(both).sort(), ["left", "right"]);
    cluster.put("c", "both", { mode, context: contextOf(both) });
    for (const name of "abc") assert.deepEqual(cluster.at(name).values(), ["both"]);
    cluster.finish();
  }
});

test("put: in an lww bucket the newest of two concurrent ones is shown alone, everywhere the same", () => {
  const cluster = new SmallCluster();
  for (const [at, text, wallMs] of [
    ["a", "late", 9000],
    ["b", "early", 8000],
  ] as const) {
    cluster.ask(at, { operation: "put", mode: "lww", value: bytesOf(text), wallMs });
  }
  cluster.run();
  for (const name of "abc") {
    assert.equal(cluster.at(name).record().dots.length, 2);
    assert.deepEqual(valuesOf(cluster.get(name, { mode: "lww" })), ["late"]);
  }
  cluster.put("b", "next", { mode: "lww", wallMs: 10 });
  assert.deepEqual(valuesOf(cluster.get("a", { mode: "lww" })), ["next"], "both are replaced");
  assert.equal(cluster.at("c").record().dots.length, 1);
  cluster.finish();
});

test("put: in an lww bucket a context adds to what is replaced, and never takes away", () => {
  const cluster = new SmallCluster();
  const { context } = cluster.put("a", "first", { mode: "lww" });
  cluster.put("b", "second", { mode: "lww" });
  cluster.put("c", "third", { mode: "lww", context });
  assert.deepEqual(cluster.at("a").values(), ["third"]);
  cluster.finish();
});

test("put: a clock far in the future does not make a value that cannot be overwritten", () => {
  for (const mode of MODES) {
    const cluster = new SmallCluster();
    const stored = cluster.put("a", "from the future", { mode, wallMs: 2 ** 47 });
    cluster.put("b", "now", { mode, wallMs: 1000, context: contextOf(stored) });
    assert.deepEqual(valuesOf(cluster.get("c", { mode })), ["now"]);
    cluster.finish();
  }
});

test("put: its own answer's context is enough for the next put of the same client", () => {
  const cluster = new SmallCluster();
  let context = contextOf(cluster.put("a", "0"));
  for (let count = 1; count < 20; count++) {
    context = contextOf(cluster.put("abc"[count % 3]!, `${count}`, { context }));
  }
  assert.deepEqual(valuesOf(cluster.get("a")), ["19"]);
  cluster.finish();
});

test("put: the context of a blind one in a bucket of siblings covers that one only", () => {
  const cluster = new SmallCluster();
  cluster.put("a", "theirs", { mode: "siblings" });
  const mine = contextOf(cluster.put("a", "mine", { mode: "siblings" }));
  cluster.put("b", "mine again", { mode: "siblings", context: mine });
  assert.deepEqual(valuesOf(cluster.get("c")).sort(), ["mine again", "theirs"]);
  cluster.finish();
});

test("put: an empty value is a value", () => {
  const cluster = new SmallCluster();
  cluster.put("a", "");
  assert.deepEqual(valuesOf(cluster.get("b")), [""]);
  cluster.finish();
});

test("put: is answered when W distinct owners hold it durably, not before", () => {
  const cluster = new SmallCluster();
  const id = cluster.ask("a", { operation: "put", value: bytesOf("x"), w: 2 });
  const [toB] = cluster.drop({ kind: "write", to: "b" });
  cluster.drop({ kind: "write", to: "c" });
  for (const member of cluster.members.values()) member.isDiskHeld = true;
  cluster.run();
  assert.ok(!cluster.replies.has(id), "its own disk has not finished");
  cluster.at("a").isDiskHeld = false;
  cluster.run();
  assert.ok(!cluster.replies.has(id), "one owner holds it");
  cluster.transit.push(toB!);
  cluster.run();
  assert.ok(!cluster.replies.has(id), "the disk of the second has not finished");
  cluster.at("b").isDiskHeld = false;
  cluster.complete();
  cluster.deliver({ kind: "written", from: "b" });
  const stored = cluster.reply(id);
  assert.equal(stored.kind, "stored");
  assert.deepEqual(stored.kind === "stored" && stored.receipt, {
    coordinator: "a",
    epoch: 1,
    needed: 2,
    answered: 0b011,
    held: 0b011,
    hinted: 0,
    siblings: 1,
  });
  cluster.finish();
});

test("put: an acknowledgement that comes twice is one owner", () => {
  const cluster = new SmallCluster();
  const id = cluster.ask("a", { operation: "put", value: bytesOf("x"), w: 3 });
  cluster.drop({ kind: "write", to: "c" });
  cluster.deliver();
  cluster.complete();
  const [written] = cluster.drop({ kind: "written", from: "b" });
  for (let copy = 0; copy < 5; copy++) cluster.receive("b", "a", written!.message);
  assert.ok(!cluster.replies.has(id));
  cluster.pass(2000);
  assert.equal(wordOf(cluster.reply(id)), "OUTCOME_UNKNOWN");
  cluster.finish();
});

test("put: a write that comes twice is stored once and acknowledged twice", () => {
  const cluster = new SmallCluster();
  cluster.ask("a", { operation: "put", value: bytesOf("x") });
  const [write] = cluster.waiting({ kind: "write", to: "b" });
  cluster.transit.push(write!, write!);
  cluster.run();
  assert.equal(cluster.at("b").record().dots.length, 1);
  assert.deepEqual(valuesOf(cluster.get("b")), ["x"]);
  cluster.finish();
});

test("put: with too few owners reachable nothing is stored anywhere", () => {
  const cluster = new SmallCluster();
  cluster.unlink("a", "b");
  cluster.unlink("a", "c");
  const refused = cluster.put("a", "x");
  assert.deepEqual(numbersOf(refused), ["QUORUM_NOT_MET", 2, 1]);
  for (const name of "abc") assert.equal(cluster.at(name).record().context.length, 0);
  assert.equal(wordOf(cluster.put("a", "x", { w: 1 })), "stored");
  cluster.finish();
});

test("put: after the write was sent silence is an unknown outcome, and the write may have happened", () => {
  const cluster = new SmallCluster();
  const id = cluster.ask("a", { operation: "put", value: bytesOf("x"), timeoutMs: 300 });
  cluster.deliver({ kind: "write", to: "b" });
  cluster.complete();
  cluster.drop({});
  cluster.pass(299);
  assert.ok(!cluster.replies.has(id));
  cluster.pass(1);
  assert.deepEqual(numbersOf(cluster.reply(id)), ["OUTCOME_UNKNOWN", 2, 1]);
  assert.deepEqual(valuesOf(cluster.get("b")), ["x"]);
  cluster.finish();
});

test("put: an owner that is lost on the way is answered for at once", () => {
  const cluster = new SmallCluster();
  const id = cluster.ask("a", { operation: "put", value: bytesOf("x"), w: "all" });
  cluster.complete();
  cluster.unlink("a", "c");
  assert.deepEqual(numbersOf(cluster.reply(id)), ["OUTCOME_UNKNOWN", 3, 1]);
  cluster.finish();
});

test("put: an owner that was thought lost and did it counts after all", () => {
  const cluster = new SmallCluster();
  const id = cluster.ask("a", { operation: "put", value: bytesOf("x"), w: 2 });
  cluster.deliver({ kind: "write" });
  cluster.at("b").complete();
  const [written] = cluster.drop({ kind: "written", from: "b" });
  cluster.unlink("a", "b");
  cluster.receive("b", "a", written!.message);
  assert.ok(!cluster.replies.has(id));
  cluster.at("a").complete();
  assert.equal(wordOf(cluster.reply(id)), "stored");
  cluster.finish();
});

test("put: a full disk does not count, at this node or at another", () => {
  for (const [full, w, expected] of [
    ["a", 2, "stored"],
    ["a", 3, "OUTCOME_UNKNOWN"],
    ["b", 2, "stored"],
    ["b", 3, "OUTCOME_UNKNOWN"],
  ] as const) {
    const cluster = new SmallCluster();
    cluster.at(full).disk = "full";
    assert.equal(wordOf(cluster.put("a", "x", { w })), expected, `${full} ${w}`);
    assert.deepEqual(cluster.at(full).values(), []);
    cluster.finish();
  }
});

test("put: a row of this node that cannot be read refuses, and another owner takes the write", () => {
  const cluster = new SmallCluster();
  cluster.put("a", "old");
  cluster.at("a").damage(KEY);
  assert.equal(wordOf(cluster.put("a", "new")), "DAMAGED");
  assert.equal(wordOf(cluster.put("b", "new")), "stored");
  assert.equal(wordOf(cluster.put("b", "newer", { w: "all" })), "OUTCOME_UNKNOWN");
  cluster.finish();
});

function contextOf(outcome: Outcome): Uint8Array {
  assert.ok(outcome.kind !== "failed", wordOf(outcome));
  return outcome.context;
}

function numbersOf(outcome: Outcome): [code: string, needed: number, got: number] {
  assert.ok(outcome.kind === "failed");
  return [outcome.code, outcome.needed, outcome.got];
}

test("put: a coordinator whose disk was full never hands out the same dot again", () => {
  const cluster = new SmallCluster();
  assert.equal(wordOf(cluster.put("a", "before")), "stored");
  cluster.at("a").disk = "full";
  assert.equal(wordOf(cluster.put("a", "while full")), "stored");
  cluster.at("a").disk = "durable";
  assert.equal(wordOf(cluster.put("a", "after", { w: "all" })), "stored");
  const dots = cluster.at("a").factsOf("dot-minted");
  const names = dots.map(({ high, low, epoch, n }) => `${high} ${low} ${epoch} ${n}`);
  assert.equal(new Set(names).size, 3);
  // The row at a had not seen the second write, so it stands beside the third, and nothing is lost.
  assert.deepEqual(valuesOf(cluster.get("a", { r: "all" })), ["after", "while full"]);
  cluster.finish();
});
