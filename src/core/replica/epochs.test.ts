import assert from "node:assert/strict";
import { test } from "node:test";
import { EPOCH_MAX } from "../causality/actor.ts";
import { EpochLease, LEASE_BLOCK } from "./epochs.ts";

test("epochs: every leased one is handed out once, then none until the lease is extended", () => {
  const lease = new EpochLease({ next: 5, end: 8, bootFloor: 4 });
  assert.deepEqual([lease.take(), lease.take(), lease.take(), lease.take()], [5, 6, 7, undefined]);
  lease.extend(10);
  assert.equal(lease.end, 10);
  assert.deepEqual([lease.take(), lease.take(), lease.take()], [8, 9, undefined]);
});

test("epochs: the next block is asked for at four fifths of this one", () => {
  const lease = new EpochLease({ next: 1, end: 1 + LEASE_BLOCK, bootFloor: 0 });
  for (let taken = 0; taken < LEASE_BLOCK * 0.8; taken++) {
    assert.ok(!lease.runsLow, `after ${taken}`);
    lease.take();
  }
  assert.ok(lease.runsLow);
  lease.extend(1 + 2 * LEASE_BLOCK);
  assert.ok(!lease.runsLow);
});

test("epochs: a lease for one process has no floor and no end that matters", () => {
  const lease = EpochLease.forProcess();
  assert.deepEqual([lease.bootFloor, lease.take(), lease.take(), lease.runsLow], [0, 1, 2, false]);
});

test("epochs: a lease that could repeat an epoch is a bug", () => {
  const impossible = [
    { next: 0, end: 5, bootFloor: -1 },
    { next: 6, end: 5, bootFloor: 0 },
    { next: 5, end: 9, bootFloor: 5 },
    { next: 5, end: EPOCH_MAX + 1, bootFloor: 0 },
  ];
  for (const lease of impossible) assert.throws(() => new EpochLease(lease), /lease|floor/);
  const lease = new EpochLease({ next: 1, end: 5, bootFloor: 0 });
  assert.throws(() => lease.extend(5), /cannot go from 5 to 5/);
  assert.throws(() => lease.extend(EPOCH_MAX + 1), /cannot go/);
});
