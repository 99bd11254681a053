import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Codec } from "./codec.ts";
import { bytes, decodeWith, encodeWith, text } from "./codec.ts";
import { GrammeError } from "./gramme-error.ts";

const KEY = "bucket/key";

test("bytes: a get hands out a copy, also of a Buffer's view", () => {
  for (const stored of [Uint8Array.of(1, 2, 3), Buffer.from([1, 2, 3])]) {
    const value = decodeWith(bytes, stored, KEY);
    value[0] = 9;
    assert.equal(stored[0], 1);
    assert.equal(value.constructor, Uint8Array);
  }
});

test("bytes: a Buffer is taken as the plain bytes it shows", () => {
  const encoded = encodeWith(bytes, Buffer.from("abc").subarray(1), KEY);
  assert.deepEqual(encoded, Uint8Array.of(0x62, 0x63));
  assert.equal(encoded.constructor, Uint8Array);
});

test("text comes back as it was, whatever it holds", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (value) => {
      assert.equal(decodeWith(text, encodeWith(text, value, KEY), KEY), value);
    }),
  );
  for (const value of ["", "\0", "\ufeffmark", "né", "🙂"]) {
    assert.equal(decodeWith(text, encodeWith(text, value, KEY), KEY), value);
  }
});

test("text: half a surrogate pair is refused, not replaced", () => {
  for (const value of ["\ud800", "a\udc00b", "né\ud83d"]) {
    assert.throws(() => encodeWith(text, value, KEY), { code: "CODEC_FAILED", key: KEY });
  }
});

test("text: bytes that are not UTF-8 are refused", () => {
  assert.throws(() => decodeWith(text, Uint8Array.of(0x61, 0xff), KEY), {
    message:
      "CODEC_FAILED: codec text could not decode what is stored: it found 2 bytes that are not " +
      "UTF-8. Open the bucket with the codec that its values were put with.",
  });
});

test("a value of another type is refused by name", () => {
  assert.throws(() => encodeWith(text, 7 as never, KEY), /takes a string, not number/);
  assert.throws(() => encodeWith(bytes, null as never, KEY), /takes a Uint8Array, not null/);
  assert.throws(() => encodeWith(bytes, [1] as never, KEY), /takes a Uint8Array, not array/);
});

test("what a custom codec throws is the cause, and no part of the message", () => {
  const cause = new Error("cannot read 4711");
  const broken: Codec<number> = {
    name: "broken",
    encode: () => {
      throw cause;
    },
    decode: () => {
      throw cause;
    },
  };
  for (const attempt of [
    () => encodeWith(broken, 1, KEY),
    () => decodeWith(broken, new Uint8Array(0), KEY),
  ]) {
    assert.throws(attempt, (error) => {
      assert.ok(GrammeError.is(error, "CODEC_FAILED"));
      assert.equal(error.cause, cause);
      assert.ok(!error.message.includes("4711"));
      assert.match(error.message, /codec broken could not/);
      return true;
    });
  }
});

test("a codec that makes no bytes is named", () => {
  const wrong = { name: "wrong", encode: () => "text", decode: () => 0 };
  assert.throws(
    () => encodeWith(wrong as never, 1, KEY),
    /codec wrong .* it made string where bytes/,
  );
});
