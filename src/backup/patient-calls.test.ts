import assert from "node:assert/strict";
import { test } from "node:test";
import type { CopyQuestion } from "../client/copy-calls.ts";
import { unavailable, type DoorFailed } from "../core/caller/door-outcome.ts";
import { EMPTY_BYTES } from "../core/base/bytes.ts";
import type { Layout } from "../core/ring/layout.ts";
import { nodeId, type NodeId } from "../core/ring/node-id.ts";
import type { CopyAnswer } from "../core/wire/copy-codec.ts";
import { PatientCalls } from "./patient-calls.ts";

const N1 = nodeId("n1");
const N2 = nodeId("n2");
const QUESTION: CopyQuestion = {
  kind: "rows-ask",
  epoch: 1,
  partition: 0,
  bytesMax: 1,
  position: EMPTY_BYTES,
};
const TOLD: CopyAnswer = {
  kind: "rows-told",
  id: 1,
  next: EMPTY_BYTES,
  damaged: [],
  records: [],
};
const BUSY: CopyAnswer = { kind: "copy-refused", id: 1, reason: "busy", epoch: 1 };
const SILENCE = unavailable("it is away");

/** Gives these answers one after the other, and then the last again and again. */
function calls(...answers: readonly (CopyAnswer | DoorFailed)[]): {
  readonly calls: PatientCalls;
  readonly asked: NodeId[];
} {
  const asked: NodeId[] = [];
  const door = {
    layout: (): Layout => assert.fail("nobody needs it"),
    copy: (node: NodeId) => {
      asked.push(node);
      return Promise.resolve(answers[Math.min(asked.length, answers.length) - 1]!);
    },
  };
  return { calls: new PatientCalls(door, { timeoutMs: 10, pauseMs: 0 }), asked };
}

test("patient calls: a node that is silent or busy for a while is asked again", async () => {
  const away = calls(SILENCE, SILENCE, TOLD);
  assert.equal(await away.calls.ask(N1, QUESTION), TOLD);
  assert.equal(away.calls.problems.size, 0);
  const busy = calls(...new Array<CopyAnswer>(20).fill(BUSY), TOLD);
  assert.equal(await busy.calls.ask(N1, QUESTION), TOLD);
});

test("patient calls: a node that stays silent is given up, and then let alone for a while", async () => {
  const { calls: silent, asked } = calls(SILENCE);
  const answer = await silent.ask(N1, QUESTION);
  assert.deepEqual(answer, { kind: "unanswered", problem: "it is away" });
  const before = asked.length;
  assert.ok(before > 2);
  assert.equal((await silent.ask(N1, QUESTION)).kind, "unanswered");
  assert.equal(asked.length, before);
  assert.deepEqual([...silent.problems], [[N1, "it is away"]]);
  await silent.ask(N2, QUESTION);
  assert.ok(asked.length > before, "the other one is asked");
});

test("patient calls: a refusal that waiting does not change is an answer", async () => {
  const refused: CopyAnswer = { ...BUSY, reason: "not-owner" };
  const { calls: refusing, asked } = calls(refused);
  assert.equal(await refusing.ask(N1, QUESTION), refused);
  assert.equal(asked.length, 1);
});

test("patient calls: a long question that nobody answers says nothing about the node", async () => {
  const { calls: long, asked } = calls(BUSY, SILENCE, SILENCE, TOLD);
  const answer = await long.askLong(N1, QUESTION, "a long one");
  assert.deepEqual(answer, { kind: "unanswered", problem: "it is away" });
  assert.deepEqual([...long.problems], [[N1, "a long one: it is away"]]);
  assert.equal(asked.length, 3);
  assert.equal(await long.ask(N1, QUESTION), TOLD);
});
