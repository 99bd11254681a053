/**
 * A writer and a reader over raw bytes, used by every codec.
 *
 * Integers are big-endian. A varint carries seven bits a byte, low bits first, and reaches 2^53 -
 * 1:
 *
 *     300 = 0b1_0010_1100  ->  1010_1100 0000_0010
 *
 * The reader meets bytes of strangers. It never throws and never allocates by a length it has not
 * checked: the first read past the end, or the first varint out of range, sets `failed`, and every
 * later read answers zero or empty. A decoder reads a whole structure straight through and looks at
 * `failed` once.
 */
import { assert } from "./assert.ts";

export const EMPTY_BYTES: Uint8Array = new Uint8Array(0);

const SLAB_BYTES = 64 * 1024;
let slab = EMPTY_BYTES;
let slabUsed = 0;

/**
 * Zeroed bytes for a moment: a payload on its way into a row, a message on its way into a socket.
 * Cutting them from a slab costs a fifth of an allocation of their own, but whoever keeps one keeps
 * its slab: what lasts is copied.
 */
export function momentaryBytes(count: number): Uint8Array {
  if (count > SLAB_BYTES / 8) return new Uint8Array(count);
  if (slabUsed + count > slab.length) {
    slab = new Uint8Array(SLAB_BYTES);
    slabUsed = 0;
  }
  const start = slabUsed;
  slabUsed += count;
  return slab.subarray(start, slabUsed);
}

const U32 = 0x1_0000_0000;
/** Below this many bytes a loop beats the fixed cost of TypedArray.prototype.set. */
const LOOP_COPY_MAX = 48;

export class ByteWriter {
  bytes: Uint8Array;
  length = 0;

  /**
   * Grows from this many bytes, or from this array when the caller knows the size and keeps the
   * array.
   */
  constructor(target: number | Uint8Array = 256) {
    this.bytes = typeof target === "number" ? new Uint8Array(target) : target;
  }

  /** A copy of what was written, owned by the caller. */
  finish(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  /** The array given at the start, filled to the last byte: a wrong size is a bug, not a copy. */
  filled(): Uint8Array {
    assert(
      this.length === this.bytes.length,
      `${this.length} of ${this.bytes.length} bytes written`,
    );
    return this.bytes;
  }

  reset(): void {
    this.length = 0;
  }

  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.bytes[this.length++] = value >>> 8;
    this.bytes[this.length++] = value;
  }

  /** Takes signed and unsigned values alike: only the low 32 bits are written. */
  u32(value: number): void {
    this.reserve(4);
    this.#u32At(this.length, value);
    this.length += 4;
  }

  /** An integer below 2^48, in six bytes. */
  u48(value: number): void {
    this.u16(Math.floor(value / U32));
    this.u32(value);
  }

  /** An integer below 2^53, in eight bytes. */
  u64(value: number): void {
    this.reserve(8);
    this.#u32At(this.length, Math.floor(value / U32));
    this.#u32At(this.length + 4, value);
    this.length += 8;
  }

  varint(value: number): void {
    if (value >= 0 && value < 0x80) {
      this.reserve(1);
      this.bytes[this.length++] = value;
      return;
    }
    assert(value >= 0 && value <= Number.MAX_SAFE_INTEGER, `varint out of range: ${value}`);
    this.reserve(varintBytes(value));
    let rest = value;
    while (rest > 0x7fff_ffff) {
      this.bytes[this.length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  raw(source: Uint8Array): void {
    const count = source.length;
    this.reserve(count);
    if (count > LOOP_COPY_MAX) {
      this.bytes.set(source, this.length);
    } else {
      const target = this.bytes;
      const at = this.length;
      for (let i = 0; i < count; i++) target[at + i] = source[i]!;
    }
    this.length += count;
  }

  /** Bytes behind their length. */
  blob(source: Uint8Array): void {
    this.varint(source.length);
    this.raw(source);
  }

  /** A binary string (one char, one byte) behind its length. */
  binary(text: string): void {
    const count = text.length;
    this.varint(count);
    this.reserve(count);
    const target = this.bytes;
    const at = this.length;
    for (let i = 0; i < count; i++) target[at + i] = text.charCodeAt(i);
    this.length += count;
  }

  /** Writes a length that was not known when its place was passed. */
  patchU32(at: number, value: number): void {
    assert(at + 4 <= this.length, `patch at ${at} beyond ${this.length}`);
    this.#u32At(at, value);
  }

  #u32At(at: number, value: number): void {
    const target = this.bytes;
    target[at] = value >>> 24;
    target[at + 1] = value >>> 16;
    target[at + 2] = value >>> 8;
    target[at + 3] = value;
  }
}

export class ByteReader {
  bytes: Uint8Array;
  offset: number;
  end: number;
  failed = false;

  constructor(bytes: Uint8Array, offset = 0, end: number = bytes.length) {
    assert(offset >= 0 && offset <= end && end <= bytes.length, `bad range ${offset}..${end}`);
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
  }

  /** To read something else from here on, without a reader of its own. */
  restart(bytes: Uint8Array, offset: number): void {
    this.bytes = bytes;
    this.offset = offset;
    this.end = bytes.length;
    this.failed = offset > bytes.length;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  /** True when everything was read, and read well. */
  get finished(): boolean {
    return !this.failed && this.offset === this.end;
  }

  fail(): void {
    this.failed = true;
    this.offset = this.end;
  }

  u8(): number {
    if (this.offset >= this.end) {
      this.fail();
      return 0;
    }
    return this.bytes[this.offset++]!;
  }

  u16(): number {
    return this.u8() * 0x100 + this.u8();
  }

  u32(): number {
    return this.i32() >>> 0;
  }

  /** The same four bytes as u32, signed: small integers without boxing. */
  i32(): number {
    const at = this.offset;
    if (at + 4 > this.end) {
      this.fail();
      return 0;
    }
    const bytes = this.bytes;
    this.offset = at + 4;
    return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }

  u48(): number {
    const high = this.u16();
    return high * U32 + this.u32();
  }

  u64(): number {
    const high = this.u32();
    const low = this.u32();
    const value = high * U32 + low;
    if (value > Number.MAX_SAFE_INTEGER) {
      this.fail();
      return 0;
    }
    return value;
  }

  varint(): number {
    let byte = this.u8();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 128;
    for (let count = 1; count < 8; count++) {
      byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        // One value has one encoding: no zero byte at the end, nothing above 2^53 - 1.
        if (byte === 0 || value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 128;
    }
    this.fail();
    return 0;
  }

  /** A view of the next bytes, not a copy: whoever keeps it copies it. */
  raw(count: number): Uint8Array {
    const at = this.offset;
    if (count < 0 || count > this.end - at) {
      this.fail();
      return EMPTY_BYTES;
    }
    this.offset = at + count;
    return this.bytes.subarray(at, at + count);
  }

  skip(count: number): void {
    if (count < 0 || count > this.end - this.offset) this.fail();
    else this.offset += count;
  }

  blob(): Uint8Array {
    return this.raw(this.varint());
  }

  binary(): string {
    const count = this.varint();
    const at = this.offset;
    if (count > this.end - at) {
      this.fail();
      return "";
    }
    this.offset = at + count;
    return binaryOf(this.bytes, at, at + count);
  }
}

/** Longer strings are put together of pieces of this length. */
const PIECE_LENGTH = 64;
/** For every length of a piece the list of its characters, used again and again. */
const PIECES: readonly number[][] = Array.from({ length: PIECE_LENGTH + 1 }, (_, length) =>
  new Array<number>(length).fill(0),
);

/**
 * A binary string of the bytes. Whatever is as short as a key is made in one piece: a string that
 * grows by appending has to be put together before its first look-up, which takes twice as long.
 */
export function binaryOf(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at += PIECE_LENGTH) {
    const piece = PIECES[Math.min(end - at, PIECE_LENGTH)]!;
    for (let i = 0; i < piece.length; i++) piece[i] = bytes[at + i]!;
    text += String.fromCharCode.apply(null, piece);
  }
  return text;
}

/** How many bytes `ByteWriter.varint` takes for this value. */
export function varintBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) count++;
  return count;
}

export function bytesEqual(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false;
  return true;
}
