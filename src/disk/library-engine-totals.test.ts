import assert from "node:assert/strict";
import { test } from "node:test";
import { DAMAGED } from "../core/storage/engine.ts";
import { sealed } from "./library-engine-seal.ts";
import { sealedTotals, unsealedTotals } from "./library-engine-totals.ts";

const TOTALS = {
  keys: 3,
  bytes: 700,
  mark: { store: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), writes: 41 },
};

test("totals: come back, and damage to them does not go unnoticed", () => {
  const stored = sealedTotals(TOTALS);
  assert.deepEqual(unsealedTotals(stored), TOTALS);
  stored[stored.length - 1]! ^= 1;
  assert.equal(unsealedTotals(stored), DAMAGED);
  assert.equal(unsealedTotals(sealed(new Uint8Array(17))), DAMAGED);
  assert.equal(unsealedTotals(undefined), undefined);
});

test("totals: those of earlier releases have no mark, and get a name of their own", () => {
  const old = new DataView(new ArrayBuffer(16));
  old.setFloat64(0, TOTALS.keys);
  old.setFloat64(8, TOTALS.bytes);
  const totals = unsealedTotals(sealed(new Uint8Array(old.buffer)));
  assert.ok(totals !== undefined && totals !== DAMAGED);
  const { keys, bytes, mark } = totals;
  assert.deepEqual([keys, bytes, mark.writes], [TOTALS.keys, TOTALS.bytes, 0]);
  assert.ok(mark.store.some((byte) => byte !== 0));
});
