import assert from "node:assert/strict";
import { test } from "node:test";
import { LEASE_BLOCK } from "../replica/epochs.ts";
import type { AppendAnswer, DiskProblem } from "../storage/disk.ts";
import type { Boot } from "./boot.ts";
import { decideBoot } from "./boot.ts";
import { IdentityFile } from "./identity-file.ts";
import type { Identity } from "./identity.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import { ScriptedDisk } from "./scripted-disk.test.ts";

const ROWS = { store: new Uint8Array(8), writes: 5 };

const BOOT: Boot = {
  clusterId: "c1",
  nodeId: "n1",
  freshActor: { high: 1, low: 2 },
  wallMs: 1_000,
  place: undefined,
  engineLost: false,
  rows: ROWS,
  layout: "",
  restored: false,
  knownGeneration: undefined,
};

class Run {
  readonly disk: ScriptedDisk;
  readonly lease;
  readonly keeper: LeaseKeeper;
  readonly reason: string;
  readonly troubles: ("full" | DiskProblem)[] = [];

  constructor(disk: ScriptedDisk) {
    this.disk = disk;
    const file = new IdentityFile(disk);
    const decided = decideBoot(file.stored, { ...BOOT, rows: { ...ROWS, writes: 9 } });
    assert.ok("identity" in decided);
    const { identity, lease, reason } = decided;
    file.write(identity, (answer) => assert.equal(answer, "done"));
    disk.run();
    this.lease = lease;
    this.reason = reason;
    const onTrouble = (trouble: "full" | DiskProblem): number => this.troubles.push(trouble);
    this.keeper = new LeaseKeeper({ identity, lease, file, onTrouble });
  }

  take(count: number): number[] {
    return Array.from({ length: count }, () => this.lease.take()!);
  }

  stopClean(): AppendAnswer | undefined {
    let heard: AppendAnswer | undefined;
    this.keeper.stopClean({ ...ROWS, writes: 9 }, (answer) => (heard = answer));
    this.disk.run();
    return heard;
  }
}

function onDisk(disk: ScriptedDisk): Identity {
  const { stored } = new IdentityFile(disk);
  assert.ok(stored.kind === "found");
  return stored.identity;
}

test("what is settled is durable when that is answered, and stays so", () => {
  const disk = new ScriptedDisk();
  const run = new Run(disk);
  assert.equal(onDisk(disk).isSettled, false);
  let heard: AppendAnswer | undefined;
  run.keeper.settle((answer) => (heard = answer));
  while (heard === undefined) {
    assert.equal(disk.calls.length > 0, true);
    disk.step();
  }
  assert.equal(heard, "done");
  assert.equal(onDisk(disk).isSettled, true);
  assert.equal(run.stopClean(), "done");
  assert.equal(onDisk(disk).isSettled, true);
});

test("a block is durable before it is handed out", () => {
  const { disk, lease, keeper, ...run } = new Run(new ScriptedDisk());
  assert.equal(run.reason, "first");
  const calls = disk.calls.length;
  keeper.tend();
  assert.equal(disk.calls.length, calls, "there is enough");
  for (let i = 0; i < LEASE_BLOCK * 0.8; i++) lease.take();
  keeper.tend();
  keeper.tend();
  for (let step = 0; step < 6; step++) {
    assert.equal(lease.end, 1 + LEASE_BLOCK);
    disk.step();
  }
  assert.equal(lease.end, 1 + 2 * LEASE_BLOCK);
  assert.equal(disk.calls.length, calls + 6);
  assert.equal(onDisk(disk.crash()).leaseEnd, lease.end);
});

test("over many runs, stopped anyhow, no epoch comes twice", () => {
  const taken = new Set<number>();
  let disk = new ScriptedDisk();
  const reasons: string[] = [];
  for (let round = 0; round < 12; round++) {
    const run = new Run(disk);
    reasons.push(run.reason);
    for (let i = 0; i < LEASE_BLOCK * 1.9; i++) {
      run.keeper.tend();
      if (i % 3 === 0) disk.step();
      const epoch = run.lease.take();
      if (epoch === undefined) break;
      assert.ok(!taken.has(epoch), `${epoch} in round ${round}`);
      assert.ok(epoch > run.lease.bootFloor);
      taken.add(epoch);
    }
    if (round % 3 === 0) assert.equal(run.stopClean(), "done");
    for (let i = 0; i < round; i++) disk.step();
    disk = disk.crash();
  }
  const cycle = ["clean", "unclean", "unclean"];
  assert.deepEqual(reasons, ["first", ...cycle, ...cycle, ...cycle, "clean", "unclean"]);
});

test("a full disk ends the lease, and the next try goes on", () => {
  const run = new Run(new ScriptedDisk());
  run.take(LEASE_BLOCK - 1);
  run.disk.faults.set("append", "full");
  run.keeper.tend();
  run.disk.run();
  assert.deepEqual(run.troubles, ["full"]);
  run.take(1);
  assert.equal(run.lease.take(), undefined);
  run.keeper.tend();
  run.disk.run();
  assert.equal(run.lease.take(), 1 + LEASE_BLOCK);
  assert.equal(run.lease.end, 1 + 2 * LEASE_BLOCK);
});

test("a problem is reported once, and the lease stays as it was", () => {
  const run = new Run(new ScriptedDisk());
  run.take(LEASE_BLOCK);
  run.disk.faults.set("sync", { problem: "broken" });
  run.keeper.tend();
  run.disk.run();
  const calls = run.disk.calls.length;
  run.keeper.tend();
  assert.equal(run.disk.calls.length, calls);
  assert.deepEqual(run.troubles, [{ problem: "broken" }]);
  assert.equal(run.lease.take(), undefined);
  assert.throws(() => run.keeper.stopClean(ROWS, () => {}), /not after a problem/);
});

test("a stop while a block is on its way is clean, and leases it no more", () => {
  const run = new Run(new ScriptedDisk());
  run.take(LEASE_BLOCK);
  run.keeper.tend();
  assert.equal(run.stopClean(), "done");
  assert.equal(run.lease.take(), undefined);
  const stored = onDisk(run.disk.crash());
  assert.equal(stored.isClean, true);
  assert.equal(stored.rows?.writes, 9);
  assert.equal(stored.leaseEnd, 1 + 2 * LEASE_BLOCK);
  run.keeper.tend();
  assert.equal(run.disk.step(), false, "nothing is written behind it");
});
