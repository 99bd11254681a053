import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8Encode } from "../core/base/utf8.ts";
import { unavailable } from "../core/caller/door-outcome.ts";
import { FAILURE_CODES, failed } from "../core/outcomes.ts";
import { clientRequest } from "../core/requests.ts";
import { keyOf } from "../core/ring/key.ts";
import { errorOf, GrammeError } from "./gramme-error.ts";

const KEY = keyOf("users", "ada@example.com");

test("a failure says what happened, with both numbers, and what to do", () => {
  const request = clientRequest({ operation: "put", key: KEY, value: utf8Encode("top secret") });
  const failure = failed("QUORUM_NOT_MET", "too few owners can be reached", { needed: 2, got: 1 });
  const error = errorOf(failure, request);
  assert.equal(
    error.message,
    "QUORUM_NOT_MET: put failed, needed 2, got 1: too few owners can be reached. " +
      "Try again, bring back the owners, or ask for fewer with r or w.",
  );
  assert.equal(error.code, "QUORUM_NOT_MET");
  assert.deepEqual([error.needed, error.got, error.retryable], [2, 1, true]);
  assert.equal(error.key, "users/ada@example.com");
  assert.ok(!error.message.includes("ada"));
  assert.ok(!error.message.includes("secret"));
});

test("every code of a node has a hint", () => {
  const request = clientRequest({ operation: "get", key: KEY });
  for (const code of FAILURE_CODES) {
    const error = errorOf(failed(code, "so it is"), request);
    assert.equal(error.message, `${code}: get failed, so it is. ${error.hint}.`);
    assert.ok(error.hint.length > 10);
  }
});

test("what there is nothing to say of is absent", () => {
  const error = new GrammeError("CLOSED", "the store is closed");
  assert.deepEqual(Object.keys(error).sort(), ["code", "hint", "name", "retryable"]);
  assert.equal("cause" in error, false);
});

test("an error carries what the node asked for and what it was caused by", () => {
  const request = clientRequest({ operation: "get", key: KEY });
  assert.equal(errorOf(unavailable("nobody is there", 70), request).retryAfterMs, 70);
  const cause = new Error("cause");
  assert.equal(new GrammeError("OPEN_FAILED", "no", { cause }).cause, cause);
});

test("is narrows by class and by code", () => {
  const error: unknown = new GrammeError("ABORTED", "the signal was aborted");
  assert.equal(GrammeError.is(error), true);
  assert.equal(GrammeError.is(error, "ABORTED"), true);
  assert.equal(GrammeError.is(error, "CLOSED"), false);
  assert.equal(GrammeError.is(new Error("ABORTED"), "ABORTED"), false);
  assert.equal(GrammeError.is(undefined), false);
});
