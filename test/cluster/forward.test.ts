import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome } from "#src/core/outcomes.ts";
import { bytesOf, KEY, SmallCluster, valuesOf, wordOf } from "../support/small-cluster.ts";

test("forward: a node that owns nothing serves every operation through one owner", () => {
  const cluster = new SmallCluster({ others: 1 });
  const stored = cluster.put("x", "one");
  assert.ok(stored.kind === "stored" && stored.receipt.coordinator !== "x");
  const found = cluster.get("x");
  assert.deepEqual(valuesOf(found), ["one"]);
  assert.equal(wordOf(cluster.put("x", "two", { context: found.context })), "stored");
  assert.deepEqual(valuesOf(cluster.get("a")), ["two"]);
  const deleted = cluster.delete("x");
  assert.ok(deleted.kind === "deleted" && deleted.existed);
  assert.equal(wordOf(cluster.get("x")), "not-found");
  assert.deepEqual(cluster.at("x").values(), []);
  cluster.finish();
});

test("forward: goes to one owner, home first, with the time that is left and all of the request", () => {
  const cluster = new SmallCluster({ others: 1 });
  cluster.put("a", "zero");
  const { context } = cluster.get("a");
  const given = {
    value: bytesOf("v"),
    context,
    mode: "siblings",
    r: 1,
    w: 3,
    pr: 2,
    pw: "all",
    session: true,
    ttlMs: 900,
  } as const;
  cluster.ask("x", { operation: "put", timeoutMs: 700, wallMs: 42, ...given });
  const asks = cluster.waiting({ kind: "ask" });
  assert.deepEqual(
    asks.map(({ to }) => to),
    ["a"],
  );
  const { message } = asks[0]!;
  assert.ok(message.kind === "ask");
  const { id, ...rest } = message.request;
  assert.ok(id > 0);
  const expected = { operation: "put", key: KEY, timeoutMs: 700, wallMs: 42, forwarded: true };
  assert.deepEqual(rest, { ...expected, ...given });
  assert.equal(cluster.at("x").factsOf("request-forwarded").length, 1);
  cluster.finish();
});

test("forward: a busy home gives way to another owner", () => {
  const cluster = new SmallCluster({ others: 1 });
  const targets = new Set<string>();
  for (let count = 0; count < 6; count++) {
    cluster.ask("x", { operation: "get" });
    for (const { to } of cluster.drop({ kind: "ask" })) targets.add(to);
  }
  assert.deepEqual([...targets].sort(), ["a", "b", "c"]);
  cluster.pass(2000);
  cluster.finish();
});

test("forward: owners that were silent have their turns, the home too", () => {
  const cluster = new SmallCluster({ others: 1 });
  const asked: string[] = [];
  for (let count = 0; count < 6; count++) {
    cluster.ask("x", { operation: "put", timeoutMs: 50 });
    asked.push(...cluster.drop({ kind: "ask" }).map(({ to }) => to));
    cluster.pass(50);
  }
  assert.deepEqual(asked, ["a", "b", "c", "a", "b", "c"]);
  cluster.finish();
});

test("forward: what was forwarded is never forwarded again", () => {
  const cluster = new SmallCluster({ others: 2 });
  // By a newer layout, which x has not heard of, none of the three is an owner any more.
  const moved = cluster.layout(2, ["d", "e", "f", "a", "b", "c", "x", "y"], 3);
  for (const name of "abc") cluster.receive("y", name, { kind: "layout-told", layout: moved });
  cluster.run();
  const outcome = cluster.get("x");
  assert.equal(wordOf(outcome), "NOT_OWNER");
  for (const name of "abc") assert.deepEqual(cluster.at(name).factsOf("request-forwarded"), []);
  assert.equal(cluster.at("x").factsOf("request-forwarded").length, 3, "each owner was tried");
  cluster.finish();
});

test("forward: a read whose owner is lost is sent to the next, until there is none", () => {
  const cluster = new SmallCluster({ others: 1 });
  cluster.put("a", "v");
  const id = cluster.ask("x", { operation: "get" });
  cluster.unlink("x", "a");
  cluster.run();
  assert.deepEqual(valuesOf(cluster.reply(id)), ["v"]);
  const last = cluster.ask("x", { operation: "get" });
  cluster.drop({ kind: "ask" });
  cluster.unlink("x", "b");
  cluster.drop({ kind: "ask" });
  cluster.unlink("x", "c");
  assert.equal(wordOf(cluster.reply(last)), "QUORUM_NOT_MET");
  assert.equal(wordOf(cluster.put("x", "w")), "QUORUM_NOT_MET", "and nobody to forward to");
  cluster.finish();
});

test("forward: a write whose owner is lost is not sent again: it may have been done", () => {
  for (const operation of ["put", "delete"] as const) {
    const cluster = new SmallCluster({ others: 1 });
    cluster.put("a", "v");
    const id = cluster.ask("x", { operation });
    cluster.unlink("x", "a");
    assert.equal(wordOf(cluster.reply(id)), "OUTCOME_UNKNOWN");
    assert.deepEqual(cluster.waiting({ kind: "ask" }), []);
    cluster.finish();
  }
});

test("forward: silence to the end is unknown for a write, and no quorum for a read", () => {
  for (const [operation, code] of [
    ["get", "QUORUM_NOT_MET"],
    ["put", "OUTCOME_UNKNOWN"],
    ["delete", "OUTCOME_UNKNOWN"],
  ] as const) {
    const cluster = new SmallCluster({ others: 1 });
    const id = cluster.ask("x", { operation, timeoutMs: 50 });
    cluster.drop();
    cluster.pass(49);
    assert.ok(!cluster.replies.has(id));
    cluster.pass(1);
    assert.equal(wordOf(cluster.reply(id)), code);
    cluster.finish();
  }
});

test("forward: an owner that could do nothing is not the last word", () => {
  const cluster = new SmallCluster({ others: 1 });
  cluster.put("a", "v");
  cluster.at("a").damage(KEY);
  assert.equal(wordOf(cluster.put("x", "w")), "stored", "a refuses its damaged row, b does it");
  cluster.finish();
});

test("forward: every owner's refusal is the client's answer at last", () => {
  const cluster = new SmallCluster({ others: 1 });
  for (const name of "abc") cluster.at(name).damage(KEY);
  assert.equal(wordOf(cluster.put("x", "w")), "DAMAGED");
  cluster.finish();
});

test("forward: a refusal that would be the same everywhere comes back at once", () => {
  const cluster = new SmallCluster({ others: 1 });
  cluster.put("a", "v");
  const id = cluster.ask("x", { operation: "put", w: 3 });
  cluster.unlink("a", "c");
  cluster.unlink("b", "c");
  cluster.run();
  assert.equal(wordOf(cluster.reply(id)), "QUORUM_NOT_MET");
  assert.equal(cluster.at("x").factsOf("request-forwarded").length, 1);
  cluster.finish();
});

test("forward: an answer that comes twice, late, or from somebody else is not believed", () => {
  const cluster = new SmallCluster({ others: 1 });
  const id = cluster.ask("x", { operation: "get" });
  cluster.deliver({ kind: "ask" });
  while (cluster.waiting({ kind: "answer" }).length === 0) cluster.deliver();
  const [answer] = cluster.drop({ kind: "answer" });
  for (const stranger of ["b", "c", "nobody"]) cluster.receive(stranger, "x", answer!.message);
  assert.ok(!cluster.replies.has(id));
  cluster.receive("a", "x", answer!.message);
  cluster.receive("a", "x", answer!.message);
  assert.equal(wordOf(cluster.reply(id)), "not-found");
  assert.equal(cluster.at("x").factsOf("message-dropped").length, 1);
  cluster.finish();
});

test("forward: a client that has gone away leaves nothing behind at the owner", () => {
  const cluster = new SmallCluster({ others: 1 });
  cluster.ask("x", { operation: "put", value: bytesOf("v") });
  cluster.deliver({ kind: "ask" });
  cluster.unlink("x", "a");
  cluster.run();
  assert.deepEqual(valuesOf(cluster.get("b")), ["v"], "it was done all the same");
  cluster.finish();
});

test("forward: limits are those of the node that was asked first", () => {
  const cluster = new SmallCluster({ others: 1, config: { valueBytesMax: 4 } });
  const refused: Outcome = cluster.put("x", "12345");
  assert.equal(wordOf(refused), "VALUE_TOO_LARGE");
  assert.deepEqual(cluster.at("x").factsOf("request-forwarded"), []);
  cluster.finish();
});
