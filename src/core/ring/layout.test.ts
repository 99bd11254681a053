import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { keyOf } from "./key.ts";
import { Layout, layoutFrom, type LayoutData, type LayoutNode } from "./layout.ts";
import { nodeId, type NodeId } from "./node-id.ts";

const A = nodeId("a");
const B = nodeId("b");
const C = nodeId("c");

/** Three nodes, two replicas; partition p belongs to p mod 3 and the next. Node c counts double. */
function sample(changes: Partial<LayoutData> = {}): LayoutData {
  const table = Array.from({ length: 16 }, (_, partition) => [partition % 3, (partition + 1) % 3]);
  return {
    epoch: 7,
    clusterId: "test",
    strategy: "by-hand",
    replicas: 2,
    partitionCount: 16,
    nodes: [
      { id: A, address: "a.example:7000", weight: 1, zone: "east" },
      { id: B, address: "b.example:7000", weight: 1, zone: "west" },
      { id: C, address: "c.example:7000", weight: 2, zone: "west" },
    ],
    ownerIndexes: Uint16Array.from(table.flat()),
    ...changes,
  };
}

function problemOf(data: LayoutData): string {
  const layout = layoutFrom(data);
  return layout instanceof Layout ? "" : layout.problem;
}

test("layout: look-ups by partition, by key and by node", () => {
  const layout = new Layout(sample());
  assert.deepEqual(layout.owners(0), [A, B]);
  assert.deepEqual(layout.owners(2), [C, A]);
  assert.equal(layout.owners(5), layout.owners(5), "the same list each time, not a new one");
  // "foo" has slot 12182, and 1024 slots make a partition of sixteen.
  assert.equal(layout.ownersOf(keyOf("b", "foo")), layout.owners(11));
  assert.equal(layout.isOwner(B, 0), true);
  assert.equal(layout.isOwner(C, 0), false);
  assert.equal(layout.node(B)?.address, "b.example:7000");
  assert.equal(layout.node(nodeId("nobody")), undefined);
  assert.throws(() => layout.owners(16), /within the layout/);
});

test("layout: with fewer nodes than replicas every node owns everything", () => {
  const layout = new Layout(sample({ replicas: 5, ownerIndexes: rowsOf([2, 0, 1]) }));
  assert.equal(layout.ownersEach, 3);
  assert.equal(layout.replicas, 5);
  assert.deepEqual(layout.owners(15), [C, A, B]);
});

test("layout: balance is weighed by capacity", () => {
  const { perNode, maxOverMean, homeMaxOverMean } = new Layout(sample()).balance();
  // 32 entries for a total weight of 4: a and b are entitled to 8, c to 16. Homes: 4, 4 and 8.
  assert.deepEqual(perNode.get(A), { partitions: 11, home: 6, share: 11 / 8, homeShare: 6 / 4 });
  assert.deepEqual(perNode.get(C), { partitions: 10, home: 5, share: 10 / 16, homeShare: 5 / 8 });
  assert.equal(maxOverMean, 11 / 8);
  assert.equal(homeMaxOverMean, 6 / 4);
});

test("layout: keeps nothing of the arrays it was made from", () => {
  const data = sample();
  const layout = new Layout(data);
  const fingerprint = layout.fingerprint();
  data.ownerIndexes.fill(9);
  (data.nodes as unknown[]).length = 0;
  assert.deepEqual(layout.owners(0), [A, B]);
  assert.equal(new Layout(layout).fingerprint(), fingerprint);
});

test("layout: the fingerprint is stable, and every field counts but where nodes are", () => {
  assert.equal(new Layout(sample()).fingerprint(), "d9a3ef32d1b27617");
  const [first, ...others] = sample().nodes;
  const variants: Partial<LayoutData>[] = [
    {},
    { epoch: 8 },
    { clusterId: "tes" },
    { strategy: "ring" },
    { replicas: 3, ownerIndexes: rowsOf([0, 1, 2]) },
    { partitionCount: 32, ownerIndexes: Uint16Array.from([...rowsOf([0, 1]), ...rowsOf([0, 1])]) },
    { nodes: [{ ...first!, weight: 3 }, ...others] },
    { nodes: [{ ...first!, zone: "" }, ...others] },
    { nodes: [{ ...first!, id: nodeId("A") }, ...others] },
    { ownerIndexes: rowsOf([0, 1]) },
    { ownerIndexes: rowsOf([1, 0]) },
  ];
  const prints = variants.map((changes) => new Layout(sample(changes)).fingerprint());
  for (const print of prints) assert.match(print, /^[0-9a-f]{16}$/);
  assert.equal(new Set(prints).size, prints.length);
  for (const address of ["a.example:7001", ""]) {
    const moved = new Layout(sample({ nodes: [{ ...first!, address }, ...others] }));
    assert.equal(moved.fingerprint(), prints[0]);
  }
});

test("layout: data of strangers is refused by name, with both numbers", () => {
  const [a, b, c] = sample().nodes as [LayoutNode, LayoutNode, LayoutNode];
  const refusals: readonly [Partial<LayoutData>, RegExp][] = [
    [{ epoch: 0 }, /epoch is an integer from 1, got 0/],
    [{ epoch: 2 ** 53 }, /epoch/],
    [{ epoch: NaN }, /epoch/],
    [{ clusterId: "" }, /cluster id ""/],
    [{ clusterId: "a\nb" }, /cluster id/],
    [{ strategy: "x".repeat(1000) }, /bad strategy name "x{80}"$/],
    [{ replicas: 0 }, /1 to 16, got 0/],
    [{ replicas: 17 }, /1 to 16, got 17/],
    [{ replicas: 1.5 }, /1 to 16, got 1.5/],
    [{ partitionCount: 100 }, /power of two from 16 to 16384, got 100/],
    [{ partitionCount: 2 ** 40 }, /power of two/],
    [{ nodes: [] }, /1 to 1024 nodes, got 0/],
    [{ nodes: Array<LayoutNode>(1025).fill(a) }, /1 to 1024 nodes, got 1025/],
    [{ nodes: [a, a, c] }, /ascend by id, got a after a/],
    [{ nodes: [b, a, c] }, /ascend by id, got a after b/],
    [{ nodes: [{ ...a, id: "a b" as NodeId }, b, c] }, /node id/],
    [{ nodes: [{ ...a, address: "a b" }, b, c] }, /bad address/],
    [{ nodes: [{ ...a, address: "x".repeat(256) }, b, c] }, /bad address/],
    [{ nodes: [{ ...a, zone: "a/b" }, b, c] }, /bad zone/],
    [{ nodes: [{ ...a, weight: 0 }, b, c] }, /1 to 1000000, got 0 for node a/],
    [{ nodes: [{ ...a, weight: 0.5 }, b, c] }, /1 to 1000000, got 0.5/],
    [{ nodes: [{ ...a, weight: 1e9 }, b, c] }, /1 to 1000000, got 1000000000/],
    [{ ownerIndexes: new Uint16Array(31) }, /needs 32 entries, got 31/],
    [{ ownerIndexes: rowsOf([0, 3]) }, /below 3, got 3 in partition 0/],
    [{ ownerIndexes: rowsOf([1, 1]) }, /partition 0 names node b twice/],
  ];
  for (const [changes, problem] of refusals) {
    assert.match(problemOf(sample(changes)), problem);
    assert.throws(() => new Layout(sample(changes)), problem);
  }
  assert.equal(problemOf(sample()), "");
});

test("layout: any table is either refused or has distinct owners in every row", () => {
  const table = fc.uint16Array({ minLength: 32, maxLength: 32, max: 3 });
  fc.assert(
    fc.property(table, (ownerIndexes) => {
      const rows = Array.from({ length: 16 }, (_, p) => [
        ...ownerIndexes.subarray(2 * p, 2 * p + 2),
      ]);
      const valid = rows.every((row) => row[0] !== row[1] && row.every((index) => index < 3));
      assert.equal(problemOf(sample({ ownerIndexes })) === "", valid);
    }),
  );
});

/** The same row sixteen times. */
function rowsOf(row: readonly number[]): Uint16Array {
  return Uint16Array.from(Array.from({ length: 16 }, () => row).flat());
}
