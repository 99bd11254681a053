import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "../base/bytes.ts";
import type { Key } from "../ring/key.ts";
import { checkKey, keyOf } from "../ring/key.ts";
import { readKey, writeKey } from "./key-codec.ts";

/** The key that is read from these bytes, or undefined. */
function readBack(text: string): Key | undefined {
  const writer = new ByteWriter();
  writer.binary(text);
  const reader = new ByteReader(writer.finish());
  const key = readKey(reader);
  return reader.finished ? key : undefined;
}

/** The same question, asked of the definition. */
function byDefinition(text: string): Key | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const [bucket, userKey] = [text.slice(0, slash), text.slice(slash + 1)];
  return checkKey(bucket, userKey) === undefined ? keyOf(bucket, userKey) : undefined;
}

test("what is read as a key is what checkKey takes for one", () => {
  const byte = fc.oneof(
    fc.constantFrom("/", "a", "Z", "0", ".", "_", "-"),
    fc.nat({ max: 255 }).map((code) => String.fromCharCode(code)),
  );
  const text = fc.oneof(
    fc.string({ unit: byte, maxLength: 80 }),
    fc
      .tuple(fc.integer({ min: 0, max: 66 }), fc.constantFrom(0, 1, 2, 4095, 4096, 4097))
      .map(([bucket, userKey]) => `${"b".repeat(bucket)}/${"\xff".repeat(userKey)}`),
  );
  fc.assert(
    fc.property(text, (each) => assert.equal(readBack(each), byDefinition(each))),
    { numRuns: 3_000 },
  );
});

test("every byte may be in a user key", () => {
  for (let length = 1; length <= 40; length++) {
    for (let start = 0; start < 256; start += 16) {
      const codes = Array.from({ length }, (_, i) => (start + i) & 0xff);
      const key = keyOf("b", String.fromCharCode(...codes));
      const writer = new ByteWriter(1);
      writeKey(writer, key);
      assert.equal(readKey(new ByteReader(writer.finish())), key);
    }
  }
});

test("a key that ends beyond its frame is none", () => {
  const bytes = Uint8Array.of(3, 0x62, 0x2f, 0x6b);
  assert.equal(readKey(new ByteReader(bytes)), "b/k");
  const cut = new ByteReader(bytes, 0, 3);
  readKey(cut);
  assert.ok(cut.failed);
});
