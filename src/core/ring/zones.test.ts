import assert from "node:assert/strict";
import { test } from "node:test";
import { Layout, type LayoutNode } from "./layout.ts";
import { nodeId } from "./node-id.ts";
import { checkZones, zonesOf } from "./zones.ts";

/** One letter a node: its zone. */
function nodesIn(zones: string): LayoutNode[] {
  return Array.from(zones, (zone, index) => ({
    id: nodeId(`n${10 + index}`),
    address: `n${index}:1`,
    weight: 1,
    zone,
  }));
}

test("zones: the limit is the replicas over the zones, rounded up, if the zones are big enough", () => {
  const cases: readonly [string, number, number][] = [
    ["aaaa", 3, 3],
    ["aabb", 3, 2],
    ["aabbcc", 3, 1],
    ["abcdef", 3, 1],
    ["abbbbb", 3, 2],
    ["aabbcc", 5, 2],
    ["abcccccccccc", 5, 3],
    ["ab", 3, 1],
    ["aab", 7, 2],
  ];
  for (const [zones, replicas, limit] of cases) {
    assert.equal(zonesOf(nodesIn(zones), replicas).limit, limit, `${zones} ${replicas}`);
  }
});

test("zones: a layout that crowds a zone is found out", () => {
  const nodes = nodesIn("aabb");
  const head = {
    epoch: 1,
    clusterId: "test",
    strategy: "by-hand",
    replicas: 2,
    partitionCount: 16,
  };
  const good = Array.from({ length: 16 }, (_, partition) => [partition % 2, 2]).flat();
  assert.equal(
    checkZones(new Layout({ ...head, nodes, ownerIndexes: Uint16Array.from(good) })),
    undefined,
  );
  const bad = good.with(11, 1);
  assert.equal(
    checkZones(new Layout({ ...head, nodes, ownerIndexes: Uint16Array.from(bad.with(10, 0)) })),
    'partition 5 has 2 owners in zone "a", not 1',
  );
});
