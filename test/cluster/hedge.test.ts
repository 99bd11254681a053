/**
 * One further owner is asked when the asked one takes longer than it usually does: when, whom, how
 * often, and what comes of it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeConfig } from "#src/core/config.ts";
import { SmallCluster, valuesOf, wordOf } from "../support/small-cluster.ts";

/** Every owner has answered reads of `a` within so many milliseconds. */
function clusterWith(usualMs: number, config: Partial<NodeConfig> = {}): SmallCluster {
  const cluster = new SmallCluster({ config: { spareAfterMs: 50, ...config } });
  cluster.put("a", "x");
  answerAll(cluster, usualMs, 80);
  return cluster;
}

/** So many reads that every owner answers, after so many milliseconds. */
function answerAll(cluster: SmallCluster, afterMs: number, count: number): void {
  for (let round = 0; round < count; round++) {
    cluster.ask("a", { operation: "get", r: "all" });
    cluster.deliver({ kind: "read" });
    cluster.pass(afterMs);
    cluster.run();
  }
}

/** The milliseconds after which further reads left, when nobody answers the first. */
function askedAfter(cluster: SmallCluster, withinMs: number): number[] {
  cluster.ask("a", { operation: "get" });
  cluster.drop({ kind: "read" });
  const times: number[] = [];
  for (let ms = 1; ms <= withinMs; ms++) {
    cluster.pass(1);
    for (const _read of cluster.drop({ kind: "read" })) times.push(ms);
  }
  return times;
}

test("hedge: one more is asked soon after the usual time, and nobody else before spareAfterMs", () => {
  const cluster = clusterWith(4);
  const times = askedAfter(cluster, 100);
  assert.equal(times.length, 1, times.join());
  assert.ok(times[0]! >= 4 && times[0]! <= 6, times.join());
  assert.equal(cluster.at("a").factsOf("hedge-asked").length, 1);
  assert.equal(cluster.at("a").factsOf("spare-asked").length, 0);
});

test("hedge: of five owners one is asked first, and the rest at spareAfterMs", () => {
  const cluster = new SmallCluster({ owners: 5, config: { spareAfterMs: 50 } });
  answerAll(cluster, 4, 80);
  const [first, ...rest] = askedAfter(cluster, 100);
  assert.ok(first! >= 4 && first! <= 6, `${first}`);
  assert.deepEqual(rest, [50]);
});

test("hedge: its answer counts, and is said to have won", () => {
  const cluster = clusterWith(4);
  const id = cluster.ask("a", { operation: "get" });
  const [slow] = cluster.drop({ kind: "read" });
  cluster.pass(10);
  const [hedge] = cluster.waiting({ kind: "read" });
  assert.notEqual(hedge!.to, slow!.to);
  cluster.run();
  assert.deepEqual(valuesOf(cluster.reply(id)), ["x"]);
  const won = cluster.at("a").factsOf("hedge-won");
  assert.deepEqual(
    won.map(({ peer }) => peer),
    [hedge!.to],
  );
  cluster.transit.push(slow!);
  cluster.finish();
});

test("hedge: when the asked owner answers first, the further one has not won", () => {
  const cluster = clusterWith(4);
  const id = cluster.ask("a", { operation: "get" });
  const [slow] = cluster.drop({ kind: "read" });
  cluster.pass(10);
  const [hedge] = cluster.drop({ kind: "read" });
  cluster.transit.push(slow!);
  cluster.run();
  assert.deepEqual(valuesOf(cluster.reply(id)), ["x"]);
  cluster.transit.push(hedge!);
  cluster.finish();
  assert.equal(cluster.at("a").factsOf("hedge-won").length, 0);
});

test("hedge: owners as quick as they may be are given a millisecond, unknown ones spareAfterMs", () => {
  assert.deepEqual(askedAfter(clusterWith(0), 100), [1]);
  assert.deepEqual(askedAfter(new SmallCluster({ config: { spareAfterMs: 50 } }), 100), [50]);
});

test("hedge: without a share it waits for spareAfterMs, as it does when the budget is spent", () => {
  assert.deepEqual(askedAfter(clusterWith(4, { hedgeShare: 0 }), 100), [50]);
  const cluster = clusterWith(4, { hedgeShare: 0.001, requestTimeoutMs: 60 });
  const all = Array.from({ length: 30 }, () => {
    const [first] = askedAfter(cluster, 100);
    answerAll(cluster, 4, 20);
    return first!;
  });
  assert.ok(all.slice(0, 20).every((ms) => ms < 50));
  assert.deepEqual(all.slice(20), Array(10).fill(50));
  assert.equal(cluster.at("a").factsOf("hedge-asked").length, 20);
});

test("hedge: a node with much to do asks nobody twice", () => {
  const cluster = clusterWith(4, { inFlightMax: 4 });
  for (let count = 0; count < 3; count++) cluster.ask("a", { operation: "get" });
  cluster.drop();
  cluster.pass(49);
  assert.equal(cluster.waiting({ kind: "read" }).length, 0);
  cluster.pass(1);
  assert.equal(cluster.waiting({ kind: "read" }).length, 3);
});

test("hedge: with nobody left to ask, none is asked and none is paid for", () => {
  const cluster = clusterWith(4);
  assert.equal(wordOf(cluster.get("a", { r: "all" })), "found");
  cluster.ask("a", { operation: "get", r: "all" });
  cluster.drop();
  cluster.pass(40);
  assert.equal(cluster.at("a").factsOf("hedge-asked").length, 0);
});
