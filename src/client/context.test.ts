import assert from "node:assert/strict";
import { test } from "node:test";
import { Context, contextBytes } from "./context.ts";

test("a context leaves as text and comes back", () => {
  const context = new Context(Uint8Array.of(0, 251, 255, 62, 63));
  const text = context.toString();
  assert.match(text, /^[A-Za-z0-9_-]+$/);
  assert.deepEqual(Context.parse(text).bytes, context.bytes);
  assert.equal(JSON.stringify({ context }), `{"context":"${text}"}`);
  assert.equal(Context.parse(text).bytes.constructor, Uint8Array);
});

test("other text is refused", () => {
  assert.throws(() => Context.parse("a b"), { code: "INVALID_ARGUMENT" });
  assert.throws(() => Context.parse(7 as never), { code: "INVALID_ARGUMENT" });
});

test("where a context belongs, nothing else will do", () => {
  assert.equal(contextBytes(undefined).length, 0);
  assert.throws(() => contextBytes("AAAA" as never), { code: "INVALID_ARGUMENT" });
});
