import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hash32, hash32OfString } from "./hash.ts";

/** Published vectors of MurmurHash3_x86_32: input as a binary string, seed, hash. */
const VECTORS: readonly [string, number, number][] = [
  ["", 0, 0],
  ["", 1, 0x514e28b7],
  ["", 0xffffffff, 0x81f16f39],
  ["\xff\xff\xff\xff", 0, 0x76293b50],
  ["!Ce\x87", 0, 0xf55b516b],
  ["!Ce\x87", 0x5082edee, 0x2362f9de],
  ["!Ce", 0, 0x7e4a8634],
  ["!C", 0, 0xa0f7b07a],
  ["!", 0, 0x72661cf4],
  ["\0\0\0\0", 0, 0x2362f9de],
  ["\0\0\0", 0, 0x85f0b427],
  ["\0\0", 0, 0x30f4c306],
  ["\0", 0, 0x514e28b7],
  ["aaaa", 0x9747b28c, 0x5a97808a],
  ["aaa", 0x9747b28c, 0x283e0130],
  ["aa", 0x9747b28c, 0x5d211726],
  ["a", 0x9747b28c, 0x7fa09ea6],
  ["abcd", 0x9747b28c, 0xf0478627],
  ["abc", 0x9747b28c, 0xc84a62dd],
  ["ab", 0x9747b28c, 0x74875592],
  ["Hello, world!", 0x9747b28c, 0x24884cba],
  ["The quick brown fox jumps over the lazy dog", 0x9747b28c, 0x2fa826cd],
];

test("hash32: agrees with the published vectors", () => {
  for (const [text, seed, expected] of VECTORS) {
    assert.equal(hash32OfString(text, seed), expected, JSON.stringify(text));
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    assert.equal(hash32(bytes, 0, bytes.length, seed), expected, JSON.stringify(text));
  }
});

test("hash32: a range of bytes and a binary string hash alike", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 40 }),
      fc.nat(5),
      fc.integer(),
      (bytes, margin, seed) => {
        const framed = new Uint8Array(bytes.length + 2 * margin).fill(0xaa);
        framed.set(bytes, margin);
        const text = String.fromCharCode(...bytes);
        assert.equal(
          hash32(framed, margin, margin + bytes.length, seed),
          hash32OfString(text, seed),
        );
      },
    ),
  );
});

test("hash32: two seeds give two independent halves", () => {
  const buckets = new Uint32Array(256);
  for (let index = 0; index < 65_536; index++) {
    const text = `key:${index}`;
    const high = hash32OfString(text, 1) >>> 28;
    const low = hash32OfString(text, 2) >>> 28;
    buckets[high * 16 + low]! += 1;
  }
  // 256 of each expected; six standard deviations are 96.
  for (const count of buckets) assert.ok(Math.abs(count - 256) < 96, `${count}`);
});
