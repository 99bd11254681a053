import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeRecord } from "#src/core/causality/record-codec.ts";
import { entryOf } from "#src/core/causality/context.ts";
import { deleteDelta } from "#src/core/causality/record.ts";
import { GOODBYE, hello, layoutTold, read, repair, write } from "#src/core/messages.ts";
import type { Message } from "#src/core/messages.ts";
import { bytesOf, KEY, SmallCluster, valuesOf, wordOf } from "../support/small-cluster.ts";

const ABSENT = { high: 0, low: 0 };

test("node: messages of another layout epoch are refused, and the older side learns the newer layout", () => {
  for (const ahead of ["a", "b"] as const) {
    const cluster = new SmallCluster();
    cluster.put("a", "v");
    const newer = cluster.layout(2, ["a", "b", "c"], 3);
    cluster.receive("c", ahead, layoutTold(newer));
    const id = cluster.ask("a", { operation: "put", value: bytesOf("w"), w: 3 });
    cluster.drop({ to: "c" });
    cluster.deliver({ kind: "write" });
    const [refused] = cluster.waiting({ kind: "refused", from: "b" });
    assert.ok(refused?.message.kind === "refused" && refused.message.reason === "stale-epoch");
    cluster.run();
    assert.equal(wordOf(cluster.reply(id)), "OUTCOME_UNKNOWN");
    for (const name of ["a", "b"]) assert.equal(cluster.at(name).node.layout.epoch, 2, name);
    assert.deepEqual(valuesOf(cluster.get("a")), ["w"]);
    cluster.finish();
  }
});

test("node: a hello of a newer layout is answered by asking for it", () => {
  const cluster = new SmallCluster();
  cluster.receive("c", "a", layoutTold(cluster.layout(7, ["b", "c", "a"], 3)));
  cluster.link("a", "b");
  cluster.run();
  assert.deepEqual(
    ["a", "b", "c"].map((name) => cluster.at(name).node.layout.epoch),
    [7, 7, 1],
  );
  assert.deepEqual(cluster.at("b").factsOf("layout-adopted"), [
    { kind: "layout-adopted", epoch: 7 },
  ]);
});

test("node: an older layout, an equal one, and one of another cluster are not adopted", () => {
  const cluster = new SmallCluster();
  const current = cluster.layout(5, ["a", "b", "c"], 3);
  cluster.receive("b", "a", layoutTold(current));
  for (const epoch of [4, 5]) {
    cluster.receive("b", "a", layoutTold(cluster.layout(epoch, ["c", "b", "a"], 2)));
  }
  const foreign = cluster.layout(9, ["a", "b", "c"], 3, "other");
  cluster.receive("b", "a", layoutTold(foreign));
  assert.equal(cluster.at("a").node.layout, current);
});

test("node: what it does not own it neither reads nor writes for others", () => {
  const cluster = new SmallCluster({ others: 1 });
  const delta = encodeRecord(deleteDelta([entryOf({ high: 1, low: 1, epoch: 1 }, 1)]));
  for (const message of [read(1, 1, 100, KEY, ABSENT), write(2, 1, 0, 100, KEY, delta)]) {
    cluster.receive("a", "x", message);
  }
  const answers = cluster.drop({ from: "x" }).map(({ message }) => message);
  assert.deepEqual(
    answers.map((message) => message.kind === "refused" && message.reason),
    ["not-owner", "not-owner"],
  );
  cluster.receive("a", "x", repair(1, 0, KEY, delta));
  assert.deepEqual(
    cluster
      .at("x")
      .factsOf("message-dropped")
      .map(({ reason }) => reason),
    ["not-owner"],
  );
  assert.equal(cluster.at("x").record().context.length, 0);
});

test("node: messages whose time is over, or that make no sense, are dropped and noted", () => {
  const cluster = new SmallCluster();
  const delta = encodeRecord(deleteDelta([entryOf({ high: 1, low: 1, epoch: 1 }, 1)]));
  const table: readonly [Message, string][] = [
    [read(1, 1, 0, KEY, ABSENT), "expired"],
    [write(1, 1, 0, 0, KEY, delta), "expired"],
    [write(1, 1, 0, 9, KEY, Uint8Array.of(1, 2, 3)), "malformed"],
    [write(1, 1, 0, 9, KEY, new Uint8Array(0)), "malformed"],
    [repair(1, 0, KEY, Uint8Array.of(9)), "malformed"],
    [repair(2, 0, KEY, delta), "stale-epoch"],
    [{ kind: "written", id: 5 }, "unknown-id"],
    [{ kind: "same", id: 5 }, "unknown-id"],
    [{ kind: "held", id: 5, record: delta }, "unknown-id"],
    [{ kind: "refused", id: 5, reason: "full", epoch: 1 }, "unknown-id"],
    [hello(0, 1, 0), "old-generation"],
  ];
  for (const [message, reason] of table) {
    cluster.receive("b", "a", message);
    assert.equal(cluster.at("a").factsOf("message-dropped").at(-1)?.reason, reason, message.kind);
  }
  assert.equal(cluster.at("a").factsOf("message-dropped").length, table.length);
  assert.equal(cluster.at("a").record().context.length, 0);
});

test("node: replies for another operation's number, or of the wrong kind, change nothing", () => {
  const cluster = new SmallCluster();
  cluster.put("a", "v");
  const id = cluster.ask("a", { operation: "get", r: 3 });
  const sent = cluster.drop({ kind: "read" });
  const [first] = sent;
  assert.ok(first?.message.kind === "read");
  cluster.receive("b", "a", { kind: "written", id: first.message.id });
  cluster.receive("c", "a", { kind: "answer", id: first.message.id, outcome: cluster.get("b") });
  assert.ok(!cluster.replies.has(id));
  cluster.transit.push(...sent);
  cluster.run();
  assert.deepEqual(valuesOf(cluster.reply(id)), ["v"]);
  cluster.finish();
});

test("node: a connection that comes again is used again", () => {
  const cluster = new SmallCluster();
  for (const other of ["b", "c"]) cluster.unlink("a", other);
  assert.equal(wordOf(cluster.put("a", "v")), "QUORUM_NOT_MET");
  cluster.link("a", "c");
  assert.equal(wordOf(cluster.put("a", "v")), "stored");
  assert.deepEqual(valuesOf(cluster.get("c")), ["v"]);
  const { facts } = cluster.at("a");
  const words = facts.flatMap((fact) =>
    fact.kind === "peer-linked" || fact.kind === "peer-lost" ? [`${fact.kind} ${fact.peer}`] : [],
  );
  assert.deepEqual(words, [
    "peer-linked b",
    "peer-linked c",
    "peer-lost b",
    "peer-lost c",
    "peer-linked c",
  ]);
  cluster.finish();
});

test("node: numbers of requests differ from one life of a node to the next", () => {
  const numbers = ["a", "b", "c"].map((at) => {
    const cluster = new SmallCluster();
    cluster.ask(at, { operation: "put" });
    const { message } = cluster.waiting({ kind: "write" })[0]!;
    assert.ok(message.kind === "write");
    return message.id;
  });
  assert.equal(new Set(numbers).size, 3);
  assert.ok(numbers.every((id) => Number.isSafeInteger(id) && id < 2 ** 48 + 10));
});

test("node: a goodbye of somebody unknown, and one that comes twice, do no harm", () => {
  const cluster = new SmallCluster();
  cluster.receive("nobody", "a", GOODBYE);
  cluster.receive("b", "a", GOODBYE);
  cluster.receive("b", "a", GOODBYE);
  assert.equal(wordOf(cluster.put("a", "v")), "stored", "c is there");
  cluster.finish();
});
