import assert from "node:assert/strict";
import { test } from "node:test";
import { UpdateRounds, writeOf } from "./update-rounds.ts";

test("only too many siblings start an update over, and only so often", () => {
  const rounds = new UpdateRounds(2);
  assert.equal(rounds.startsOver("OUTCOME_UNKNOWN"), false);
  assert.equal(rounds.startsOver("TOO_MANY_SIBLINGS"), true);
  assert.equal(rounds.startsOver("TOO_MANY_SIBLINGS"), true);
  assert.equal(rounds.startsOver("TOO_MANY_SIBLINGS"), false);
});

test("a value is put, none is deleted where there was one, and nothing stays nothing", () => {
  assert.deepEqual([writeOf(true, 0), writeOf(true, 2)], ["put", "put"]);
  assert.deepEqual([writeOf(false, 0), writeOf(false, 2)], ["none", "delete"]);
});
