import assert from "node:assert/strict";
import { test } from "node:test";
import { LibraryRoom } from "./library-engine-room.ts";

const MIB = 1024 * 1024;

test("room is taken as a whole or not at all, and given back by the disk", () => {
  let freeBytes = 74 * MIB;
  const room = new LibraryRoom(() => freeBytes);
  assert.ok(room.take(1, 4 * MIB));
  assert.ok(!room.take(1, 4 * MIB), "what is waiting takes its room");
  assert.ok(room.take(1, 100));
  room.onSent();
  assert.ok(!room.take(1, 4 * MIB), "and what is under way");
  room.onSent();
  assert.ok(room.take(1, 4 * MIB));
  freeBytes = 64 * MIB;
  room.onSent();
  assert.ok(!room.take(0, 1));
  freeBytes = 80 * MIB;
  assert.ok(room.take(1, 100), "looked at anew when it is short");
});
