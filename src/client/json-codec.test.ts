import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8Encode } from "../core/base/utf8.ts";
import { decodeWith, encodeWith } from "./codec.ts";
import { GrammeError } from "./gramme-error.ts";
import type { SchemaResult, StandardSchema } from "./json-codec.ts";
import { json } from "./json-codec.ts";

const KEY = "bucket/key";

interface User {
  readonly name: string;
  readonly age: number;
}

/** Fills in an age, drops what it does not know, and quotes values in its messages, as some do. */
const USER: StandardSchema<{ name: string; age?: number }, User> = {
  "~standard": {
    version: 1,
    vendor: "by-hand",
    validate: (value): SchemaResult<User> => {
      const { name, age = 0 } = (value ?? {}) as Partial<User>;
      if (typeof name === "string" && typeof age === "number") return { value: { name, age } };
      const path = typeof name === "string" ? ["profile", { key: "age" }] : ["name"];
      return { issues: [{ message: `got ${JSON.stringify(value)}`, path }] };
    },
  },
};

test("what JSON can say comes back as it was", () => {
  const codec = json();
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const expected = JSON.parse(JSON.stringify(value)) as unknown;
      assert.deepEqual(decodeWith(codec, encodeWith(codec, value, KEY), KEY), expected);
    }),
  );
});

test("what has no JSON is refused", () => {
  for (const value of [undefined, () => 1, Symbol("s")]) {
    assert.throws(() => encodeWith(json(), value, KEY), { code: "CODEC_FAILED" });
  }
  assert.throws(() => encodeWith(json(), { n: 1n }, KEY), { code: "CODEC_FAILED" });
});

test("bytes that are not JSON are refused, without quoting them", () => {
  assert.throws(
    () => decodeWith(json(), utf8Encode("secret"), KEY),
    (error) => {
      assert.ok(GrammeError.is(error, "CODEC_FAILED"));
      assert.match(error.message, /found 6 bytes that are not JSON/);
      assert.ok(!String(error.cause).includes("secret"));
      return true;
    },
  );
});

test("a schema checks what goes in, and what it lets through is stored", () => {
  const codec = json(USER);
  const stored = encodeWith(codec, { name: "Ada", extra: 1 } as never, KEY);
  assert.deepEqual(decodeWith(json(), stored, KEY), { name: "Ada", age: 0 });
  assert.throws(() => encodeWith(codec, { age: 3 } as never, KEY), { code: "CODEC_FAILED" });
});

test("a schema checks what comes out", () => {
  const codec = json(USER);
  assert.deepEqual(decodeWith(codec, utf8Encode('{"name":"Ada"}'), KEY), { name: "Ada", age: 0 });
  assert.throws(
    () => decodeWith(codec, utf8Encode('{"name":"Ada","age":"secret"}'), KEY),
    (error) => {
      assert.ok(GrammeError.is(error, "CODEC_FAILED"));
      assert.match(error.message, /codec json \(by-hand\) .* refuses the value at profile\.age/);
      assert.ok(!error.message.includes("secret"));
      assert.ok(!String(error.cause).includes("secret"));
      return true;
    },
  );
});

test("many issues are named by their places, and no more than a few", () => {
  const issues = ["a", "b", "c", "d", "e", "e"].map((name) => ({ message: "no", path: [name] }));
  const schema: StandardSchema<string> = {
    "~standard": { version: 1, vendor: "strict", validate: () => ({ issues }) },
  };
  assert.throws(
    () => encodeWith(json(schema), "x", KEY),
    /refuses the value at a, b, c and 2 more/,
  );
});

test("a schema that validates later is refused, and its rejection harms nobody", () => {
  const schema: StandardSchema<string> = {
    "~standard": {
      version: 1,
      vendor: "slow",
      validate: () => Promise.reject(new Error("nobody hears this")),
    },
  };
  assert.throws(() => encodeWith(json(schema), "x", KEY), {
    code: "INVALID_ARGUMENT",
    message: /the slow schema validates later\. Use a schema without asynchronous checks/,
  });
});

test("something else than a schema is refused at once", () => {
  assert.throws(() => json({} as never), { code: "INVALID_ARGUMENT" });
  assert.throws(() => json(null as never), { code: "INVALID_ARGUMENT" });
});
