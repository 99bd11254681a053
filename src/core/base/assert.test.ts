import assertStrict from "node:assert/strict";
import { test } from "node:test";
import { assert, AssertionFailure, unreachable } from "./assert.ts";

test("assert: a broken promise throws, with its name and its message", () => {
  assert(true, "never said");
  assertStrict.throws(
    () => assert(false, "two owners with one dot"),
    (error) =>
      error instanceof AssertionFailure &&
      error.name === "AssertionFailure" &&
      error.message === "two owners with one dot",
  );
});

test("unreachable: says which case was reached", () => {
  assertStrict.throws(() => unreachable("surprise" as never), /unreachable case: surprise/);
});
