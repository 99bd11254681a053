import assert from "node:assert/strict";
import { test } from "node:test";
import { keyIn } from "./user-key.ts";

test("text and its UTF-8 bytes are the same key", () => {
  assert.equal(keyIn("b", "né"), keyIn("b", Uint8Array.of(0x6e, 0xc3, 0xa9)));
  assert.equal(keyIn("b", "k"), "b/k");
  assert.equal(keyIn("b", Buffer.from("k")), "b/k");
});

test("what cannot be a key is refused", () => {
  const wrong: readonly unknown[] = ["", "x".repeat(4097), "\ud800", 7, null, new Uint8Array(0)];
  for (const key of wrong) {
    assert.throws(() => keyIn("b", key as never), { code: "INVALID_ARGUMENT" });
  }
  assert.throws(() => keyIn("a/b", "k"), /a bucket name is made of/);
  assert.equal(keyIn("b", "x".repeat(4096)).length, 4098);
});
