/**
 * Frames of one kind that wait for room in a socket, first in, first out, each with the instant
 * from which on nobody wants it any more.
 *
 *     bytes    │ taken │ frame │ frame │ frame │      cut by the length that each begins with
 *     expiry             9000    ∞       9120
 *              0       head                    length
 */
import type { ByteWriter } from "../core/base/bytes.ts";
import { assert } from "../core/base/assert.ts";
import type { WriterPool } from "../socket/writer-pool.ts";

const LENGTH_BYTES = 4;
/** What was taken is moved over when it is so much, and more than what waits. */
const TAKEN_BYTES_MAX: number = 256 * 1024;

export class Lane {
  readonly #pool: WriterPool;
  #writer: ByteWriter | undefined = undefined;
  #head = 0;
  #expiries: number[] = [];
  #first = 0;

  constructor(pool: WriterPool) {
    this.#pool = pool;
  }

  get bytes(): number {
    return this.#writer === undefined ? 0 : this.#writer.length - this.#head;
  }

  get frames(): number {
    return this.#expiries.length - this.#first;
  }

  /** The next frame goes in here, whole, and then `push` says so. */
  get writer(): ByteWriter {
    return (this.#writer ??= this.#pool.take());
  }

  push(expiresAt: number): void {
    this.#expiries.push(expiresAt);
  }

  /** Hands the first frame to the writer, unless nobody wants it any more: answers whether. */
  move(now: number, to: ByteWriter): boolean {
    const writer = this.#writer;
    assert(writer !== undefined && this.frames > 0, "a lane is moved that has nothing");
    const start = this.#head;
    const end = start + LENGTH_BYTES + lengthAt(writer.bytes, start);
    const isWanted = this.#expiries[this.#first++]! > now;
    if (isWanted) to.raw(writer.bytes.subarray(start, end));
    this.#head = end;
    if (this.frames === 0) this.#giveBack(writer);
    else if (end > TAKEN_BYTES_MAX && end * 2 > writer.length) this.#moveOver(writer);
    return isWanted;
  }

  /** Forgets all of it; answers how many frames. */
  clear(): number {
    const { frames } = this;
    if (this.#writer !== undefined) this.#giveBack(this.#writer);
    return frames;
  }

  #giveBack(writer: ByteWriter): void {
    this.#pool.give(writer);
    this.#writer = undefined;
    this.#head = 0;
    this.#expiries = [];
    this.#first = 0;
  }

  #moveOver(writer: ByteWriter): void {
    writer.bytes.copyWithin(0, this.#head, writer.length);
    writer.length -= this.#head;
    this.#head = 0;
    this.#expiries = this.#expiries.slice(this.#first);
    this.#first = 0;
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  const high = (bytes[at]! << 24) | (bytes[at + 1]! << 16);
  return (high | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
