import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bucketOf, checkKey, keyOf, userKeyOf } from "./key.ts";
import { checkNodeId, nodeId } from "./node-id.ts";

test("key: bucket and user key come back, whatever bytes the key has", () => {
  const bucket = fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/);
  const userKey = fc
    .uint8Array({ minLength: 1, maxLength: 200 })
    .map((bytes) => String.fromCharCode(...bytes));
  fc.assert(
    fc.property(bucket, userKey, (name, user) => {
      assert.equal(checkKey(name, user), undefined);
      const key = keyOf(name, user);
      assert.equal(bucketOf(key), name);
      assert.equal(userKeyOf(key), user);
    }),
  );
});

test("key: a slash in the user key is part of it", () => {
  const key = keyOf("carts", "/a/b");
  assert.equal(key, "carts//a/b");
  assert.equal(bucketOf(key), "carts");
  assert.equal(userKeyOf(key), "/a/b");
});

test("key: refusals name both numbers", () => {
  assert.equal(checkKey("b".repeat(64), "k".repeat(4096)), undefined);
  const refusals: readonly [string, string, RegExp][] = [
    ["", "k", /1 to 64 characters, got 0/],
    ["b".repeat(65), "k", /at most 64 characters, got 65/],
    ["a/b", "k", /got "a\/b"/],
    ["naïve", "k", /got "naïve"/],
    ["line\n", "k", /got "line\\n"/],
    ["b", "", /1 to 4096 bytes, got 0/],
    ["b", "k".repeat(4097), /at most 4096 bytes, got 4097/],
    ["b", "ab\u0100", /bytes 0 to 255, got 256 at position 2/],
  ];
  for (const [bucket, userKey, problem] of refusals) {
    assert.match(checkKey(bucket, userKey) ?? "", problem);
    assert.throws(() => keyOf(bucket, userKey), problem);
  }
});

test("node id: letters, digits, dot, underscore and dash, 1 to 64 of them", () => {
  assert.equal(nodeId("Node-1.eu_west"), "Node-1.eu_west");
  assert.equal(checkNodeId("n".repeat(64)), undefined);
  assert.match(checkNodeId("") ?? "", /got 0/);
  assert.match(checkNodeId("n".repeat(65)) ?? "", /at most 64 characters, got 65/);
  for (const text of ["a b", "a/b", "a\n", "é", "a:1"]) {
    assert.match(checkNodeId(text) ?? "", /is made of/);
    assert.throws(() => nodeId(text), /is made of/);
  }
});
