import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fairShares } from "./fair-shares.ts";
import type { LayoutNode } from "./layout.ts";
import { nodeId } from "./node-id.ts";
import { zonesOf } from "./zones.ts";

interface Member {
  readonly weight: number;
  readonly zone: string;
  readonly held: number;
}

function shares(members: readonly Member[], partitionCount: number, replicas: number): number[] {
  const nodes: LayoutNode[] = members.map(({ weight, zone }, index) => ({
    id: nodeId(`n${1000 + index}`),
    address: `n${index}:1`,
    weight,
    zone,
  }));
  const zones = zonesOf(nodes, replicas);
  const held = Uint32Array.from(members, (member) => member.held);
  const ownersEach = Math.min(replicas, nodes.length);
  return [...fairShares({ nodes, partitionCount, ownersEach, zones, held })];
}

function weighing(...weights: readonly number[]): Member[] {
  return weights.map((weight) => ({ weight, zone: "", held: 0 }));
}

test("fair shares: equal weights, equal shares, and the remainder one each", () => {
  assert.deepEqual(shares(weighing(1, 1, 1, 1), 256, 3), [192, 192, 192, 192]);
  assert.deepEqual(shares(weighing(1, 1, 1, 1, 1), 256, 3), [154, 154, 154, 153, 153]);
});

test("fair shares: in proportion to weight, but nobody owns a partition twice", () => {
  assert.deepEqual(shares(weighing(2, 1, 1), 256, 1), [128, 64, 64]);
  assert.deepEqual(shares(weighing(1, 1, 1, 5), 256, 3), [171, 171, 170, 256]);
  assert.deepEqual(shares(weighing(1, 2, 1_000_000), 256, 3), [256, 256, 256]);
});

test("fair shares: a full zone leaves the rest to the others", () => {
  const zoned = ["a", "b", "b", "b", "b"].map((zone) => ({ weight: 1, zone, held: 0 }));
  assert.deepEqual(shares(zoned, 256, 2), [256, 64, 64, 64, 64]);
  const heavy = [
    { weight: 9, zone: "a", held: 0 },
    { weight: 9, zone: "a", held: 0 },
  ];
  assert.deepEqual(shares([...heavy, ...zoned.slice(1)], 256, 2), [128, 128, 64, 64, 64, 64]);
});

test("fair shares: the remainder stays where it is held", () => {
  const members = weighing(1, 1, 1, 1, 1).map((member, index) => ({
    ...member,
    held: [153, 153, 154, 154, 154][index]!,
  }));
  assert.deepEqual(shares(members, 256, 3), [153, 153, 154, 154, 154]);
});

test("fair shares: exact, within all limits, and no transfer would make them fairer", () => {
  const member = fc.record({
    weight: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 20 }), fc.constant(1_000_000)),
    zone: fc.constantFrom("a", "b", "c", "d"),
    held: fc.nat(64),
  });
  const members = fc.array(member, { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(members, fc.constantFrom(16, 64), fc.integer({ min: 1, max: 7 }), assertFair),
    { numRuns: 2000 },
  );
});

function assertFair(members: readonly Member[], partitionCount: number, replicas: number): void {
  const result = shares(members, partitionCount, replicas);
  const total = (some: readonly number[]): number => some.reduce((sum, share) => sum + share, 0);
  assert.equal(total(result), partitionCount * Math.min(replicas, members.length));
  const nodes = members.map(({ zone }, index) => ({
    id: nodeId(`${index}`),
    address: "",
    weight: 1,
    zone,
  }));
  const zoneMax = zonesOf(nodes, replicas).limit * partitionCount;
  const zoneTotal = (zone: string): number =>
    total(result.filter((_, index) => members[index]!.zone === zone));
  for (const [index, one] of members.entries()) {
    assert.ok(result[index]! <= partitionCount);
    assert.ok(zoneTotal(one.zone) <= zoneMax);
    const canGrow = result[index]! < partitionCount;
    for (const [otherIndex, other] of members.entries()) {
      const zoneAllows = one.zone === other.zone || zoneTotal(one.zone) < zoneMax;
      if (!canGrow || !zoneAllows) continue;
      // One level lies between "one partition less for the other" and "one more for this one".
      const otherLess = (result[otherIndex]! - 1) * one.weight;
      const oneMore = (result[index]! + 1) * other.weight;
      assert.ok(otherLess < oneMore, `${result.join()} at ${index}, ${otherIndex}`);
    }
  }
}
