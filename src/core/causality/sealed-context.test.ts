import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../base/random.ts";
import { sipKeyOf } from "../base/siphash.ts";
import type { Context } from "./context.ts";
import { EMPTY_CONTEXT, entryOf } from "./context.ts";
import { openContext, sealContext } from "./sealed-context.ts";

const SECRET = sipKeyOf(Uint8Array.from({ length: 16 }, (_, index) => index));
const OTHER_SECRET = sipKeyOf(Uint8Array.from({ length: 16 }, (_, index) => index + 1));
const KEY = "carts/user:7";
const A = { high: -7, low: 8, epoch: 3 };
const B = { high: 1, low: 2, epoch: 2 ** 48 - 1 };
const CONTEXT = [entryOf(A, 5, [7, 9]), entryOf(B, Number.MAX_SAFE_INTEGER)];

test("sealed context: opens with its secret and key, as what was sealed", () => {
  for (const context of [EMPTY_CONTEXT, CONTEXT, [entryOf(A, 1)], bigContext(256)]) {
    const token = sealContext(SECRET, KEY, context);
    assert.deepEqual(openContext(SECRET, KEY, token, 256), context);
  }
});

test("sealed context: the same context gives the same token", () => {
  assert.deepEqual(sealContext(SECRET, KEY, CONTEXT), sealContext(SECRET, KEY, CONTEXT));
});

test("sealed context: the usual token is small", () => {
  // 8 of code, 1 of version, 1 of count, 11 of the one entry.
  assert.equal(sealContext(SECRET, KEY, [entryOf(A, 1)]).length, 21);
});

test("sealed context: another key or another secret does not open it", () => {
  const token = sealContext(SECRET, KEY, CONTEXT);
  for (const key of ["carts/user:8", "carts/user:", "carts/user:77", "Carts/user:7", ""]) {
    assert.equal(openContext(SECRET, key, token, 256), undefined, key);
  }
  assert.equal(openContext(OTHER_SECRET, KEY, token, 256), undefined);
});

test("sealed context: no single flipped bit survives, and no cut or grown token", () => {
  const token = sealContext(SECRET, KEY, CONTEXT);
  for (let bit = 0; bit < token.length * 8; bit++) {
    const changed = token.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(openContext(SECRET, KEY, changed, 256), undefined, `bit ${bit}`);
  }
  for (let length = 0; length < token.length; length++) {
    assert.equal(openContext(SECRET, KEY, token.slice(0, length), 256), undefined, `${length}`);
  }
  const grown = new Uint8Array(token.length + 1);
  grown.set(token);
  assert.equal(openContext(SECRET, KEY, grown, 256), undefined);
});

test("sealed context: bytes of the key cannot be passed off as bytes of the token", () => {
  // The code covers the token followed by the key; the border between the two must not move.
  const token = sealContext(SECRET, "ab/cd", CONTEXT);
  const grown = Uint8Array.of(...token, 5, ...new TextEncoder().encode("ab/cd"));
  for (const key of ["", "d", "cd", "/cd", "b/cd"]) {
    assert.equal(openContext(SECRET, key, grown, 256), undefined);
    const partly = grown.slice(0, grown.length - key.length);
    assert.equal(openContext(SECRET, key, partly, 256), undefined);
  }
});

test("sealed context: more entries than allowed are refused, although sealed by us", () => {
  const token = sealContext(SECRET, KEY, bigContext(9));
  assert.equal(openContext(SECRET, KEY, token, 9)?.length, 9);
  assert.equal(openContext(SECRET, KEY, token, 8), undefined);
});

test("sealed context: strangers' bytes are refused and nothing throws", () => {
  const random = new Random("tokens");
  for (let round = 0; round < 20_000; round++) {
    const token = Uint8Array.from({ length: random.integer(40) }, () => random.integer(256));
    assert.equal(openContext(SECRET, KEY, token, 256), undefined);
  }
});

function bigContext(entries: number): Context {
  return Array.from({ length: entries }, (_, index) =>
    entryOf({ high: index - 4, low: 3 - index, epoch: index + 1 }, index + 1),
  );
}
