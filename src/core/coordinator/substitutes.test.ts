import assert from "node:assert/strict";
import { test } from "node:test";
import type { Membership } from "../membership/membership.ts";
import { Reach } from "../membership/reach.ts";
import type { Key } from "../ring/key.ts";
import { keyOf } from "../ring/key.ts";
import { Layout } from "../ring/layout.ts";
import { type NodeId, nodeId } from "../ring/node-id.ts";
import { StandIns } from "../ring/stand-ins.ts";
import type { Desk } from "./desk.ts";
import type { Admitted } from "./operation.ts";
import { Substitutes } from "./substitutes.ts";

const KEY: Key = keyOf("b", "k");
const OWNERS = ["a", "b", "c"];
const PARTITIONS = 16;
const OTHERS = ["p", "q", "r", "s"];

interface Troubles {
  readonly degraded?: readonly NodeId[];
  readonly suspects?: readonly NodeId[];
  readonly zones?: Readonly<Record<string, string>>;
}

class Stand {
  readonly reach: Reach;
  /** Who may stand in, as all nodes know it. */
  readonly order: readonly NodeId[];
  readonly substitutes: Substitutes;

  constructor({ degraded = [], suspects = [], zones = {} }: Troubles = {}) {
    const ids = [...OWNERS, ...OTHERS].map(nodeId);
    const layout = new Layout({
      epoch: 1,
      clusterId: "t",
      strategy: "by-hand",
      replicas: 3,
      partitionCount: PARTITIONS,
      nodes: ids.map((id) => ({ id, address: `${id}:1`, weight: 1, zone: zones[id] ?? "" })),
      ownerIndexes: Uint16Array.from(Array.from({ length: PARTITIONS }, () => [0, 1, 2]).flat()),
    });
    const membership = { stateOf: () => "alive" };
    this.reach = new Reach(membership as unknown as Membership, (id) => degraded.includes(id));
    for (const id of ids) this.reach.onLinked(id, 1);
    for (const id of suspects) this.reach.onTold(id, "suspect");
    const standIns = new StandIns();
    this.order = standIns.of(layout, 0);
    const effects = { note: () => {} };
    const desk = { standIns, liveness: this.reach, layout: () => layout, effects };
    const admitted = { place: { partition: 0, key: KEY }, owners: layout.owners(0) };
    this.substitutes = new Substitutes(desk as unknown as Desk, admitted as unknown as Admitted);
  }

  /** Everybody, in the order in which they are asked. */
  get asked(): readonly NodeId[] {
    return this.order.map(() => this.substitutes.next(2)!);
  }
}

const [FIRST, SECOND, THIRD, FOURTH] = new Stand().order as [NodeId, NodeId, NodeId, NodeId];

test("stand-ins: who is well, then with a slow disk, then silent or suspected", () => {
  const stand = new Stand({ degraded: [FIRST], suspects: [SECOND] });
  stand.reach.onUnheard(THIRD);
  assert.deepEqual(stand.asked, [FOURTH, FIRST, SECOND, THIRD]);
});

test("stand-ins: of several with slow disks one of a zone without an owner comes first", () => {
  const zones = { a: "1", b: "2", c: "3", p: "4", q: "1", r: "2", s: "3" };
  const stand = new Stand({ zones, degraded: OTHERS.map(nodeId) });
  assert.equal(stand.order[0], "p");
  // A twentieth of a millisecond more than the others.
  stand.reach.onAnswered(nodeId("p"), 0.3);
  assert.equal(stand.asked[0], "p");
});

test("stand-ins: who reads goes by the order, whatever it knows of those in it", () => {
  const { order, reach, substitutes } = new Stand({ degraded: [FIRST], suspects: [SECOND] });
  reach.onUnheard(THIRD);
  assert.deepEqual(
    order.map(() => substitutes.nextInOrder(2)),
    order,
  );
});

test("stand-ins: one that is late still counts for its owner, once", () => {
  const { substitutes } = new Stand();
  const [first, second] = [substitutes.next(2)!, substitutes.next(2)!];
  assert.ok(substitutes.isAwaited(first) && substitutes.isAwaited(second));
  assert.equal(substitutes.onLost(second), 2);
  assert.ok(substitutes.isAnyAwaited(2));
  assert.equal(substitutes.onKept(first), 2);
  assert.ok(!substitutes.isAwaited(first) && !substitutes.isAnyAwaited(2));
});
