import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  binaryToBytes,
  bytesToBinary,
  fromBinary,
  toBinary,
  utf8Decode,
  utf8Encode,
} from "./utf8.ts";

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/** Any UTF-16, lone surrogates and the borders of each encoded length included. */
const anyText = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.integer({ min: 0x20, max: 0x7e }),
      fc.integer({ min: 0xd800, max: 0xdfff }),
      fc.constantFrom(0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfeff, 0xfffd, 0xffff),
    ),
    { maxLength: 30 },
  )
  .map((units) => String.fromCharCode(...units));

/** Bytes that are often nearly UTF-8: leading bytes, borders of the second byte, continuations. */
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 30 }),
  fc
    .array(
      fc.constantFrom(
        ...[
          0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec,
        ],
        ...[0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff],
      ),
      { maxLength: 12 },
    )
    .map((bytes) => Uint8Array.from(bytes)),
);

test("utf8: encodes as TextEncoder does, whatever the text", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      assert.deepEqual(utf8Encode(text), encoder.encode(text));
    }),
    { numRuns: 3000 },
  );
});

test("utf8: decodes and refuses as TextDecoder does, whatever the bytes", () => {
  fc.assert(
    fc.property(anyBytes, fc.nat(3), (bytes, margin) => {
      const framed = new Uint8Array(bytes.length + 2 * margin).fill(0xbf);
      framed.set(bytes, margin);
      assert.equal(utf8Decode(framed, margin, margin + bytes.length), decodeStrictly(bytes));
      assert.equal(fromBinary(bytesToBinary(bytes)), lenient.decode(bytes));
    }),
    { numRuns: 10_000 },
  );
});

test("utf8: every first and second byte, alone and completed, decodes as in TextDecoder", () => {
  for (let first = 0; first < 256; first++) {
    for (let second = 0; second < 256; second++) {
      for (const rest of [[], [0x80], [0x80, 0xbf], [0x80, 0xbf, 0x41]]) {
        const bytes = Uint8Array.from([first, second, ...rest]);
        assert.equal(utf8Decode(bytes), decodeStrictly(bytes));
        assert.equal(fromBinary(bytesToBinary(bytes)), lenient.decode(bytes));
      }
    }
  }
});

test("utf8: text to binary and back", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const binary = toBinary(text);
      assert.equal(binary, Buffer.from(encoder.encode(text)).toString("latin1"));
      assert.equal(fromBinary(binary), lenient.decode(encoder.encode(text)));
    }),
  );
  assert.equal(toBinary("né"), "n\xc3\xa9");
  assert.equal(toBinary("user:7"), "user:7");
});

test("utf8: bytes to binary and back, beyond the length of an argument list", () => {
  const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7) % 251);
  assert.deepEqual(binaryToBytes(bytesToBinary(bytes)), bytes);
  assert.equal(bytesToBinary(bytes, 5, 9), String.fromCharCode(35, 42, 49, 56));
  const text = "ä€𝄞x".repeat(40_000);
  assert.equal(utf8Decode(utf8Encode(text)), text);
});

test("utf8: a character that is no byte is a bug, and so is a range outside the bytes", () => {
  assert.throws(() => binaryToBytes("a\u0100"), /0 to 255/);
  assert.throws(() => utf8Decode(new Uint8Array(4), 2, 5), /inside/);
  assert.throws(() => bytesToBinary(new Uint8Array(4), 3, 2), /inside/);
});

function decodeStrictly(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}
