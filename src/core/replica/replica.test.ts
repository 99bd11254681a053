import assert from "node:assert/strict";
import { test } from "node:test";
import type { Context } from "../causality/context.ts";
import { EMPTY_CONTEXT, entryOf } from "../causality/context.ts";
import { digestOf, encodeRecord } from "../causality/record-codec.ts";
import type { Dot, Record } from "../causality/record.ts";
import { deleteDelta, EMPTY_RECORD, putDelta, REGISTER } from "../causality/record.ts";
import type { Effects } from "../effects.ts";
import type { Fact } from "../facts.ts";
import type { Key } from "../ring/key.ts";
import { keyOf } from "../ring/key.ts";
import { nodeId } from "../ring/node-id.ts";
import type { DiskAnswer, RowRead } from "../storage/engine.ts";
import { DAMAGED } from "../storage/engine.ts";
import { EpochLease } from "./epochs.ts";
import { Replica } from "./replica.ts";
import type { Row } from "./row.ts";
import { decodeRow, encodeRow } from "./row.ts";
import { UNSTORED_MAX } from "./unstored-dots.ts";

const SELF = { high: -9, low: 4 };
const PEER = { high: 1, low: 1, epoch: 1 };
const KEY = keyOf("b", "k");
const PLACE = { partition: 3, key: KEY };
const EMPTY_ROW: Row = { reservedEpoch: 0, record: EMPTY_RECORD };
const ASKER = { to: nodeId("asker"), id: 77 };

/** One replica of one key over a row that the test may change behind its back. */
class Stand {
  row: RowRead = undefined;
  lease: EpochLease;
  replica!: Replica;
  readonly facts: Fact[] = [];
  readonly tokens: number[] = [];
  readonly told: [to: string, id: number, answer: DiskAnswer][] = [];

  constructor(lease = new EpochLease({ next: 1, end: 100, bootFloor: 0 })) {
    this.lease = lease;
    this.boot(lease);
  }

  boot(lease: EpochLease): void {
    this.lease = lease;
    const effects: Effects = {
      send: () => assert.fail("a replica sends nothing itself"),
      reply: () => assert.fail("a replica answers no client"),
      note: (fact) => void this.facts.push(fact),
      contact: () => assert.fail("a replica looks for nobody"),
      persist: (writes, token) => {
        assert.equal(writes.length, 1);
        assert.equal(writes[0]!.partition, PLACE.partition);
        this.row = writes[0]!.row;
        this.tokens.push(token);
      },
    };
    this.replica = new Replica({
      identity: SELF,
      epochs: lease,
      rows: { get: () => this.row },
      effects,
      onRow: () => {},
      acknowledger: { onStored: (_now, to, id, answer) => void this.told.push([to, id, answer]) },
    });
  }

  /** A put that this node coordinates, covering what it sees. Answers its dot. */
  put(context?: Context): { epoch: number; n: number } {
    const row = this.loaded();
    const next = this.replica.nextDot(KEY, row, context);
    assert.ok(next !== undefined);
    const delta = putDelta(context ?? row.record.context, ownDot(next.epoch, next.n));
    assert.deepEqual(this.replica.storeOwn(PLACE, row, delta, ASKER), encodeRecord(delta));
    return next;
  }

  putUnder(key: Key): void {
    const next = this.replica.nextDot(key, EMPTY_ROW, undefined);
    assert.ok(next !== undefined);
    const delta = putDelta(EMPTY_CONTEXT, ownDot(next.epoch, next.n));
    this.replica.storeOwn({ ...PLACE, key }, EMPTY_ROW, delta, ASKER);
  }

  loaded(): Row {
    const row = this.replica.load(PLACE.partition, KEY);
    assert.ok(row !== DAMAGED);
    return row;
  }

  get stored(): Row {
    assert.ok(this.row instanceof Uint8Array);
    return decodeRow(this.row)!;
  }

  get reasons(): string[] {
    return this.facts.flatMap((fact) => (fact.kind === "epoch-taken" ? [fact.reason] : []));
  }
}

test("replica: the first put of a key takes an epoch, the next go on in it", () => {
  const stand = new Stand();
  assert.deepEqual([stand.put(), stand.put(), stand.put()], [dot(1, 1), dot(1, 2), dot(1, 3)]);
  assert.deepEqual(stand.reasons, ["first"]);
  assert.deepEqual(stand.stored.record.context, [entryOf({ ...SELF, epoch: 1 }, 3)]);
});

test("replica: a row of only other nodes' dots is a first put too", () => {
  const stand = new Stand();
  stand.replica.apply(PLACE, encoded(peerDelta(1)), ASKER);
  assert.equal(stand.stored.reservedEpoch, 0);
  assert.deepEqual(stand.put(), dot(1, 1));
  assert.deepEqual(stand.reasons, ["first"]);
});

test("replica: a client that has seen more of this node than its row means a new epoch", () => {
  const cases: readonly [seen: Context, expected: { epoch: number; n: number }][] = [
    [[entryOf({ ...SELF, epoch: 1 }, 2)], dot(1, 3)],
    [[entryOf({ ...SELF, epoch: 1 }, 1)], dot(1, 3)],
    [[entryOf(PEER, 50)], dot(1, 3)],
    [EMPTY_CONTEXT, dot(1, 3)],
    [[entryOf({ ...SELF, epoch: 1 }, 3)], dot(2, 1)],
    [[entryOf({ ...SELF, epoch: 1 }, 0, [9, 9])], dot(2, 1)],
  ];
  for (const [seen, expected] of cases) {
    const stand = new Stand();
    stand.put();
    stand.put();
    assert.deepEqual(stand.put(seen), expected);
    const isNew = expected.epoch === 2;
    assert.deepEqual(stand.reasons, isNew ? ["first", "context-ahead"] : ["first"]);
  }
});

test("replica: after a stop that was not clean no epoch from before it is used", () => {
  const stand = new Stand();
  stand.put();
  stand.boot(new EpochLease({ next: 100, end: 200, bootFloor: 99 }));
  assert.deepEqual([stand.put(), stand.put()], [dot(100, 1), dot(100, 2)]);
  stand.boot(new EpochLease({ next: 200, end: 300, bootFloor: 99 }));
  assert.deepEqual(stand.put(), dot(100, 3), "after a clean one those since then are");
  assert.deepEqual(stand.reasons, ["first", "boot-floor"]);
});

test("replica: what a peer knows of this node and its row does not, reserves an epoch at once", () => {
  for (const way of ["apply", "repair"] as const) {
    const stand = new Stand();
    stand.put();
    const ahead = putDelta(EMPTY_CONTEXT, ownDot(1, 5));
    if (way === "apply") stand.replica.apply(PLACE, encoded(ahead), ASKER);
    else stand.replica.repair(PLACE, encoded(ahead));
    assert.deepEqual(stand.reasons, ["first", "replica-ahead"]);
    assert.equal(stand.stored.reservedEpoch, 2);
    assert.equal(stand.stored.record.dots.length, 2, "and what came is joined all the same");
  }
});

test("replica: a reserved epoch lives through joins, restarts and further sightings", () => {
  const stand = new Stand(new EpochLease({ next: 10, end: 20, bootFloor: 0 }));
  stand.replica.apply(PLACE, encoded(putDelta(EMPTY_CONTEXT, ownDot(4, 5))), ASKER);
  assert.equal(stand.stored.reservedEpoch, 10);
  stand.replica.apply(PLACE, encoded(peerDelta(1)), ASKER);
  stand.replica.repair(PLACE, encoded(peerDelta(2)));
  stand.replica.apply(PLACE, encoded(putDelta(EMPTY_CONTEXT, ownDot(4, 6))), ASKER);
  stand.boot(new EpochLease({ next: 30, end: 40, bootFloor: 0 }));
  stand.replica.apply(PLACE, encoded(deleteDelta([entryOf({ ...SELF, epoch: 4 }, 9)])), ASKER);
  assert.equal(stand.stored.reservedEpoch, 10, "nothing of those was above it");
  assert.deepEqual(stand.put(), dot(10, 1));
  assert.equal(stand.stored.reservedEpoch, 0);
  assert.deepEqual([stand.put(), stand.put()], [dot(10, 2), dot(10, 3)]);
  assert.deepEqual(stand.reasons, ["replica-ahead"]);
});

test("replica: a reserved epoch that was used and forgotten is not used twice", () => {
  const stand = new Stand(new EpochLease({ next: 10, end: 20, bootFloor: 0 }));
  stand.replica.apply(PLACE, encoded(putDelta(EMPTY_CONTEXT, ownDot(4, 5))), ASKER);
  const before = stand.row;
  stand.put();
  const seen = stand.stored.record;
  stand.row = before;
  stand.boot(new EpochLease({ next: 11, end: 20, bootFloor: 0 }));
  stand.replica.repair(PLACE, encoded(seen));
  assert.equal(stand.stored.reservedEpoch, 11);
  assert.deepEqual(stand.put(), dot(11, 1));
});

test("replica: a reserved epoch from before an unclean stop is not used either", () => {
  const stand = new Stand(new EpochLease({ next: 10, end: 20, bootFloor: 0 }));
  stand.replica.apply(PLACE, encoded(putDelta(EMPTY_CONTEXT, ownDot(4, 5))), ASKER);
  stand.boot(new EpochLease({ next: 20, end: 30, bootFloor: 19 }));
  assert.deepEqual(stand.put(), dot(20, 1));
  assert.equal(stand.stored.reservedEpoch, 0);
});

test("replica: a damaged row is never taken for an absent one", () => {
  const stand = new Stand();
  for (const damage of [DAMAGED, Uint8Array.of(0, 9, 9)] as const) {
    stand.row = damage;
    assert.equal(stand.replica.load(PLACE.partition, KEY), DAMAGED);
    assert.equal(stand.replica.apply(PLACE, encoded(peerDelta(1)), ASKER), "damaged");
    assert.equal(stand.row, damage, "nothing was written over it");
  }
  stand.row = DAMAGED;
  assert.equal(stand.replica.recordBytes(PLACE.partition, KEY), DAMAGED);
  assert.equal(stand.replica.digest(PLACE.partition, KEY), DAMAGED);
  assert.ok(stand.facts.every(({ kind }) => kind === "row-damaged"));
  assert.ok(stand.facts.length >= 4);
});

test("replica: a damaged row is replaced by a peer's, under a new epoch", () => {
  const stand = new Stand(new EpochLease({ next: 10, end: 20, bootFloor: 0 }));
  stand.row = DAMAGED;
  stand.replica.repair(PLACE, encoded(peerDelta(1)));
  assert.deepEqual(stand.stored, { reservedEpoch: 10, record: peerDelta(1) });
  assert.deepEqual(stand.reasons, ["damaged"]);
  assert.deepEqual(stand.put(), dot(11, 1), "the peer knew nothing of this identity");
});

test("replica: an epoch that another identity of this node has reserved is not its own", () => {
  const stand = new Stand(new EpochLease({ next: 10, end: 20, bootFloor: 0 }));
  stand.row = encodeRow(12, peerDelta(1));
  assert.deepEqual(stand.put(), dot(10, 1));
  assert.equal(stand.stored.reservedEpoch, 0);
});

test("replica: without a leased epoch nothing is minted, and nothing stored that would need one", () => {
  const lease = new EpochLease({ next: 1, end: 1, bootFloor: 0 });
  const stand = new Stand(lease);
  const ahead = encoded(putDelta(EMPTY_CONTEXT, ownDot(4, 5)));
  assert.equal(stand.replica.nextDot(KEY, stand.loaded(), undefined), undefined);
  assert.equal(stand.replica.apply(PLACE, ahead, ASKER), "epochs-exhausted");
  stand.replica.repair(PLACE, ahead);
  assert.equal(stand.row, undefined);
  assert.equal(stand.replica.apply(PLACE, encoded(peerDelta(1)), ASKER), undefined);
  lease.extend(10);
  assert.deepEqual(stand.put(), dot(1, 1));
});

test("replica: every apply is persisted and acknowledged when durable, also one that changes nothing", () => {
  const stand = new Stand();
  stand.replica.apply(PLACE, encoded(peerDelta(1)), { to: nodeId("x"), id: 1 });
  stand.replica.apply(PLACE, encoded(peerDelta(1)), { to: nodeId("y"), id: 2 });
  assert.equal(stand.tokens.length, 2);
  assert.deepEqual([stand.told, stand.replica.waitingCount], [[], 2]);
  stand.replica.completed(0, stand.tokens[1]!, "full");
  stand.replica.completed(0, stand.tokens[0]!, "durable");
  stand.replica.completed(0, stand.tokens[0]!, "durable");
  assert.deepEqual(stand.told, [
    ["y", 2, "full"],
    ["x", 1, "durable"],
  ]);
  assert.equal(stand.replica.waitingCount, 0);
});

test("replica: a repair that changes nothing is not written, and nobody is told of one that does", () => {
  const stand = new Stand();
  stand.replica.repair(PLACE, encoded(peerDelta(1)));
  stand.replica.repair(PLACE, encoded(peerDelta(1)));
  stand.replica.repair(PLACE, encoded(EMPTY_RECORD));
  assert.deepEqual(stand.tokens, [0]);
  stand.replica.completed(0, 0, "durable");
  assert.deepEqual([stand.told, stand.replica.waitingCount], [[], 0]);
});

test("replica: a dot that the disk had no room for and a peer brings back costs no epoch", () => {
  const stand = new Stand();
  stand.put();
  const before = stand.row;
  const { epoch, n } = stand.put();
  const refused = stand.stored.record;
  stand.row = before;
  stand.replica.completed(0, stand.tokens.at(-1)!, "full");
  stand.replica.apply(PLACE, encoded(refused), ASKER);
  assert.deepEqual(stand.put(), dot(epoch, n + 1));
  assert.deepEqual(stand.reasons, ["first"]);
});

test("replica: after too many full disks no key gets a dot until one of them is durable", () => {
  const stand = new Stand(new EpochLease({ next: 1, end: 2 * UNSTORED_MAX, bootFloor: 0 }));
  const other = keyOf("b", "other");
  for (let i = 0; i < UNSTORED_MAX; i++) {
    stand.row = undefined;
    stand.putUnder(keyOf("b", `${i}`));
    stand.replica.completed(0, stand.tokens.at(-1)!, "full");
  }
  assert.equal(stand.replica.nextDot(other, EMPTY_ROW, undefined), undefined);
  assert.ok(stand.replica.nextDot(keyOf("b", "0"), EMPTY_ROW, undefined) !== undefined);
  const told = stand.told.length;
  stand.row = undefined;
  const first = encoded(putDelta(EMPTY_CONTEXT, ownDot(1, 1)));
  stand.replica.repair({ ...PLACE, key: keyOf("b", "0") }, first);
  assert.equal(stand.replica.nextDot(other, EMPTY_ROW, undefined), undefined);
  stand.replica.completed(0, stand.tokens.at(-1)!, "durable");
  assert.ok(stand.replica.nextDot(other, EMPTY_ROW, undefined) !== undefined);
  assert.equal(stand.told.length, told, "nobody waited for the repair");
});

test("replica: what is stored shares no bytes with what came", () => {
  const stand = new Stand();
  const incoming = encoded(peerDelta(1));
  stand.replica.apply(PLACE, incoming, ASKER);
  incoming.bytes.fill(0);
  assert.deepEqual(stand.stored.record, peerDelta(1));
});

test("replica: the digest is that of the record, and an absent row has the absent one", () => {
  const stand = new Stand();
  assert.deepEqual(stand.replica.digest(PLACE.partition, KEY), { high: 0, low: 0 });
  assert.equal(stand.replica.recordBytes(PLACE.partition, KEY), undefined);
  stand.replica.apply(PLACE, encoded(putDelta(EMPTY_CONTEXT, ownDot(4, 5))), ASKER);
  const bytes = encodeRecord(stand.stored.record);
  assert.deepEqual(stand.replica.digest(PLACE.partition, KEY), digestOf(bytes));
  assert.deepEqual(stand.replica.recordBytes(PLACE.partition, KEY), bytes);
});

function dot(epoch: number, n: number): { epoch: number; n: number } {
  return { epoch, n };
}

function ownDot(epoch: number, n: number): Dot {
  return { ...SELF, epoch, n, kind: REGISTER, path: "", payload: Uint8Array.of(epoch, n) };
}

function peerDelta(n: number): Record {
  return putDelta(EMPTY_CONTEXT, { ...ownDot(1, n), ...PEER });
}

function encoded(record: Record): { record: Record; bytes: Uint8Array } {
  return { record, bytes: encodeRecord(record) };
}
