import assert from "node:assert/strict";
import { test } from "node:test";
import { RowPositions } from "./row-position.ts";

test("a position is read again as what it was", () => {
  const positions = new RowPositions();
  for (const position of [0, 1, 2 ** 40, "", "b/\xff\x00", "x".repeat(5_000)]) {
    assert.equal(positions.open(7, positions.seal(7, position)), position);
  }
  assert.equal(positions.seal(7, undefined).length, 0);
});

test("a position that is changed, of another partition or of another process is unknown", () => {
  const positions = new RowPositions();
  const sealed = positions.seal(7, 300);
  assert.equal(positions.open(8, sealed), undefined);
  assert.equal(new RowPositions().open(7, sealed), undefined);
  for (let at = 0; at < sealed.length; at++) {
    const changed = sealed.slice();
    changed[at]! ^= 1;
    assert.equal(positions.open(7, changed), undefined);
  }
  for (let length = 0; length < sealed.length; length++) {
    assert.equal(positions.open(7, sealed.subarray(0, length)), undefined);
  }
});
