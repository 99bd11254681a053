import assert from "node:assert/strict";
import { test } from "node:test";
import type { Rumour } from "../membership-messages.ts";
import { rumourBytes } from "../membership-messages.ts";
import { nodeId } from "../ring/node-id.ts";
import { Rumours } from "./rumours.ts";

function rumour(id: string, incarnation = 0): Rumour {
  const state = "alive" as const;
  const address = "10.0.0.1:7400";
  return { id: nodeId(id), state, generation: 1, boot: 7, incarnation, address, accuser: "" };
}

function ids(rumours: readonly Rumour[]): string[] {
  return rumours.map(({ id }) => id);
}

test("what was told least goes first, and among equals what waits longest", () => {
  const rumours = new Rumours();
  rumours.add(rumour("a"));
  rumours.add(rumour("b"));
  assert.deepEqual(ids(rumours.take(1_000, 3)), ["a", "b"]);
  rumours.add(rumour("c"));
  assert.deepEqual(ids(rumours.take(1_000, 3)), ["c", "a", "b"]);
});

test("a rumour is dropped when it was told to the limit", () => {
  const rumours = new Rumours();
  rumours.add(rumour("a"));
  for (let told = 0; told < 4; told++) assert.equal(rumours.take(1_000, 4).length, 1);
  assert.equal(rumours.size, 0);
  assert.deepEqual(rumours.take(1_000, 4), []);
});

test("newer news replaces older and is told from the start", () => {
  const rumours = new Rumours();
  rumours.add(rumour("a"));
  rumours.take(1_000, 2);
  rumours.add(rumour("a", 1));
  assert.equal(rumours.size, 1);
  assert.equal(rumours.take(1_000, 2)[0]?.incarnation, 1);
  assert.equal(rumours.size, 1);
});

test("a packet takes what fits, and the rest has its turn", () => {
  const rumours = new Rumours();
  const bytes = rumourBytes(rumour("a"));
  for (const id of "abcdefgh") rumours.add(rumour(id));
  const packets = [1, 2, 3, 4].map(() => ids(rumours.take(3 * bytes + bytes - 1, 2)).join(""));
  assert.deepEqual(packets, ["abc", "def", "gha", "bcd"]);
  assert.deepEqual(rumours.take(bytes - 1, 2), []);
});
