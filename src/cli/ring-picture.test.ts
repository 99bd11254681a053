import assert from "node:assert/strict";
import { test } from "node:test";
import { Layout } from "../core/ring/layout.ts";
import { nodeId } from "../core/ring/node-id.ts";
import { ringPicture } from "./ring-picture.ts";

// What is compared here is the text, whatever the terminal that runs the tests can do.
process.env["NO_COLOR"] = "1";

/** Two nodes; the first is home of the partitions that `isFirst` says. */
function layoutOf(partitionCount: number, isFirst: (partition: number) => boolean): Layout {
  const ownerIndexes = new Uint16Array(partitionCount * 2);
  for (let partition = 0; partition < partitionCount; partition++) {
    const home = isFirst(partition) ? 0 : 1;
    ownerIndexes.set([home, 1 - home], partition * 2);
  }
  const nodes = ["n0", "n1"].map((id) => ({
    id: nodeId(id),
    address: `${id}:1`,
    weight: 1,
    zone: "",
  }));
  const head = { epoch: 1, clusterId: "c", strategy: "balanced", replicas: 2 };
  return new Layout({ ...head, partitionCount, nodes, ownerIndexes });
}

test("ring picture: a letter a partition, the home's, with the first slot of each line", () => {
  const picture = ringPicture(
    layoutOf(128, (partition) => partition < 64),
    undefined,
  );
  assert.equal(picture, `slot 0      ${"a".repeat(64)}\nslot 8192   ${"b".repeat(64)}`);
});

test("ring picture: the marked partition is pointed at from below", () => {
  const lines = ringPicture(
    layoutOf(128, () => true),
    67,
  ).split("\n");
  assert.equal(lines[2], `${" ".repeat("slot 8192   ".length + 3)}^`);
});

test("ring picture: a ring of many partitions is drawn smaller, and says so", () => {
  const lines = ringPicture(
    layoutOf(4_096, (partition) => partition % 8 === 0),
    4_095,
  ).split("\n");
  assert.equal(lines[0], `slot 0      ${"ab".repeat(32)}`);
  assert.equal(lines.length, 16 + 2);
  assert.equal(lines[16], `${" ".repeat("slot 8192   ".length + 63)}^`);
  assert.match(lines[17]!, /one letter for 4 partitions/);
});
