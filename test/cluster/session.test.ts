/**
 * Requests of a session: who counts, and for what a read waits.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "#src/core/outcomes.ts";
import { bytesOf, KEY, SmallCluster, valuesOf, wordOf } from "../support/small-cluster.ts";

const SESSION = { session: true } as const;

/** The value is held by `a` alone. */
function heldByOne(text = "x"): SmallCluster {
  const cluster = new SmallCluster();
  const id = cluster.ask("a", { operation: "put", value: bytesOf(text), w: 1 });
  cluster.drop({ kind: "write" });
  cluster.run();
  assert.equal(wordOf(cluster.reply(id)), "stored");
  return cluster;
}

function numbersOf(outcome: Outcome): readonly unknown[] {
  assert.ok(outcome.kind === "failed", outcome.kind);
  return [outcome.code, outcome.needed, outcome.got];
}

function heldIn(outcome: Outcome): number {
  assert.ok(outcome.kind === "found" || outcome.kind === "not-found");
  return outcome.receipt.held;
}

test("session: a read whose owners agree is answered at once, and writes nothing", () => {
  const cluster = new SmallCluster();
  cluster.put("a", "x");
  const id = cluster.ask("a", { operation: "get", ...SESSION });
  cluster.deliver({ kind: "read" });
  assert.equal(cluster.waiting({ kind: "same" }).length, 1);
  cluster.deliver();
  assert.deepEqual(valuesOf(cluster.reply(id)), ["x"]);
  assert.equal(cluster.waiting({ kind: "write" }).length, 0);
  cluster.finish();
});

test("session: nothing anywhere is not-found at once", () => {
  const cluster = new SmallCluster();
  assert.equal(wordOf(cluster.get("a", SESSION)), "not-found");
  assert.equal(cluster.at("a").factsOf("read-written-back").length, 0);
});

test("session: what one owner holds is returned when a majority holds it durably", () => {
  const cluster = heldByOne();
  cluster.at("b").isDiskHeld = true;
  cluster.at("c").isDiskHeld = true;
  const id = cluster.ask("a", { operation: "get", ...SESSION });
  const asked = cluster.waiting({ kind: "read" })[0]!.to;
  cluster.run();
  assert.ok(!cluster.replies.has(id), "it is on its way to a disk");
  assert.deepEqual(cluster.at("a").factsOf("read-written-back"), [
    { kind: "read-written-back", key: KEY, target: asked },
  ]);
  cluster.at(asked).isDiskHeld = false;
  cluster.run();
  assert.deepEqual(valuesOf(cluster.reply(id)), ["x"]);
  assert.equal(heldIn(cluster.reply(id)), asked === "b" ? 0b011 : 0b101);
  // The one that was written to is not sent the same once more.
  assert.equal(cluster.at("a").factsOf("read-repaired").length, 0);
  cluster.at("b").isDiskHeld = false;
  cluster.at("c").isDiskHeld = false;
  cluster.finish();
});

test("session: a coordinator that lacks it waits for its own disk too", () => {
  const cluster = heldByOne();
  cluster.at("b").isDiskHeld = true;
  cluster.unlink("b", "c");
  const id = cluster.ask("b", { operation: "get", ...SESSION });
  cluster.run();
  assert.ok(!cluster.replies.has(id));
  cluster.at("b").isDiskHeld = false;
  cluster.run();
  assert.deepEqual(valuesOf(cluster.reply(id)), ["x"]);
  assert.equal(heldIn(cluster.reply(id)), 0b011);
});

test("session: owners that each hold something else are all brought what it returns", () => {
  const cluster = heldByOne("one");
  const id = cluster.ask("b", { operation: "put", value: bytesOf("two"), w: 1 });
  cluster.drop({ kind: "write" });
  cluster.run();
  assert.equal(wordOf(cluster.reply(id)), "stored");
  cluster.unlink("a", "c");
  assert.deepEqual(valuesOf(cluster.get("a", SESSION)).sort(), ["one", "two"]);
  for (const owner of ["a", "b"]) {
    assert.deepEqual(cluster.at(owner).values().sort(), ["one", "two"], owner);
  }
});

test("session: who is told and lost, slow, or has no room, is replaced by another owner", () => {
  for (const trouble of ["lost", "silent", "full"] as const) {
    const cluster = heldByOne();
    const id = cluster.ask("a", { operation: "get", ...SESSION });
    cluster.deliver({ kind: "read" });
    const told = cluster.waiting({ kind: "held" })[0]!.from;
    if (trouble === "full") cluster.at(told).disk = "full";
    cluster.deliver({ kind: "held" });
    if (trouble === "lost") cluster.unlink("a", told);
    if (trouble === "silent") {
      cluster.drop({ kind: "write" });
      cluster.pass(200);
    }
    cluster.run();
    assert.deepEqual(valuesOf(cluster.reply(id)), ["x"], trouble);
    assert.equal(heldIn(cluster.reply(id)), told === "b" ? 0b101 : 0b011, trouble);
  }
});

test("session: when too few can hold it, it says so with both numbers, and does not return it", () => {
  const cluster = heldByOne();
  for (const owner of ["b", "c"]) cluster.at(owner).disk = "full";
  const outcome = cluster.get("a", SESSION);
  assert.deepEqual(numbersOf(outcome), ["QUORUM_NOT_MET", 2, 1]);
});

test("session: a write-back that is not confirmed in time is QUORUM_NOT_MET", () => {
  const cluster = heldByOne();
  const id = cluster.ask("a", { operation: "get", timeoutMs: 500, ...SESSION });
  cluster.deliver({ kind: "read" });
  cluster.deliver({ kind: "held" });
  for (let ms = 0; ms < 500; ms++) {
    cluster.drop({ kind: "write" });
    cluster.pass(1);
  }
  assert.deepEqual(numbersOf(cluster.reply(id)), ["QUORUM_NOT_MET", 2, 1]);
});

test("session: an owner that cannot read its row does not count, neither read nor mended", () => {
  const cluster = new SmallCluster();
  cluster.put("a", "x");
  cluster.at("b").damage(KEY);
  cluster.unlink("a", "c");
  const outcome = cluster.get("a", SESSION);
  assert.deepEqual(numbersOf(outcome), ["QUORUM_NOT_MET", 2, 1]);
});

test("session: a level below a majority is raised to it, a higher one is kept", () => {
  const cluster = new SmallCluster({ config: { r: "one", w: "one" } });
  for (const [level, needed] of [
    ["default", 2],
    ["one", 2],
    [2, 2],
    ["all", 3],
  ] as const) {
    const stored = cluster.put("a", "x", { w: level, ...SESSION });
    assert.equal(stored.kind === "stored" && stored.receipt.needed, needed, `${level}`);
    const found = cluster.get("b", { r: level, ...SESSION });
    assert.equal(found.kind === "found" && found.receipt.needed, needed, `${level}`);
    const gone = cluster.delete("c", { r: level, w: level, ...SESSION });
    assert.equal(gone.kind === "deleted" && gone.receipt.needed, needed, `${level}`);
  }
});

test("session: nobody stands in for an owner", () => {
  const sloppy = { pr: "one", pw: "one", hintBytesMax: 1e6, hintBytesPerTargetMax: 1e6 } as const;
  const cluster = new SmallCluster({ others: 2, config: sloppy });
  cluster.put("a", "x");
  for (const owner of ["b", "c"]) cluster.unlink("a", owner);
  assert.deepEqual(valuesOf(cluster.get("a", { r: 1 })), ["x"]);
  assert.equal(wordOf(cluster.put("a", "y")), "stored", "with stand-ins");
  assert.deepEqual(numbersOf(cluster.put("a", "z", SESSION)), ["QUORUM_NOT_MET", 2, 1]);
  assert.deepEqual(numbersOf(cluster.get("a", SESSION)), ["QUORUM_NOT_MET", 2, 1]);
  assert.deepEqual(numbersOf(cluster.delete("a", SESSION)), ["QUORUM_NOT_MET", 2, 1]);
});

test("session: through a node that owns nothing it is the same", () => {
  const cluster = new SmallCluster({ others: 1 });
  const id = cluster.ask("a", { operation: "put", value: bytesOf("x"), w: 1 });
  cluster.drop({ kind: "write" });
  cluster.run();
  assert.equal(wordOf(cluster.reply(id)), "stored");
  const outcome = cluster.get("x", SESSION);
  assert.deepEqual(valuesOf(outcome), ["x"]);
  assert.ok(outcome.kind === "found" && outcome.receipt.coordinator !== "x");
  assert.equal(cluster.at(outcome.receipt.coordinator).factsOf("read-written-back").length, 1);
});

test("session: one who reads after another has read sees as much, whoever is asked", () => {
  for (const [reader, away] of [
    ["b", "c"],
    ["c", "b"],
  ] as const) {
    const cluster = heldByOne();
    assert.deepEqual(valuesOf(cluster.get(reader, SESSION)), ["x"]);
    // The only owner that ever took the write is gone, before anything else was mended.
    cluster.drop();
    cluster.unlink("a", reader);
    cluster.unlink("a", away);
    assert.deepEqual(valuesOf(cluster.get(away, SESSION)), ["x"]);
  }
});
