import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome, Receipt } from "#src/core/outcomes.ts";
import {
  bytesOf,
  KEY,
  SmallCluster,
  valuesOf,
  wordOf,
  type ClusterOptions,
} from "../support/small-cluster.ts";

test("get: absent everywhere is not-found, with a context that covers nothing", () => {
  const cluster = new SmallCluster();
  const absent = cluster.get("a");
  assert.equal(absent.kind, "not-found");
  assert.equal(wordOf(cluster.put("b", "x", { context: contextOf(absent) })), "stored");
  assert.deepEqual(valuesOf(cluster.get("c")), ["x"]);
  cluster.finish();
});

test("get: where owners agree the answer is one byte, no record travels and nothing is repaired", () => {
  const cluster = clusterWith("x");
  const id = cluster.ask("a", { operation: "get", r: "all" });
  cluster.deliver({ kind: "read" });
  assert.deepEqual(
    cluster.waiting().map(({ message }) => message.kind),
    ["same", "same"],
  );
  cluster.run();
  assert.deepEqual(valuesOf(cluster.reply(id)), ["x"]);
  assert.deepEqual(receiptOf(cluster.reply(id)), {
    coordinator: "a",
    epoch: 1,
    needed: 3,
    answered: 0b111,
    held: 0b111,
    hinted: 0,
    siblings: 1,
  });
  assert.deepEqual(cluster.at("a").factsOf("read-repaired"), []);
  cluster.finish();
});

test("get: absent rows agree with each other too", () => {
  const cluster = new SmallCluster();
  cluster.ask("a", { operation: "get", r: "all" });
  cluster.deliver({ kind: "read" });
  assert.deepEqual(
    cluster.waiting().map(({ message }) => message.kind),
    ["same", "same"],
  );
  cluster.finish();
});

test("get: only as many owners are asked as must answer", () => {
  for (const [r, asked] of [
    ["one", 0],
    ["quorum", 1],
    ["all", 2],
  ] as const) {
    const cluster = clusterWith("x");
    cluster.ask("a", { operation: "get", r });
    assert.equal(cluster.waiting({ kind: "read" }).length, asked);
    cluster.finish();
  }
});

test("get: one owner is read without a message, and nothing stays open", () => {
  const cluster = clusterWith("x");
  const id = cluster.ask("a", { operation: "get", r: "one" });
  assert.deepEqual(valuesOf(cluster.reply(id)), ["x"]);
  assert.equal(cluster.at("a").node.openRequests, 0);
});

test("get: an answer that comes twice is one owner", () => {
  const cluster = clusterWith("x");
  const id = cluster.ask("a", { operation: "get", r: "all" });
  cluster.drop({ kind: "read", to: "c" });
  cluster.deliver({ kind: "read" });
  const [same] = cluster.drop({ kind: "same" });
  for (let copy = 0; copy < 5; copy++) cluster.receive("b", "a", same!.message);
  assert.ok(!cluster.replies.has(id));
  cluster.pass(1000);
  assert.deepEqual(numbersOf(cluster.reply(id)), ["QUORUM_NOT_MET", 3, 2]);
  cluster.finish();
});

test("get: an answer from somebody who is no owner counts for nothing", () => {
  const cluster = clusterWith("x", { others: 1 });
  const id = cluster.ask("a", { operation: "get", r: "all" });
  cluster.deliver({ kind: "read", to: "b" });
  const [same] = cluster.drop({ kind: "same" });
  for (const stranger of ["x", "nobody"]) cluster.receive(stranger, "a", same!.message);
  cluster.receive("b", "a", same!.message);
  assert.ok(!cluster.replies.has(id));
  assert.equal(cluster.at("a").factsOf("message-dropped").length, 2);
  cluster.finish();
});

test("get: the others are asked when the first is silent for too long", () => {
  const cluster = clusterWith("x", { config: { spareAfterMs: 20 } });
  const id = cluster.ask("a", { operation: "get" });
  const [first] = cluster.drop({ kind: "read" });
  cluster.pass(19);
  assert.equal(cluster.waiting().length, 0);
  cluster.pass(1);
  const [spare] = cluster.waiting({ kind: "read" });
  assert.ok(spare !== undefined && spare.to !== first!.to);
  assert.deepEqual(
    cluster
      .at("a")
      .factsOf("spare-asked")
      .map(({ peer }) => peer),
    [spare.to],
  );
  cluster.run();
  assert.deepEqual(valuesOf(cluster.reply(id)), ["x"]);
  cluster.finish();
});

test("get: no spare is asked once it is answered, and none when everybody was asked", () => {
  const cluster = clusterWith("x");
  cluster.get("a");
  cluster.ask("a", { operation: "get", r: "all" });
  cluster.drop();
  cluster.pass(500);
  assert.deepEqual(cluster.at("a").factsOf("spare-asked"), []);
  cluster.finish();
});

test("get: an owner that is lost while asked is replaced at once by another", () => {
  const cluster = clusterWith("x");
  const id = cluster.ask("a", { operation: "get" });
  const [first] = cluster.drop({ kind: "read" });
  cluster.unlink("a", first!.to);
  cluster.run();
  assert.deepEqual(valuesOf(cluster.reply(id)), ["x"]);
  cluster.finish();
});

test("get: for one owner that is lost one other is asked, not one for each that is waited for", () => {
  const cluster = clusterWith("x", { owners: 5 });
  const id = cluster.ask("a", { operation: "get", r: 3 });
  const asked = cluster.drop({ kind: "read" });
  assert.equal(asked.length, 2);
  cluster.unlink("a", asked[0]!.to);
  assert.equal(cluster.waiting({ kind: "read" }).length, 1);
  cluster.transit.push(asked[1]!);
  cluster.run();
  assert.deepEqual(valuesOf(cluster.reply(id)), ["x"]);
  cluster.finish();
});

test("get: too few owners to reach is said at once, with both numbers", () => {
  const cluster = clusterWith("x");
  cluster.unlink("a", "b");
  cluster.unlink("a", "c");
  const id = cluster.ask("a", { operation: "get" });
  assert.deepEqual(numbersOf(cluster.reply(id)), ["QUORUM_NOT_MET", 2, 1]);
  assert.equal(cluster.at("a").node.openRequests, 0);
});

test("get: the last owner that could answer is lost while it is waited for", () => {
  const cluster = clusterWith("x");
  const id = cluster.ask("a", { operation: "get", r: "all" });
  cluster.drop();
  cluster.unlink("a", "c");
  assert.deepEqual(numbersOf(cluster.reply(id)), ["QUORUM_NOT_MET", 3, 1]);
  cluster.finish();
});

test("get: silence to the end is not an absent value", () => {
  const cluster = clusterWith("x");
  const id = cluster.ask("a", { operation: "get", timeoutMs: 100 });
  cluster.drop();
  cluster.pass(30);
  cluster.drop();
  cluster.pass(69);
  assert.ok(!cluster.replies.has(id));
  cluster.pass(1);
  assert.deepEqual(numbersOf(cluster.reply(id)), ["QUORUM_NOT_MET", 2, 1]);
  cluster.finish();
});

test("get: a time-out shorter than the spare's wait is kept", () => {
  const cluster = clusterWith("x", { config: { spareAfterMs: 500 } });
  const id = cluster.ask("a", { operation: "get", timeoutMs: 40 });
  cluster.drop();
  cluster.pass(40);
  assert.equal(wordOf(cluster.reply(id)), "QUORUM_NOT_MET");
  cluster.finish();
});

test("get: a row that cannot be read does not count as an absent one, wherever it is", () => {
  for (const damaged of ["a", "b"]) {
    const cluster = clusterWith("x");
    cluster.unlink("a", "c");
    cluster.at(damaged).damage(KEY);
    const got = damaged === "a" ? 0 : 1;
    assert.deepEqual(numbersOf(cluster.get("a")), ["QUORUM_NOT_MET", 2, got], damaged);
    cluster.finish();
  }
});

test("get: a row whose bytes are no row is a damaged one, at this node and at another", () => {
  for (const scrambled of ["a", "b"]) {
    for (const r of [1, 2]) {
      const cluster = clusterWith("x");
      if (scrambled === "a" || r === 2) cluster.at(scrambled).scramble(KEY);
      const outcome = cluster.get("a", { r });
      assert.deepEqual(valuesOf(outcome), ["x"]);
      const bit = scrambled === "a" ? 1 : 2;
      assert.equal(receiptOf(outcome).answered & bit, 0, "the damaged row was not an answer");
      // One answer is not enough to mend from: it might miss an acknowledged write.
      if (r === 1) cluster.get("a", { r: 2 });
      assert.deepEqual(cluster.at(scrambled).values(), ["x"], "and was mended");
      cluster.finish();
    }
  }
});

test("get: an unreadable row is not mended from an owner that missed the write", () => {
  const cluster = new SmallCluster();
  cluster.unlink("a", "c");
  cluster.unlink("b", "c");
  assert.equal(wordOf(cluster.put("a", "kept")), "stored");
  cluster.link("a", "c");
  cluster.unlink("a", "b");
  cluster.at("a").damage(KEY);
  // Only c can be asked, and c missed the write.
  assert.deepEqual(valuesOf(cluster.get("a", { r: 1 })), []);
  assert.ok(cluster.at("a").isDamaged(KEY), "c alone does not make the row good");
  assert.equal(wordOf(cluster.get("a", { r: 2 })), "QUORUM_NOT_MET");
  cluster.link("a", "b");
  assert.deepEqual(valuesOf(cluster.get("a", { r: 2 })), ["kept"]);
  assert.ok(!cluster.at("a").isDamaged(KEY));
  cluster.finish();
});

test("get: siblings are counted, and folded when equal", () => {
  const cluster = new SmallCluster();
  for (const at of ["a", "b"]) cluster.ask(at, { operation: "put", value: bytesOf("twin") });
  cluster.run();
  const outcome = cluster.get("c");
  assert.deepEqual(valuesOf(outcome), ["twin"]);
  assert.equal(cluster.at("c").record().dots.length, 2);
  cluster.put("c", "next", { context: contextOf(outcome) });
  assert.deepEqual(valuesOf(cluster.get("a")), ["next"]);
  cluster.finish();
});

function clusterWith(text: string, options: ClusterOptions = {}): SmallCluster {
  const cluster = new SmallCluster(options);
  assert.equal(wordOf(cluster.put("a", text)), "stored");
  return cluster;
}

function contextOf(outcome: Outcome): Uint8Array {
  return outcome.context;
}

function receiptOf(outcome: Outcome): Receipt {
  assert.ok(outcome.kind !== "failed", wordOf(outcome));
  return outcome.receipt;
}

function numbersOf(outcome: Outcome): [code: string, needed: number, got: number] {
  assert.ok(outcome.kind === "failed", outcome.kind);
  return [outcome.code, outcome.needed, outcome.got];
}
