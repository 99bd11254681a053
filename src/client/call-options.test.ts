import assert from "node:assert/strict";
import { test } from "node:test";
import { checkOptions, readLevel, requestTimeoutMs, writeLevel } from "./call-options.ts";

test("no options are fine, and so are undefined ones", () => {
  assert.deepEqual(checkOptions("get", undefined), {});
  checkOptions("delete", { signal: undefined, timeoutMs: undefined, r: undefined, w: undefined });
});

test("an option that does not exist is refused by name", () => {
  assert.throws(() => checkOptions("get", { timeout: 5 } as never), {
    code: "INVALID_ARGUMENT",
    message:
      "INVALID_ARGUMENT: there is no option timeout for a get. " +
      "A get knows signal, timeoutMs, retries, consistency, session, r, pr.",
  });
  assert.throws(() => checkOptions("get", { w: 1 }), /no option w for a get/);
  assert.throws(() => checkOptions("put", { r: 1 }), /no option r for a put/);
  assert.throws(() => checkOptions("update", { context: {} as never }), /no option context/);
});

test("what cannot be is refused with what was given", () => {
  const table: readonly [object, RegExp][] = [
    [{ timeoutMs: 0 }, /timeoutMs must be above 0 .*, got 0/],
    [{ timeoutMs: NaN }, /timeoutMs .*, got NaN/],
    [{ timeoutMs: "5" }, /timeoutMs .*, got "5"/],
    [{ timeoutMs: 1e9 }, /timeoutMs/],
    [{ retries: -1 }, /retries must be an integer from 0 to 100, got -1/],
    [{ retries: 1.5 }, /retries/],
    [{ consistency: "most" }, /consistency must be one, quorum or all, got "most"/],
    [{ r: 0 }, /r must be one, quorum, all or an integer from 1 to 16, got 0/],
    [{ pr: "two" }, /pr/],
    [{ w: 17 }, /w must/],
    [{ pw: 2.5 }, /pw must/],
    [{ session: "yes" }, /session must be true or false, got "yes"/],
    [{ signal: {} }, /signal must be an AbortSignal, got object/],
  ];
  for (const [options, message] of table) {
    assert.throws(() => checkOptions("delete", options), message);
  }
});

test("consistency stands for r and w, where they do not stand for themselves", () => {
  assert.equal(readLevel({}), "default");
  assert.equal(writeLevel({}), "default");
  assert.equal(readLevel({ consistency: "all" }), "all");
  assert.equal(writeLevel({ consistency: "all", w: 2 }), 2);
  assert.equal(readLevel({ consistency: "all", w: 2 }), "all");
});

test("a request has whole milliseconds, and none for no limit", () => {
  assert.equal(requestTimeoutMs({}), 0);
  assert.equal(requestTimeoutMs({ timeoutMs: 0.2 }), 1);
  assert.equal(requestTimeoutMs({ timeoutMs: 250 }), 250);
});
