import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesOf, SmallCluster, valuesOf, wordOf } from "../support/small-cluster.ts";

test("liveness: an owner without a connection is not waited for", () => {
  const cluster = new SmallCluster();
  cluster.unlink("a", "c");
  assert.equal(wordOf(cluster.put("a", "v")), "stored");
  assert.equal(cluster.at("a").node.openRequests, 0);
  assert.equal(cluster.at("a").node.nextDeadline, undefined);
});

test("liveness: a stalled owner is left out of reads, long before anybody calls it dead", () => {
  const cluster = new SmallCluster();
  for (let count = 0; count < 10; count++) {
    cluster.put("a", `${count}`);
    cluster.get("a");
  }
  let silent = 0;
  for (let count = 0; count < 40; count++) {
    cluster.ask("a", { operation: "get" });
    silent += cluster.drop({ kind: "read", to: "b" }).length;
    cluster.run();
    cluster.pass(1);
    cluster.run();
  }
  assert.ok(silent < 15, `${silent} of 40 reads waited for it`);
  cluster.finish();
});

test("liveness: an owner that was stalled is used again when it is the quicker one", () => {
  const cluster = new SmallCluster();
  for (let count = 0; count < 30; count++) {
    cluster.ask("a", { operation: "put", value: bytesOf(`${count}`) });
    cluster.drop({ to: "b" });
    cluster.run();
  }
  // Whoever waited for it gives up.
  cluster.finish();
  for (let count = 0; count < 100; count++) {
    cluster.ask("a", { operation: "put", value: bytesOf(`${count}`) });
    const slow = cluster.drop({ to: "c" });
    cluster.run();
    cluster.pass(5);
    cluster.transit.push(...slow);
    cluster.run();
  }
  cluster.ask("a", { operation: "get" });
  assert.deepEqual(
    cluster.waiting({ kind: "read" }).map(({ to }) => to),
    ["b"],
  );
  cluster.finish();
});

test("liveness: who is asked changes with the health of the owners, who owns does not", () => {
  const cluster = new SmallCluster();
  const owners = cluster.at("a").node.layout.owners(0);
  cluster.put("a", "v");
  cluster.unlink("a", "b");
  assert.deepEqual(valuesOf(cluster.get("a")), ["v"]);
  assert.equal(cluster.at("a").node.layout.owners(0), owners);
  const stored = cluster.put("a", "w");
  assert.ok(stored.kind === "stored" && stored.receipt.held === 0b101);
  cluster.finish();
});
