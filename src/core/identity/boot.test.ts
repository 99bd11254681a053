import assert from "node:assert/strict";
import { test } from "node:test";
import { EPOCH_MAX } from "../causality/actor.ts";
import { LEASE_BLOCK } from "../replica/epochs.ts";
import type { Boot, BootDecision } from "./boot.ts";
import { decideBoot } from "./boot.ts";
import type { StoredIdentity } from "./identity-file.ts";
import type { Identity } from "./identity.ts";

const OLD = { high: 1, low: 2 };
const FRESH = { high: -3, low: 4 };
const WALL_MS = 1_700_000_000_000;

const STORE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const OTHER_STORE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 9);

const STORED: Identity = {
  clusterId: "c1",
  nodeId: "n1",
  actor: OLD,
  generation: 500,
  leaseEnd: 20_001,
  bootFloor: 10_001,
  isClean: true,
  isSettled: true,
  place: "7/1",
  rows: { store: STORE, writes: 250 },
  layout: "a",
};

const BOOT: Boot = {
  clusterId: "c1",
  nodeId: "n1",
  freshActor: FRESH,
  wallMs: WALL_MS,
  place: "7/1",
  engineLost: false,
  rows: { store: STORE, writes: 250 },
  layout: "a",
  restored: false,
  knownGeneration: undefined,
};

interface Row {
  readonly name: string;
  readonly stored?: Partial<Identity> | "nothing" | "damaged";
  readonly boot?: Partial<Boot>;
  /** Reason, actor, generation, first epoch, boot floor, place. */
  readonly gives: readonly [BootDecision["reason"], "old" | "new", number, number, number, string];
}

const TABLE: readonly Row[] = [
  { name: "nothing", stored: "nothing", gives: ["first", "new", WALL_MS, 1, 0, "7/1"] },
  {
    name: "nothing, and no way to tell the place",
    stored: "nothing",
    boot: { place: undefined },
    gives: ["first", "new", WALL_MS, 1, 0, ""],
  },
  {
    name: "nothing, and a peer knows a generation beyond the wall clock",
    stored: "nothing",
    boot: { knownGeneration: WALL_MS + 5 },
    gives: ["first", "new", WALL_MS + 6, 1, 0, "7/1"],
  },
  { name: "clean", gives: ["clean", "old", 501, 20_001, 10_001, "7/1"] },
  {
    name: "a peer knows an older boot, as it should",
    boot: { knownGeneration: 499 },
    gives: ["clean", "old", 501, 20_001, 10_001, "7/1"],
  },
  {
    name: "not clean",
    stored: { isClean: false },
    gives: ["unclean", "old", 501, 20_002, 20_001, "7/1"],
  },
  {
    name: "clean, but the engine lost something",
    boot: { engineLost: true },
    gives: ["unclean", "old", 501, 20_002, 20_001, "7/1"],
  },
  {
    name: "another place",
    boot: { place: "8/1" },
    gives: ["copied", "new", WALL_MS, 1, 0, "8/1"],
  },
  {
    name: "another place, not clean, and a peer knows more",
    stored: { isClean: false },
    boot: { place: "8/1", knownGeneration: 900 },
    gives: ["copied", "new", WALL_MS, 1, 0, "8/1"],
  },
  {
    name: "the host cannot tell the place: no mismatch, and the known one is kept",
    boot: { place: undefined },
    gives: ["clean", "old", 501, 20_001, 10_001, "7/1"],
  },
  {
    name: "the place was not known before",
    stored: { place: "" },
    gives: ["clean", "old", 501, 20_001, 10_001, "7/1"],
  },
  { name: "a backup", boot: { restored: true }, gives: ["restored", "new", WALL_MS, 1, 0, "7/1"] },
  {
    name: "rows that have come further",
    stored: { isClean: false },
    boot: { rows: { store: STORE, writes: 260 } },
    gives: ["unclean", "old", 501, 20_002, 20_001, "7/1"],
  },
  {
    name: "rows that have not come as far",
    boot: { rows: { store: STORE, writes: 249 } },
    gives: ["restored", "new", WALL_MS, 1, 0, "7/1"],
  },
  {
    name: "rows of another store",
    boot: { rows: { store: OTHER_STORE, writes: 900 } },
    gives: ["restored", "new", WALL_MS, 1, 0, "7/1"],
  },
  {
    name: "no rows, as before, under the name of this start",
    stored: { rows: { store: STORE, writes: 0 } },
    boot: { rows: { store: OTHER_STORE, writes: 0 } },
    gives: ["clean", "old", 501, 20_001, 10_001, "7/1"],
  },
  {
    name: "rows of which the identity knows nothing",
    stored: { rows: undefined },
    gives: ["clean", "old", 501, 20_001, 10_001, "7/1"],
  },
  {
    name: "a peer knows the same boot",
    boot: { knownGeneration: 500 },
    gives: ["outlived", "new", WALL_MS, 1, 0, "7/1"],
  },
  {
    name: "a peer knows a younger boot",
    boot: { knownGeneration: 777 },
    gives: ["outlived", "new", WALL_MS, 1, 0, "7/1"],
  },
  { name: "damaged", stored: "damaged", gives: ["damaged", "new", WALL_MS, 1, 0, "7/1"] },
  {
    name: "the epochs are used up",
    stored: { leaseEnd: EPOCH_MAX - LEASE_BLOCK },
    gives: ["exhausted", "new", WALL_MS, 1, 0, "7/1"],
  },
];

for (const { name, stored, boot, gives } of TABLE) {
  test(`boot: ${name}`, () => {
    const decided = decideBoot(storedAs(stored), { ...BOOT, ...boot });
    assert.ok("identity" in decided);
    const { reason, identity, lease } = decided;
    const actor = identity.actor === FRESH ? "new" : "old";
    const first = lease.take();
    const { generation, bootFloor, place } = identity;
    assert.deepEqual([reason, actor, generation, first, bootFloor, place], gives);
    assert.deepEqual(identity.actor, actor === "new" ? FRESH : OLD);
    assert.equal(lease.bootFloor, bootFloor);
    assert.ok(bootFloor < first!);
    assert.equal(identity.leaseEnd, lease.end);
    assert.equal(identity.leaseEnd, first! + LEASE_BLOCK);
    assert.equal(identity.isClean, false);
    assert.deepEqual(identity.rows, { ...BOOT, ...boot }.rows);
  });
}

const EMPTY = { store: OTHER_STORE, writes: 0 };
const SETTLED: readonly Pick<Row, "name" | "stored" | "boot">[] = [
  { name: "clean" },
  { name: "not clean", stored: { isClean: false } },
  { name: "the epochs are used up", stored: { leaseEnd: EPOCH_MAX - LEASE_BLOCK } },
  { name: "nothing at all", stored: "nothing", boot: { rows: EMPTY } },
  { name: "a backup without rows", boot: { rows: EMPTY, restored: true } },
  { name: "damaged, and no rows", stored: "damaged", boot: { rows: EMPTY } },
  {
    name: "not settled before, and the rows are gone",
    stored: { isSettled: false },
    boot: { rows: EMPTY },
  },
];
const UNSETTLED: readonly Pick<Row, "name" | "stored" | "boot">[] = [
  { name: "a backup", boot: { restored: true } },
  { name: "another place", boot: { place: "8/1" } },
  { name: "rows that have not come as far", boot: { rows: { store: STORE, writes: 249 } } },
  { name: "a peer knows a younger boot", boot: { knownGeneration: 777 } },
  { name: "damaged", stored: "damaged" },
  { name: "rows without an identity", stored: "nothing" },
  { name: "not settled before", stored: { isSettled: false } },
  { name: "not settled before, and killed", stored: { isSettled: false, isClean: false } },
  {
    name: "not settled before, and the epochs are used up",
    stored: { isSettled: false, leaseEnd: EPOCH_MAX - LEASE_BLOCK },
  },
];

for (const [isSettled, cases] of [[true, SETTLED] as const, [false, UNSETTLED] as const]) {
  for (const { name, stored, boot } of cases) {
    test(`boot: ${name}: the rows are ${isSettled ? "settled" : "to be asked about"}`, () => {
      const decided = decideBoot(storedAs(stored), { ...BOOT, ...boot });
      assert.ok("identity" in decided);
      assert.equal(decided.identity.isSettled, isSettled);
    });
  }
}

test("boot: an era that is doubtful stays so, until the rows are settled", () => {
  for (const boot of [{}, { restored: true }]) {
    for (const isSettled of [false, true]) {
      const stored = storedAs({ isSettled, hasLaterEra: true });
      const decided = decideBoot(stored, { ...BOOT, ...boot });
      assert.ok("identity" in decided);
      assert.equal(decided.identity.hasLaterEra, isSettled ? undefined : true);
    }
  }
});

test("boot: the floor never goes down, and no epoch comes twice", () => {
  let stored: StoredIdentity = { kind: "nothing" };
  const taken = new Set<number>();
  let floor = 0;
  for (const isClean of [false, true, true, false, false, true, true]) {
    const decided = decideBoot(stored, BOOT);
    assert.ok("identity" in decided);
    assert.ok(decided.lease.bootFloor >= floor);
    floor = decided.lease.bootFloor;
    for (let epoch = decided.lease.take(); epoch !== undefined; epoch = decided.lease.take()) {
      assert.ok(!taken.has(epoch) && epoch > floor);
      taken.add(epoch);
    }
    stored = { kind: "found", identity: { ...decided.identity, isClean } };
  }
});

test("boot: data of another cluster, another node or a later release is refused by name", () => {
  const refusals: readonly (readonly [StoredIdentity, Partial<Boot>, RegExp])[] = [
    [found(), { clusterId: "c2" }, /cluster "c1", .* cluster "c2": give .* directory/],
    [found(), { nodeId: "n2", restored: true }, /node "n1", .* node "n2": give .* directory/],
    [{ kind: "newer", version: 2 }, { restored: true }, /version 2.* start that release/],
  ];
  for (const [stored, boot, expected] of refusals) {
    const decided = decideBoot(stored, { ...BOOT, ...boot });
    assert.ok("problem" in decided);
    assert.match(decided.problem, expected);
  }
});

test("boot: an actor that was not drawn anew is a bug", () => {
  assert.throws(
    () => decideBoot(found(), { ...BOOT, freshActor: OLD, restored: true }),
    /fresh actor/,
  );
});

function found(fields: Partial<Identity> = {}): StoredIdentity {
  return { kind: "found", identity: { ...STORED, ...fields } };
}

function storedAs(stored: Row["stored"]): StoredIdentity {
  if (stored === "nothing" || stored === "damaged") return { kind: stored };
  return found(stored);
}
