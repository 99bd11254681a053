import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../core/base/random.ts";
import { sameIdentity } from "../core/causality/actor.ts";
import type { RestartKind } from "./observer.ts";
import { Identity } from "./identity.ts";

function used(block = 10): Identity {
  const identity = new Identity(new Random(1), block);
  for (let i = 0; i < 3; i++) identity.lease.take();
  return identity;
}

test("identity: no epoch is handed out twice, whatever the restart", () => {
  const kinds: RestartKind[] = ["kept", "clean", "lost", "kept", "lost", "clean"];
  const identity = new Identity(new Random(1), 4);
  const taken: number[] = [];
  for (const kind of kinds) {
    for (let i = 0; i < 3; i++) {
      if (identity.leaseRunsLow) identity.extendLease();
      taken.push(identity.lease.take()!);
    }
    identity.onRestart(kind);
  }
  assert.equal(new Set(taken).size, taken.length);
  assert.deepEqual(
    taken,
    taken.toSorted((left, right) => left - right),
  );
});

test("identity: after a kill every epoch of before is at or below the boot floor", () => {
  const identity = used();
  identity.onRestart("kept");
  assert.equal(identity.lease.bootFloor, 10);
  assert.equal(identity.lease.take(), 11);
});

test("identity: after a stop in order, and after an unnoticed loss, nothing is floored", () => {
  for (const kind of ["clean", "lost"] as const) {
    const identity = used();
    const { actor } = identity;
    identity.onRestart(kind);
    assert.equal(identity.lease.bootFloor, 0);
    assert.equal(identity.lease.take(), 4);
    assert.ok(sameIdentity(identity.actor, actor));
  }
});

test("identity: a new one is another actor and begins again", () => {
  const identity = used();
  const { actor } = identity;
  identity.onRestart("new-identity");
  assert.ok(!sameIdentity(identity.actor, actor));
  assert.equal(identity.lease.take(), 1);
});
