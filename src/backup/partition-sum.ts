/**
 * What a partition of a backup amounts to: how many entries, how many bytes, and a digest that does
 * not depend on their order, since owners scan in orders of their own.
 *
 *     digest = sum of SipHash-2-4 (entry), modulo 2^64
 *
 * A sum and not an exclusive or: an entry that stands there twice must show.
 */
import { sipHash, type SipKey, sipKeyOf } from "../core/base/siphash.ts";
import { binaryToBytes } from "../core/base/utf8.ts";

/** "gramme backup 1 ": not a secret, the digest guards against accidents. */
const KEY: SipKey = sipKeyOf(binaryToBytes("gramme backup 1 "));
const U32 = 0x1_0000_0000;

export class PartitionSum {
  entries = 0;
  /** Of keys and records. */
  bytes = 0;
  #high = 0;
  #low = 0;

  /** The entry lies at bytes[start, end). */
  add(bytes: Uint8Array, start: number, end: number, keyAndRecordBytes: number): void {
    const { hi, lo } = sipHash(KEY, bytes, start, end);
    const low = this.#low + lo;
    this.#high = (this.#high + hi + (low >= U32 ? 1 : 0)) % U32;
    this.#low = low % U32;
    this.entries++;
    this.bytes += keyAndRecordBytes;
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    return [this.#high, this.#low].map((half) => half.toString(16).padStart(8, "0")).join("");
  }
}
