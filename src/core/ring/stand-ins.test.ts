import assert from "node:assert/strict";
import { test } from "node:test";
import { Layout } from "./layout.ts";
import { nodeId } from "./node-id.ts";
import { StandIns } from "./stand-ins.ts";

function layout(zones: readonly string[], partitionCount = 16): Layout {
  const nodes = zones.map((zone, i) => {
    return { id: nodeId(`n${i}`), address: `127.0.0.1:${7400 + i}`, weight: 1, zone };
  });
  const ownerIndexes = new Uint16Array(partitionCount * 3);
  for (let i = 0; i < ownerIndexes.length; i++) ownerIndexes[i] = i % 3;
  return new Layout({
    epoch: 1,
    clusterId: "c",
    strategy: "ring",
    replicas: 3,
    partitionCount,
    nodes,
    ownerIndexes,
  });
}

test("stand-ins: everybody else, and the same order everywhere", () => {
  const one = layout(["", "", "", "", "", "", ""]);
  const other = layout(["", "", "", "", "", "", ""]);
  for (let partition = 0; partition < 16; partition++) {
    const order = new StandIns().of(one, partition);
    assert.deepEqual(order.toSorted(), ["n3", "n4", "n5", "n6"]);
    assert.deepEqual(new StandIns().of(other, partition), order);
  }
});

test("stand-ins: what one dead node is spared is spread over all others", () => {
  const first = new Set<string>();
  const standIns = new StandIns();
  const wide = layout(["", "", "", "", "", "", ""], 64);
  for (let partition = 0; partition < 64; partition++) {
    first.add(standIns.of(wide, partition)[0]!);
  }
  assert.equal(first.size, 4);
});

test("stand-ins: nodes of a zone without an owner come first", () => {
  const zoned = layout(["a", "a", "b", "a", "c", "b", "c"]);
  for (let partition = 0; partition < 16; partition++) {
    const order = new StandIns().of(zoned, partition);
    assert.deepEqual(order.slice(0, 2).toSorted(), ["n4", "n6"]);
  }
});

test("stand-ins: none where everybody is an owner", () => {
  assert.deepEqual(new StandIns().of(layout(["", "", ""]), 0), []);
});
