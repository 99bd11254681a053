import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8Encode } from "../base/utf8.ts";
import { failed } from "../outcomes.ts";
import type { BucketMode, ClientRequest, Operation } from "../requests.ts";
import { clientRequest } from "../requests.ts";
import { keyOf } from "../ring/key.ts";
import { ofLoss, unavailable } from "./door-outcome.ts";
import { isRepeatable, Retries, retryBudget } from "./retries.ts";

const KEY = keyOf("users", "ada@example.com");
const GET = clientRequest({ operation: "get", key: KEY });
const PUT = clientRequest({ operation: "put", key: KEY });
const AWAY = unavailable("nobody is there");
const UNKNOWN = failed("OUTCOME_UNKNOWN", "no answer in time");

function retriesOf(request: ClientRequest, retries: number, deadlineAt = Infinity): Retries {
  return new Retries(request, retries, deadlineAt, retryBudget());
}

test("it is asked as often as it may be, and then the failure is told", () => {
  const retries = retriesOf(GET, 2);
  assert.equal(retries.waitMsAfter(AWAY, 0, 0), 0);
  assert.equal(retries.waitMsAfter(AWAY, 0, 0), 0);
  assert.equal(retries.waitMsAfter(AWAY, 0, 0), undefined);
  assert.equal(retries.failure, AWAY);
});

test("the wait is drawn below a bound that doubles up to a second, on top of what is asked for", () => {
  const retries = retriesOf(GET, 20);
  const busy = failed("OVERLOADED", "full", { retryAfterMs: 100 });
  const waits = Array.from({ length: 9 }, () => retries.waitMsAfter(busy, 0, 0.5));
  assert.deepEqual(waits, [105, 110, 120, 140, 180, 260, 420, 600, 600]);
});

test("a repetition has what is left of the time, and none is made without", () => {
  const retries = retriesOf(clientRequest({ operation: "get", key: KEY, timeoutMs: 50 }), 5, 50);
  assert.equal(retries.waitMsAfter(AWAY, 20, 0.5), 5);
  assert.equal(retries.next(25.5)?.timeoutMs, 24);
  assert.equal(retries.next(49.5), undefined);
  assert.equal(retries.waitMsAfter(AWAY, 45, 0.5), undefined);
});

test("without a time limit every try leaves it to the node", () => {
  assert.equal(retriesOf(GET, 1).next(1e9)?.timeoutMs, 0);
});

test("calls that share a budget ask a tenth again and no more, and say why", () => {
  const budget = retryBudget();
  let repeated = 0;
  for (let call = 0; call < 5_000; call++) {
    budget.earn();
    const retries = new Retries(GET, 3, Infinity, budget);
    while (retries.waitMsAfter(AWAY, 0, 0.5) !== undefined) repeated++;
    if (call < 30) assert.equal(retries.failure.heldBack, undefined);
    if (call > 100) assert.equal(retries.failure.heldBack, "retry-budget");
  }
  assert.ok(repeated > 5_000 / 10 && repeated <= 5_000 / 10 + 100, `${repeated}`);
});

test("what a node that is gone has left open is asked again without a budget, once", () => {
  const budget = retryBudget();
  while (budget.take());
  const lost = ofLoss(UNKNOWN);
  for (let call = 0; call < 1_000; call++) {
    const retries = new Retries(PUT, 3, Infinity, budget);
    assert.equal(retries.waitMsAfter(lost, 0, 0.5), 5);
    assert.equal(retries.waitMsAfter(lost, 0, 0.5), undefined);
    assert.equal(retries.failure.heldBack, "retry-budget");
  }
});

test("nobody asks again for a loss who would not have asked again", () => {
  assert.equal(retriesOf(PUT, 0).waitMsAfter(ofLoss(UNKNOWN), 0, 0), undefined);
});

test("who would not have been asked again anyway is not held back", () => {
  const budget = retryBudget();
  while (budget.take());
  const retries = new Retries(GET, 0, Infinity, budget);
  assert.equal(retries.waitMsAfter(AWAY, 0, 0), undefined);
  assert.equal(retries.failure.heldBack, undefined);
});

test("a later failure does not hide that a try may have been done", () => {
  const retries = retriesOf(PUT, 2);
  retries.waitMsAfter(UNKNOWN, 0, 0);
  retries.waitMsAfter(AWAY, 0, 0);
  assert.equal(retries.failure, UNKNOWN);
});

test("what changed nothing may be repeated, whatever it was", () => {
  for (const code of ["QUORUM_NOT_MET", "OVERLOADED", "UNAVAILABLE", "DAMAGED"] as const) {
    for (const operation of ["get", "put", "delete"] as const) {
      assert.equal(isRepeatable(code, clientRequest({ operation, key: KEY })), true, code);
    }
  }
});

test("what will fail again is not repeated", () => {
  const request = clientRequest({ operation: "get", key: KEY });
  const codes = [
    "INVALID_REQUEST",
    "CONTEXT_INVALID",
    "VALUE_TOO_LARGE",
    "TOO_MANY_SIBLINGS",
  ] as const;
  for (const code of codes) assert.equal(isRepeatable(code, request), false, code);
});

test("after an unknown outcome only what replaces whatever there is is repeated", () => {
  const table: readonly [Operation, BucketMode, string, boolean][] = [
    ["put", "overwrite", "", true],
    ["put", "lww", "", true],
    ["put", "siblings", "", false],
    ["put", "merge", "", false],
    ["put", "overwrite", "context", false],
    ["put", "lww", "context", false],
    ["put", "siblings", "context", false],
    ["put", "merge", "context", false],
    ["delete", "siblings", "", true],
    ["delete", "siblings", "context", true],
  ];
  for (const [operation, mode, context, expected] of table) {
    const request = clientRequest({ operation, mode, key: KEY, context: utf8Encode(context) });
    assert.equal(
      isRepeatable("OUTCOME_UNKNOWN", request),
      expected,
      `${operation} ${mode} ${context}`,
    );
  }
});
