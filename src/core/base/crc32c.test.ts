import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32c } from "./crc32c.ts";
import { Random } from "./random.ts";
import { utf8Encode } from "./utf8.ts";

function checksum(bytes: Uint8Array): number {
  return crc32c(bytes, 0, bytes.length, 0);
}

test("crc32c: agrees with the published values", () => {
  assert.equal(checksum(new Uint8Array(0)), 0);
  assert.equal(checksum(utf8Encode("123456789")), 0xe3069283);
  // RFC 3720, appendix B.4
  assert.equal(checksum(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(checksum(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(checksum(Uint8Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e);
  assert.equal(checksum(Uint8Array.from({ length: 32 }, (_, index) => 31 - index)), 0x113fdb5c);
});

test("crc32c: in pieces of any length it is the checksum of the whole", () => {
  const random = new Random("crc32c pieces");
  const bytes = Uint8Array.from({ length: 200 }, () => random.integer(256));
  for (let cut = 0; cut <= bytes.length; cut++) {
    const front = crc32c(bytes, 0, cut, 0);
    assert.equal(crc32c(bytes, cut, bytes.length, front), checksum(bytes), `cut at ${cut}`);
  }
});

test("crc32c: every single wrong bit changes it", () => {
  const bytes = utf8Encode("a row on a disk, and a bit that turned");
  const right = checksum(bytes);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const wrong = bytes.slice();
    wrong[bit >> 3]! ^= 1 << (bit & 7);
    assert.notEqual(checksum(wrong), right);
  }
});
