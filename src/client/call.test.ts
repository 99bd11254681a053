import assert from "node:assert/strict";
import { test } from "node:test";
import { unavailable } from "../core/caller/door-outcome.ts";
import { retryBudget } from "../core/caller/retries.ts";
import { failed } from "../core/outcomes.ts";
import type { ClientRequest } from "../core/requests.ts";
import { clientRequest } from "../core/requests.ts";
import { keyOf } from "../core/ring/key.ts";
import type { AnyOptions } from "./call-options.ts";
import type { Done, Line } from "./call.ts";
import { Call } from "./call.ts";
import type { GrammeError } from "./gramme-error.ts";
import { ScriptedDoor, NOT_FOUND, NO_QUORUM, STORED, UNKNOWN } from "./scripted-door.test.ts";

const KEY = keyOf("bucket", "key");
const GET = clientRequest({ operation: "get", key: KEY });
const PUT = clientRequest({ operation: "put", key: KEY });

function lineTo(door: ScriptedDoor, isClosed = false): Line {
  return { door, retryBudget: retryBudget(), isClosed };
}

function call(
  door: ScriptedDoor,
  request: ClientRequest,
  options: AnyOptions = {},
  line: Line = lineTo(door),
): Promise<Done["kind"]> {
  return new Promise((resolve, reject) => {
    const read = (done: Done): Done["kind"] => done.kind;
    new Call(line, request, options, { read, resolve, reject }).start();
  });
}

test("what is done resolves", async () => {
  const door = new ScriptedDoor(() => STORED);
  assert.equal(await call(door, PUT), "stored");
  assert.equal(door.requests.length, 1);
});

test("what reading throws rejects", async () => {
  const door = new ScriptedDoor(() => NOT_FOUND);
  const read = (): never => {
    throw new Error("cannot be read");
  };
  const line = lineTo(door);
  const promise = new Promise((resolve, reject) => {
    new Call(line, GET, {}, { read, resolve, reject }).start();
  });
  await assert.rejects(promise, /cannot be read/);
});

test("a failure is tried once more, and then told", async () => {
  const twice = new ScriptedDoor((_request, index) => (index === 0 ? NO_QUORUM : NOT_FOUND));
  assert.equal(await call(twice, GET), "not-found");
  assert.equal(twice.requests.length, 2);
  const never = new ScriptedDoor(() => NO_QUORUM);
  await assert.rejects(call(never, GET), { code: "QUORUM_NOT_MET", needed: 2, got: 1 });
  assert.equal(never.requests.length, 2);
});

test("retries says how often", async () => {
  for (const retries of [0, 3]) {
    const door = new ScriptedDoor(() => unavailable("nobody is there"));
    await assert.rejects(call(door, GET, { retries }), { code: "UNAVAILABLE", retryable: true });
    assert.equal(door.requests.length, retries + 1);
  }
});

test("when too many calls fail, most are not tried again, and the error says so", async () => {
  const door = new ScriptedDoor(() => NO_QUORUM);
  const line = lineTo(door);
  const calls = Array.from({ length: 300 }, () => call(door, GET, {}, line).catch((e) => e));
  const errors = (await Promise.all(calls)) as GrammeError[];
  const heldBack = errors.filter((error) => error.heldBack === "retry-budget");
  // A hundred at once, and a tenth of the requests; that is all earned before the first fails.
  assert.equal(heldBack.length, 200);
  assert.equal(door.requests.length, 400);
  assert.match(heldBack[0]!.message, /too few owners; not asked again: the retry budget is empty/);
  assert.deepEqual([heldBack[0]!.code, heldBack[0]!.retryable], ["QUORUM_NOT_MET", true]);
});

test("what would fail again is not tried again", async () => {
  const door = new ScriptedDoor(() => failed("VALUE_TOO_LARGE", "too large"));
  await assert.rejects(call(door, PUT), { code: "VALUE_TOO_LARGE", retryable: false });
  assert.equal(door.requests.length, 1);
});

test("a blind put that keeps siblings is not repeated when nobody knows whether it was done", async () => {
  const door = new ScriptedDoor(() => UNKNOWN);
  const request = clientRequest({ operation: "put", mode: "siblings", key: KEY });
  await assert.rejects(call(door, request), { code: "OUTCOME_UNKNOWN", retryable: false });
  assert.equal(door.requests.length, 1);
});

test("a later failure does not hide that the first try may have been done", async () => {
  const door = new ScriptedDoor((_request, index) => (index === 0 ? UNKNOWN : NO_QUORUM));
  await assert.rejects(call(door, PUT), { code: "OUTCOME_UNKNOWN" });
  assert.equal(door.requests.length, 2);
});

test("a repetition has what is left of the time, and none is made without", async () => {
  const door = new ScriptedDoor((_request, index) => (index === 0 ? NO_QUORUM : NOT_FOUND));
  const request = clientRequest({ operation: "get", key: KEY, timeoutMs: 500 });
  await call(door, request, { timeoutMs: 500 });
  const [first, second] = door.requests.map(({ timeoutMs }) => timeoutMs);
  assert.equal(first, 500);
  assert.ok(second! > 0 && second! <= 500, `${second}`);

  const late = new ScriptedDoor(() => failed("OVERLOADED", "full", { retryAfterMs: 60_000 }));
  await assert.rejects(call(late, request, { timeoutMs: 500 }), { code: "OVERLOADED" });
  assert.equal(late.requests.length, 1);
});

test("without a time limit every try leaves it to the node", async () => {
  const door = new ScriptedDoor((_request, index) => (index === 0 ? NO_QUORUM : NOT_FOUND));
  await call(door, GET);
  assert.deepEqual(
    door.requests.map(({ timeoutMs }) => timeoutMs),
    [0, 0],
  );
});

test("the node is left alone for as long as it asks", async () => {
  const times: number[] = [];
  const door = new ScriptedDoor((_request, index) => {
    times.push(performance.now());
    return index === 0 ? failed("OVERLOADED", "full", { retryAfterMs: 30 }) : NOT_FOUND;
  });
  await call(door, GET);
  assert.ok(times[1]! - times[0]! >= 29, `${times[1]! - times[0]!} ms`);
});

test("a signal that is aborted already: nothing is sent", async () => {
  const door = new ScriptedDoor(() => STORED);
  const reason = new Error("changed my mind");
  const signal = AbortSignal.abort(reason);
  await assert.rejects(call(door, PUT, { signal }), { code: "ABORTED", cause: reason });
  assert.equal(door.requests.length, 0);
});

test("a signal that is aborted while the door is asked: it is told to forget", async () => {
  const controller = new AbortController();
  const door = new ScriptedDoor(() => "silence");
  const promise = call(door, PUT, { signal: controller.signal });
  controller.abort();
  await assert.rejects(promise, { code: "ABORTED" });
  assert.deepEqual(door.cancelled, [1]);
});

test("an outcome that was on its way when the signal was aborted starts nothing", async () => {
  const controller = new AbortController();
  const door = new ScriptedDoor(() => "silence");
  const promise = call(door, PUT, { signal: controller.signal, retries: 5 });
  controller.abort();
  door.lastSettle!(NO_QUORUM);
  await assert.rejects(promise, { code: "ABORTED" });
  await new Promise((resolve) => setTimeout(resolve, 15));
  assert.equal(door.requests.length, 1);
});

test("a signal that is aborted while waiting to try again: it is not tried again", async () => {
  const controller = new AbortController();
  const door = new ScriptedDoor(() => {
    setImmediate(() => controller.abort());
    return failed("OVERLOADED", "full", { retryAfterMs: 60_000 });
  });
  await assert.rejects(call(door, GET, { signal: controller.signal }), { code: "ABORTED" });
  assert.equal(door.requests.length, 1);
  assert.deepEqual(door.cancelled, []);
});

test("a signal outlives many calls and keeps none of them", async () => {
  const { signal } = new AbortController();
  const listeners = new Set<unknown>();
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (type: string, listener: never): void => {
    listeners.add(listener);
    add(type, listener);
  };
  signal.removeEventListener = (type: string, listener: never): void => {
    listeners.delete(listener);
    remove(type, listener);
  };
  await call(new ScriptedDoor(() => NOT_FOUND), GET, { signal });
  await assert.rejects(call(new ScriptedDoor(() => NO_QUORUM), GET, { signal, retries: 0 }));
  assert.equal(listeners.size, 0);
});

test("a closed store sends nothing, and repeats nothing", async () => {
  const door = new ScriptedDoor(() => STORED);
  await assert.rejects(call(door, PUT, {}, lineTo(door, true)), { code: "CLOSED" });
  assert.equal(door.requests.length, 0);

  const other = new ScriptedDoor(() => NO_QUORUM);
  const line = { door: other, retryBudget: retryBudget(), isClosed: false };
  const promise = call(other, GET, {}, line);
  line.isClosed = true;
  await assert.rejects(promise, { code: "QUORUM_NOT_MET" });
  assert.equal(other.requests.length, 1);
});
