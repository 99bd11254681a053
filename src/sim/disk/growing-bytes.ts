/**
 * Bytes that grow at the end and are cut there, in one array with room to spare.
 *
 *     ├─ length ─┤── room ──┤      a write costs its own bytes; when the room is used up, the array
 *                                  doubles, so that a file of 1 MiB was moved as often as twice
 *
 * A write behind the end leaves a hole, and a hole reads as zeros, as in a file.
 */
import { assert } from "../../core/base/assert.ts";

const ROOM_MIN = 512;

export class GrowingBytes {
  #array: Uint8Array = new Uint8Array(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  write(at: number, bytes: Uint8Array): void {
    this.extend(at + bytes.length);
    this.#array.set(bytes, at);
  }

  /** At least so long: what was not there is zero. */
  extend(length: number): void {
    if (length <= this.#length) return;
    if (length > this.#array.length) {
      const larger = new Uint8Array(Math.max(length, this.#array.length * 2, ROOM_MIN));
      larger.set(this.view(0, this.#length));
      this.#array = larger;
    } else {
      // The room may hold what was cut off.
      this.#array.fill(0, this.#length, length);
    }
    this.#length = length;
  }

  /** At most so long. */
  cut(length: number): void {
    this.#length = Math.min(length, this.#length);
  }

  /** The bytes as they are now, for a moment: a later write shows through. */
  view(from: number, to: number): Uint8Array {
    return this.#array.subarray(from, Math.min(to, this.#length));
  }

  copy(from: number, to: number): Uint8Array {
    return this.#array.slice(from, Math.min(to, this.#length));
  }

  flipBit(at: number, bit: number): void {
    assert(at < this.#length, `there is no byte ${at} among ${this.#length}`);
    this.#array[at] = this.#array[at]! ^ (1 << bit);
  }
}
