import assert from "node:assert/strict";
import { test } from "node:test";
import { Turn } from "./turn.ts";

const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("turn: the first task runs before the others, each once for each time it was added", async () => {
  const turn = new Turn();
  const ran: string[] = [];
  turn.first = { endTurn: () => ran.push("first") };
  const socket = { endTurn: () => ran.push("socket") };
  turn.add(socket);
  turn.wake();
  turn.wake();
  assert.deepEqual(ran, []);
  await endOfTurn();
  assert.deepEqual(ran, ["first", "socket"]);
  await endOfTurn();
  assert.deepEqual(ran, ["first", "socket"]);
});

test("turn: what a task adds runs in the same end of turn", async () => {
  const turn = new Turn();
  const ran: string[] = [];
  const late = { endTurn: () => ran.push("late") };
  turn.first = {
    endTurn: () => {
      ran.push("first");
      if (ran.length === 1) turn.add(late);
    },
  };
  turn.wake();
  await endOfTurn();
  assert.equal(ran[0], "first");
  assert.equal(ran.filter((name) => name === "late").length, 1);
});
