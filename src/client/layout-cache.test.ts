import assert from "node:assert/strict";
import { test } from "node:test";
import { keyOf } from "../core/ring/key.ts";
import { Layout } from "../core/ring/layout.ts";
import { nodeId } from "../core/ring/node-id.ts";
import { LayoutCache } from "./layout-cache.ts";

function layoutAt(epoch: number, clusterId = "one", address = `host-${epoch}:1`): Layout {
  return new Layout({
    epoch,
    clusterId,
    strategy: "ring",
    replicas: 1,
    partitionCount: 16,
    nodes: [{ id: nodeId("n1"), address, weight: 1, zone: "" }],
    ownerIndexes: new Uint16Array(16),
  });
}

test("layout cache: it knows nothing until it is told, and says that it is behind", () => {
  const cache = new LayoutCache();
  assert.equal(cache.layout, undefined);
  assert.equal(cache.isBehind(0), true);
  assert.deepEqual(cache.ownersOf(keyOf("test", "a")), []);
  assert.equal(cache.addressOf(nodeId("n1")), undefined);
});

test("layout cache: a later epoch is adopted; the same, an earlier, or another cluster's is not", () => {
  const cache = new LayoutCache();
  assert.equal(cache.adopt(layoutAt(2)), true);
  assert.equal(cache.adopt(layoutAt(2)), false);
  assert.equal(cache.adopt(layoutAt(1)), false);
  assert.equal(cache.adopt(layoutAt(9, "other")), false);
  assert.equal(cache.adopt(layoutAt(3)), true);
  assert.equal(cache.addressOf(nodeId("n1")), "host-3:1");
  assert.deepEqual(cache.ownersOf(keyOf("test", "a")), ["n1"]);
  assert.deepEqual([cache.isBehind(3), cache.isBehind(4)], [false, true]);
});

test("layout cache: of the same layout the addresses are taken, but nobody's ignorance", () => {
  const cache = new LayoutCache();
  const n1 = nodeId("n1");
  assert.equal(cache.adopt(layoutAt(2, "one", "")), true);
  assert.equal(cache.addressOf(n1), "");
  assert.equal(cache.adopt(layoutAt(2, "one", "here:1")), true);
  assert.equal(cache.adopt(layoutAt(2, "one", "here:1")), false);
  assert.equal(cache.adopt(layoutAt(2, "one", "")), false);
  assert.equal(cache.addressOf(n1), "here:1");
  assert.equal(cache.adopt(layoutAt(2, "one", "there:1")), true);
  assert.equal(cache.addressOf(n1), "there:1");
});
