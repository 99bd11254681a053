import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeRecord } from "#src/core/causality/record-codec.ts";
import { bytesOf, KEY, SmallCluster, valuesOf, wordOf } from "../support/small-cluster.ts";

test("read repair: an owner that missed a write is sent it by the read that notices", () => {
  for (const reader of ["a", "c"]) {
    const cluster = new SmallCluster();
    putWithout(cluster, "c", "x");
    const outcome = cluster.get(reader, { r: "all" });
    assert.deepEqual(valuesOf(outcome), ["x"]);
    assert.ok(outcome.kind === "found" && outcome.receipt.held === 0b011, "c did not hold it then");
    assert.deepEqual(cluster.at("c").values(), ["x"]);
    assert.deepEqual(cluster.at(reader).factsOf("read-repaired"), [
      { kind: "read-repaired", key: KEY, target: "c", late: false },
    ]);
    assertAgreed(cluster);
  }
});

test("read repair: owners that each miss something get everything", () => {
  const cluster = new SmallCluster();
  putWithout(cluster, "c", "one");
  const id = cluster.ask("c", { operation: "put", value: bytesOf("two"), w: 1 });
  cluster.drop({ kind: "write" });
  cluster.run();
  assert.equal(wordOf(cluster.reply(id)), "stored");
  assert.deepEqual(valuesOf(cluster.get("b", { r: "all" })).sort(), ["one", "two"]);
  assertAgreed(cluster);
});

test("read repair: an answer that comes after the client was served still mends", () => {
  const cluster = new SmallCluster();
  putWithout(cluster, "c", "x");
  const { id, late } = readWithLate(cluster, "c");
  assert.deepEqual(valuesOf(cluster.reply(id)), ["x"]);
  assert.deepEqual(cluster.at("c").values(), []);
  cluster.transit.push(...late);
  cluster.run();
  assert.deepEqual(cluster.at("c").values(), ["x"]);
  assert.ok(
    cluster
      .at("a")
      .factsOf("read-repaired")
      .every((fact) => fact.late),
  );
  assertAgreed(cluster);
});

test("read repair: a late one that knows more mends those that answered before, this node too", () => {
  const cluster = new SmallCluster();
  const put = cluster.ask("c", { operation: "put", value: bytesOf("x"), w: 1 });
  cluster.drop({ kind: "write" });
  cluster.run();
  assert.equal(wordOf(cluster.reply(put)), "stored");
  const { id, late } = readWithLate(cluster, "c");
  assert.equal(wordOf(cluster.reply(id)), "not-found");
  cluster.transit.push(...late);
  cluster.run();
  assertAgreed(cluster);
  assert.deepEqual(cluster.at("a").values(), ["x"]);
});

test("read repair: a late one that is the same as this node's row, which was behind, is mended too", () => {
  const cluster = new SmallCluster();
  // Only b has the value: a reads b at once and c, as empty as a, late.
  const put = cluster.ask("b", { operation: "put", value: bytesOf("x"), w: 1 });
  cluster.drop({ kind: "write" });
  cluster.run();
  assert.equal(wordOf(cluster.reply(put)), "stored");
  const { id, late } = readWithLate(cluster, "c");
  assert.deepEqual(valuesOf(cluster.reply(id)), ["x"]);
  assert.ok(late.every(({ message }) => message.kind === "read"));
  cluster.transit.push(...late);
  cluster.run();
  assertAgreed(cluster);
});

test("read repair: a deletion travels like a value, and what it deleted does not come back", () => {
  const cluster = new SmallCluster();
  cluster.put("a", "x");
  const id = cluster.ask("a", { operation: "delete", context: cluster.get("a").context });
  cluster.drop({ kind: "write", to: "c" });
  cluster.run();
  assert.equal(wordOf(cluster.reply(id)), "deleted");
  assert.deepEqual(cluster.at("c").values(), ["x"]);
  assert.equal(wordOf(cluster.get("c", { r: "all" })), "not-found");
  assertAgreed(cluster);
});

test("read repair: a damaged row is mended, at this node and at another, also when it answers late", () => {
  for (const damaged of ["a", "b", "c"]) {
    const cluster = new SmallCluster();
    cluster.put("b", "x");
    cluster.at(damaged).damage(KEY);
    assert.deepEqual(valuesOf(cluster.get("a", { r: 2 })), ["x"], damaged);
    if (cluster.at(damaged).isDamaged(KEY)) cluster.get(damaged);
    assert.deepEqual(cluster.at(damaged).values(), ["x"], damaged);
    assert.equal(wordOf(cluster.put(damaged, "y", { w: 3 })), "stored");
    assertAgreed(cluster);
  }
});

test("read repair: what came late from a damaged row is mended late", () => {
  const cluster = new SmallCluster();
  cluster.put("a", "x");
  cluster.at("c").damage(KEY);
  const { id, late } = readWithLate(cluster, "c");
  assert.deepEqual(valuesOf(cluster.reply(id)), ["x"]);
  cluster.transit.push(...late);
  cluster.run();
  assert.deepEqual(cluster.at("c").values(), ["x"]);
  assertAgreed(cluster);
});

test("read repair: a repair that comes late, twice, or after newer writes does no harm", () => {
  const cluster = new SmallCluster();
  putWithout(cluster, "c", "old");
  cluster.ask("a", { operation: "get", r: "all" });
  cluster.deliver({ kind: "read" });
  cluster.deliver();
  const repairs = cluster.drop({ kind: "repair" });
  assert.equal(repairs.length, 1);
  cluster.run();
  cluster.put("b", "new");
  cluster.transit.push(...repairs, ...repairs);
  cluster.run();
  for (const name of "abc") assert.deepEqual(cluster.at(name).values(), ["new"]);
  assertAgreed(cluster);
});

/** A put that one owner hears nothing of. */
function putWithout(cluster: SmallCluster, without: string, text: string): void {
  const id = cluster.ask("a", { operation: "put", value: bytesOf(text) });
  cluster.drop({ kind: "write", to: without });
  cluster.run();
  assert.equal(wordOf(cluster.reply(id)), "stored");
  cluster.pass(2000);
}

/** A read at `a` of all three that two answer; the read to the third is held back. */
function readWithLate(
  cluster: SmallCluster,
  lateOwner: string,
): { id: number; late: ReturnType<SmallCluster["drop"]> } {
  const id = cluster.ask("a", { operation: "get", r: 2 });
  const held = cluster.drop({ kind: "read" });
  cluster.pass(20);
  held.push(...cluster.drop({ kind: "read" }));
  const late = held.filter(({ to }) => to === lateOwner);
  assert.equal(late.length, 1);
  cluster.transit.push(...held.filter(({ to }) => to !== lateOwner));
  cluster.run();
  return { id, late };
}

function assertAgreed(cluster: SmallCluster): void {
  cluster.finish();
  const records = ["a", "b", "c"].map((name) => encodeRecord(cluster.at(name).record()));
  assert.deepEqual(records[1], records[0]);
  assert.deepEqual(records[2], records[0]);
}
