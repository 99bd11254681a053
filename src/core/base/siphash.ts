/**
 * SipHash-2-4: a keyed 64-bit hash that cannot be predicted without the key.
 *
 * Merkle sums and opaque contexts use it, because there a stranger who could make two inputs
 * collide could hide a difference or forge a token. The state is four 64-bit words; JavaScript has
 * no such integer that is fast, so each word is two 32-bit halves, and the carry of an addition is
 * "the sum is smaller than a summand".
 *
 *     message words:  8 bytes little-endian; the last: 0-7 left-over bytes, the length on top
 *     each word:      v3 ^= m, two rounds, v0 ^= m
 *     at the end:     v2 ^= 0xff, four rounds, v0 ^ v1 ^ v2 ^ v3
 */
import { assert } from "./assert.ts";

export interface SipKey {
  readonly k0Hi: number;
  readonly k0Lo: number;
  readonly k1Hi: number;
  readonly k1Lo: number;
}

/** Both halves unsigned. */
export interface SipHash {
  readonly hi: number;
  readonly lo: number;
}

const KEY_BYTES = 16;

export function sipKeyOf(bytes: Uint8Array): SipKey {
  assert(bytes.length === KEY_BYTES, `a SipHash key has ${KEY_BYTES} bytes, got ${bytes.length}`);
  return {
    k0Hi: wordAt(bytes, 4, KEY_BYTES),
    k0Lo: wordAt(bytes, 0, KEY_BYTES),
    k1Hi: wordAt(bytes, 12, KEY_BYTES),
    k1Lo: wordAt(bytes, 8, KEY_BYTES),
  };
}

/** Over bytes[start, end). The rounds stand in one loop, so that the state stays in registers. */
export function sipHash(key: SipKey, bytes: Uint8Array, start: number, end: number): SipHash {
  let v0h = key.k0Hi ^ 0x736f6d65;
  let v0l = key.k0Lo ^ 0x70736575;
  let v1h = key.k1Hi ^ 0x646f7261;
  let v1l = key.k1Lo ^ 0x6e646f6d;
  let v2h = key.k0Hi ^ 0x6c796765;
  let v2l = key.k0Lo ^ 0x6e657261;
  let v3h = key.k1Hi ^ 0x74656462;
  let v3l = key.k1Lo ^ 0x79746573;
  const length = end - start;
  const wholeEnd = end - (length & 7);

  for (let at = start; at <= wholeEnd + 8; at += 8) {
    const finishing = at > wholeEnd;
    const wordLo = wordAt(bytes, at, end);
    const wordHi = wordAt(bytes, at + 4, end) | (at === wholeEnd ? length << 24 : 0);
    if (finishing) v2l ^= 0xff;
    v3h ^= wordHi;
    v3l ^= wordLo;
    for (let rounds = finishing ? 4 : 2; rounds > 0; rounds--) {
      // v0 += v1, v1 <<<= 13, v1 ^= v0, v0 <<<= 32
      let low = (v0l + v1l) | 0;
      let high = (v0h + v1h + carryOf(low, v1l)) | 0;
      let swap = ((v1h << 13) | (v1l >>> 19)) ^ high;
      v1l = ((v1l << 13) | (v1h >>> 19)) ^ low;
      v1h = swap;
      v0h = low;
      v0l = high;
      // v2 += v3, v3 <<<= 16, v3 ^= v2
      low = (v2l + v3l) | 0;
      v2h = (v2h + v3h + carryOf(low, v3l)) | 0;
      v2l = low;
      swap = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
      v3l = ((v3l << 16) | (v3h >>> 16)) ^ v2l;
      v3h = swap;
      // v0 += v3, v3 <<<= 21, v3 ^= v0
      low = (v0l + v3l) | 0;
      v0h = (v0h + v3h + carryOf(low, v3l)) | 0;
      v0l = low;
      swap = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
      v3l = ((v3l << 21) | (v3h >>> 11)) ^ v0l;
      v3h = swap;
      // v2 += v1, v1 <<<= 17, v1 ^= v2, v2 <<<= 32
      low = (v2l + v1l) | 0;
      high = (v2h + v1h + carryOf(low, v1l)) | 0;
      swap = ((v1h << 17) | (v1l >>> 15)) ^ high;
      v1l = ((v1l << 17) | (v1h >>> 15)) ^ low;
      v1h = swap;
      v2h = low;
      v2l = high;
    }
    v0h ^= wordHi;
    v0l ^= wordLo;
  }
  return { hi: (v0h ^ v1h ^ v2h ^ v3h) >>> 0, lo: (v0l ^ v1l ^ v2l ^ v3l) >>> 0 };
}

function carryOf(sum: number, summand: number): number {
  return sum >>> 0 < summand >>> 0 ? 1 : 0;
}

/** Four bytes little-endian; those at or past `end` count as zero. */
function wordAt(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 <= end) {
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  }
  let word = 0;
  for (let position = end - 1; position >= at; position--) word = (word << 8) | bytes[position]!;
  return word;
}
