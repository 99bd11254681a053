/** Clients that go away while they wait, and nodes that were asleep. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { KEY, SmallCluster, valuesOf, wordOf } from "../support/small-cluster.ts";

test("abandon: a read whose client is gone makes room at once, and asks nobody else", () => {
  for (const session of [false, true]) {
    const cluster = new SmallCluster({ config: { inFlightMax: 1 } });
    const id = cluster.ask("a", { operation: "get", session });
    cluster.drop({ kind: "read" });
    const { node } = cluster.at("a");
    node.abandon(cluster.now, new Set([id]));
    assert.equal(wordOf(cluster.reply(id)), "QUORUM_NOT_MET");
    cluster.pass(500);
    assert.deepEqual(cluster.waiting({ kind: "read" }), []);
    assert.equal(wordOf(cluster.get("a")), "not-found");
    cluster.finish();
  }
});

test("abandon: a write goes on, a deletion that only reads so far does not", () => {
  const cluster = new SmallCluster();
  const put = cluster.ask("a", { operation: "put", value: Uint8Array.of(118) });
  cluster.at("a").node.abandon(cluster.now, new Set([put]));
  cluster.run();
  assert.equal(wordOf(cluster.reply(put)), "stored");
  const deletion = cluster.ask("a", { operation: "delete" });
  cluster.at("a").node.abandon(cluster.now, new Set([deletion]));
  cluster.run();
  assert.equal(wordOf(cluster.reply(deletion)), "QUORUM_NOT_MET");
  assert.deepEqual(valuesOf(cluster.get("b")), ["v"]);
  const { context } = cluster.get("a");
  const told = cluster.ask("a", { operation: "delete", context });
  cluster.at("a").node.abandon(cluster.now, new Set([told]));
  cluster.run();
  assert.equal(wordOf(cluster.reply(told)), "deleted");
  cluster.finish();
});

test("abandon: of a request that was sent on, a read is given up and a write is not", () => {
  const cluster = new SmallCluster({ others: 1 });
  const get = cluster.ask("x", { operation: "get" });
  const put = cluster.ask("x", { operation: "put", value: Uint8Array.of(118) });
  cluster.at("x").node.abandon(cluster.now, new Set([get]));
  cluster.at("x").node.abandon(cluster.now, new Set([put]));
  cluster.run();
  assert.equal(wordOf(cluster.reply(get)), "QUORUM_NOT_MET");
  assert.equal(wordOf(cluster.reply(put)), "stored");
  cluster.finish();
});

test("abandon: a number of another client's, of nobody's, or of an answered request is nothing", () => {
  const cluster = new SmallCluster({ others: 1 });
  const get = cluster.ask("x", { operation: "get" });
  cluster.deliver();
  for (const name of ["a", "b", "c"]) cluster.at(name).node.abandon(cluster.now, new Set([get]));
  cluster.run();
  assert.equal(wordOf(cluster.reply(get)), "not-found");
  cluster.at("x").node.abandon(cluster.now, new Set([get]));
  cluster.at("x").node.abandon(cluster.now, new Set([999]));
  cluster.finish();
});

test("asleep: work whose time is over by then is not begun, and counted; what has time is", () => {
  const cluster = new SmallCluster();
  const { node } = cluster.at("b");
  node.start(cluster.now);
  const short = { timeoutMs: 300, value: Uint8Array.of(118) };
  const put = cluster.ask("a", { operation: "put", ...short });
  cluster.ask("a", { operation: "get", ...short });
  const toB = cluster.drop({ to: "b" });
  cluster.run();
  assert.equal(wordOf(cluster.reply(put)), "stored", "by the two others");
  node.advance(cluster.now + 3_000, cluster.now);
  for (const { message } of toB) node.receive(cluster.now + 3_000, cluster.names[0]!, message);
  const reasons = cluster
    .at("b")
    .factsOf("message-dropped")
    .map(({ reason }) => reason);
  assert.deepEqual(reasons.slice(-2), ["expired", "expired"]);
  assert.deepEqual(cluster.at("b").values(KEY), []);
  for (const { message } of toB) node.receive(cluster.now + 3_400, cluster.names[0]!, message);
  assert.deepEqual(cluster.at("b").values(KEY), ["v"], "once what waited has been read");
});
