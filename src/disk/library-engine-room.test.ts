import assert from "node:assert/strict";
import { test } from "node:test";
import { LibraryRoom } from "./library-engine-room.ts";

const MIB = 1024 * 1024;

test("room is taken as a whole or not at all, and given back by the disk", () => {
  let freeBytes = 74 * MIB;
  const room = new LibraryRoom(() => freeBytes);
  assert.ok(room.take(1, 4 * MIB, false));
  assert.ok(!room.take(1, 4 * MIB, false), "what is waiting takes its room");
  assert.ok(room.take(1, 100, false));
  room.onSent();
  assert.ok(!room.take(1, 4 * MIB, false), "and what is under way");
  room.onSent();
  assert.ok(room.take(1, 4 * MIB, false));
  freeBytes = 64 * MIB;
  room.onSent();
  assert.ok(!room.take(0, 1, false));
  assert.ok(room.take(1, 1, true), "a removal goes on into what is kept free");
  freeBytes = 10 * 1024;
  room.onSent();
  assert.ok(!room.take(1, 1, true), "and no further");
  freeBytes = 80 * MIB;
  assert.ok(room.take(1, 100, false), "looked at anew when it is short");
});
