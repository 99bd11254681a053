/**
 * HalfSipHash-1-3: a keyed 32-bit hash for tables whose keys strangers choose. Without the secret
 * nobody can name keys that all collide.
 *
 *     message words:  4 characters little-endian; the last: 0-3 left-over ones, the length on top
 *     each word:      v3 ^= m, one round, v0 ^= m
 *     at the end:     v2 ^= 0xff, three rounds, v1 ^ v3
 *
 * Over a binary string, one character a byte. Signed: a table masks it anyway.
 */
export interface HashSecret {
  readonly high: number;
  readonly low: number;
}

const FINAL_ROUNDS = 3;

export function halfSipHash(secret: HashSecret, text: string): number {
  let v0 = secret.low;
  let v1 = secret.high;
  let v2 = secret.low ^ 0x6c796765;
  let v3 = secret.high ^ 0x74656462;
  const wholeEnd = text.length & ~3;
  // The rounds stand in one loop, so that the state stays in registers.
  for (let at = 0; at <= wholeEnd + 4 * FINAL_ROUNDS; at += 4) {
    const word = at < wholeEnd ? wordAt(text, at) : at === wholeEnd ? lastWord(text, at) : 0;
    if (at === wholeEnd + 4) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}

function wordAt(text: string, at: number): number {
  return (
    text.charCodeAt(at) |
    (text.charCodeAt(at + 1) << 8) |
    (text.charCodeAt(at + 2) << 16) |
    (text.charCodeAt(at + 3) << 24)
  );
}

function lastWord(text: string, at: number): number {
  let word = text.length << 24;
  for (let i = at; i < text.length; i++) word |= text.charCodeAt(i) << (8 * (i - at));
  return word;
}
