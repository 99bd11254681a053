/**
 * MurmurHash3, the 32-bit x86 variant: a fast, well-mixed hash for tables, tokens and fingerprints.
 *
 * Whoever can choose the input can choose the hash: where strangers pick keys and collisions would
 * hurt, use SipHash with a secret key. For 64 bits, call twice with two seeds.
 *
 * The same bytes give the same number as a Uint8Array range and as a binary string (one character a
 * byte), and the same number as every other implementation of the algorithm.
 */

/** Unsigned, 32 bits. Every character of `text` must be 0 to 255. */
export function hash32OfString(text: string, seed: number): number {
  const length = text.length;
  const wholeEnd = length & ~3;
  let hash = seed | 0;
  for (let position = 0; position < wholeEnd; position += 4) {
    const word =
      text.charCodeAt(position) |
      (text.charCodeAt(position + 1) << 8) |
      (text.charCodeAt(position + 2) << 16) |
      (text.charCodeAt(position + 3) << 24);
    hash = absorb(hash, word);
  }
  let tail = 0;
  for (let position = length - 1; position >= wholeEnd; position--) {
    tail = (tail << 8) | text.charCodeAt(position);
  }
  return finish(hash, tail, length);
}

/** Unsigned, 32 bits, over bytes[start, end). */
export function hash32(bytes: Uint8Array, start: number, end: number, seed: number): number {
  const length = end - start;
  const wholeEnd = start + (length & ~3);
  let hash = seed | 0;
  for (let position = start; position < wholeEnd; position += 4) {
    const word =
      bytes[position]! |
      (bytes[position + 1]! << 8) |
      (bytes[position + 2]! << 16) |
      (bytes[position + 3]! << 24);
    hash = absorb(hash, word);
  }
  let tail = 0;
  for (let position = end - 1; position >= wholeEnd; position--) {
    tail = (tail << 8) | bytes[position]!;
  }
  return finish(hash, tail, length);
}

function absorb(hash: number, word: number): number {
  const mixed = hash ^ scramble(word);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

/**
 * The last one to three bytes take no part in a round, and the length is folded in so that zeros
 * count.
 */
function finish(hash: number, tail: number, length: number): number {
  let mixed = hash ^ scramble(tail) ^ length;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function scramble(word: number): number {
  const mixed = Math.imul(word, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}
