/**
 * Text, UTF-8 bytes, and binary strings: strings in which every character stands for one byte, 0 to
 * 255.
 *
 *     text     "né"            what people type (UTF-16 inside JavaScript)
 *     bytes    6e c3 a9        what travels and is stored
 *     binary   "n\xc3\xa9"     the bytes as a string, so that a Map can compare them by content
 *
 * ASCII text is its own binary string, which is why the common key costs no conversion at all.
 *
 * Half of a surrogate pair cannot be written in UTF-8 and becomes U+FFFD. Bytes that are not UTF-8
 * are refused by `utf8Decode` and replaced by `fromBinary`: one U+FFFD for each longest prefix of a
 * character that broke off, as the Unicode standard recommends and as browsers do.
 */
import { assert } from "./assert.ts";

const REPLACEMENT = 0xfffd;
/**
 * Characters handed to String.fromCharCode at once: more could exceed an engine's limit on
 * arguments.
 */
const CHUNK = 4096;

export function utf8Encode(text: string): Uint8Array {
  const bytes = new Uint8Array(utf8Length(text));
  if (bytes.length === text.length) {
    for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
    return bytes;
  }
  let at = 0;
  for (let index = 0; index < text.length; index++) {
    const point = scalarAt(text, index);
    if (point < 0x80) {
      bytes[at++] = point;
    } else if (point < 0x800) {
      bytes[at++] = 0xc0 | (point >>> 6);
      bytes[at++] = 0x80 | (point & 0x3f);
    } else if (point < 0x10000) {
      bytes[at++] = 0xe0 | (point >>> 12);
      bytes[at++] = 0x80 | ((point >>> 6) & 0x3f);
      bytes[at++] = 0x80 | (point & 0x3f);
    } else {
      bytes[at++] = 0xf0 | (point >>> 18);
      bytes[at++] = 0x80 | ((point >>> 12) & 0x3f);
      bytes[at++] = 0x80 | ((point >>> 6) & 0x3f);
      bytes[at++] = 0x80 | (point & 0x3f);
      index++;
    }
  }
  return bytes;
}

/** The text of bytes[start, end), or undefined when they are not valid UTF-8. */
export function utf8Decode(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): string | undefined {
  assertRange(bytes, start, end);
  if (isAscii(bytes, start, end)) return bytesToBinary(bytes, start, end);
  return decode(bytes, start, end, "refuse");
}

/** The UTF-8 bytes of a text as a binary string; ASCII text comes back as it is. */
export function toBinary(text: string): string {
  return NOT_ASCII.test(text) ? bytesToBinary(utf8Encode(text)) : text;
}

/** The text whose UTF-8 bytes these are; what is not UTF-8 becomes U+FFFD. */
export function fromBinary(binary: string): string {
  if (!NOT_ASCII.test(binary)) return binary;
  const bytes = binaryToBytes(binary);
  return decode(bytes, 0, bytes.length, "replace")!;
}

export function bytesToBinary(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  assertRange(bytes, start, end);
  return stringOfUnits(bytes, start, end);
}

/** Every character must be 0 to 255. */
export function binaryToBytes(binary: string): Uint8Array {
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) {
    const unit = binary.charCodeAt(index);
    assert(unit <= 0xff, "a binary string has characters 0 to 255 only");
    bytes[index] = unit;
  }
  return bytes;
}

const NOT_ASCII = /[^\x00-\x7f]/;

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let index = start; index < end; index++) {
    if (bytes[index]! >= 0x80) return false;
  }
  return true;
}

function utf8Length(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    if (unit < 0x800) {
      length += 1;
    } else {
      length += 2;
      // Four bytes for a pair of units: two for the first were just added, none for the second.
      if (scalarAt(text, index) > 0xffff) index++;
    }
  }
  return length;
}

/** The code point at this index, U+FFFD for half a pair. Above 0xffff it took two units. */
function scalarAt(text: string, index: number): number {
  const unit = text.charCodeAt(index);
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  if (unit > 0xdbff || index + 1 === text.length) return REPLACEMENT;
  const low = text.charCodeAt(index + 1);
  if (low < 0xdc00 || low > 0xdfff) return REPLACEMENT;
  return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

/**
 * The first byte says how many follow, and narrows what the second may be, so that there is one
 * spelling of each character and none for surrogates or beyond U+10FFFF:
 *
 *     c2..df  80..bf    e0     a0..bf 80..bf    f0     90..bf 80..bf 80..bf
 *                       e1-ec  80..bf 80..bf    f1-f3  80..bf 80..bf 80..bf
 *                       ed     80..9f 80..bf    f4     80..8f 80..bf 80..bf
 *                       ee-ef  80..bf 80..bf
 */
function decode(
  bytes: Uint8Array,
  start: number,
  end: number,
  invalid: "refuse" | "replace",
): string | undefined {
  const units = new Uint16Array(end - start);
  let count = 0;
  let at = start;
  while (at < end) {
    const first = bytes[at++]!;
    if (first < 0x80) {
      units[count++] = first;
      continue;
    }
    let missing = first < 0xc2 || first > 0xf4 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    let point = missing === 0 ? REPLACEMENT : first & (0x3f >>> missing);
    let broken = missing === 0;
    let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    let high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    for (; missing > 0; missing--) {
      const next = at < end ? bytes[at]! : 0;
      if (next < low || next > high) {
        broken = true;
        break;
      }
      point = (point << 6) | (next & 0x3f);
      low = 0x80;
      high = 0xbf;
      at++;
    }
    if (broken && invalid === "refuse") return undefined;
    if (broken) point = REPLACEMENT;
    if (point > 0xffff) {
      units[count++] = 0xd7c0 + (point >>> 10);
      point = 0xdc00 | (point & 0x3ff);
    }
    units[count++] = point;
  }
  return stringOfUnits(units, 0, count);
}

/**
 * Not one character at a time: a string that grows by appending is a tree of pieces, which a Map
 * must flatten before it can look it up. And a plain array spreads into arguments faster than a
 * typed one.
 */
function stringOfUnits(units: Uint8Array | Uint16Array, start: number, end: number): string {
  let text = "";
  for (let from = start; from < end; from += CHUNK) {
    const chunk = new Array<number>(Math.min(CHUNK, end - from));
    for (let index = 0; index < chunk.length; index++) chunk[index] = units[from + index]!;
    text += String.fromCharCode.apply(null, chunk);
  }
  return text;
}

function assertRange(bytes: Uint8Array, start: number, end: number): void {
  assert(start >= 0 && start <= end && end <= bytes.length, "a range lies inside its bytes");
}
