import assert from "node:assert/strict";
import { test } from "node:test";
import { crc16OfString } from "./crc16.ts";

test("crc16: the check value of the catalogue", () => {
  assert.equal(crc16OfString("123456789", 0, 9), 0x31c3);
});

test("crc16: an empty range is zero, and a range ignores its surroundings", () => {
  assert.equal(crc16OfString("", 0, 0), 0);
  assert.equal(crc16OfString("<<123456789>>", 2, 11), 0x31c3);
});

test("crc16: equals division bit by bit, for every byte value", () => {
  for (let byte = 0; byte < 256; byte++) {
    const text = `a${String.fromCharCode(byte)}z`;
    assert.equal(crc16OfString(text, 0, 3), crcBitByBit(text));
  }
});

/** Shifts the message through the register one bit at a time, as the definition says. */
function crcBitByBit(text: string): number {
  let register = 0;
  for (const character of text) {
    for (let bit = 7; bit >= 0; bit--) {
      const input = (character.charCodeAt(0) >>> bit) & 1;
      const carry = (register >>> 15) ^ input;
      register = ((register << 1) & 0xffff) ^ (carry === 1 ? 0x1021 : 0);
    }
  }
  return register;
}
