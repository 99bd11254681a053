/**
 * Which leaf a key belongs to, and what it adds to that leaf.
 *
 *     hash of a key      SipHash(secret 1, key)                    its top 12 bits are the leaf
 *     hash of an entry   SipHash(secret 2, hash of key ‖ digest)   64 bits, summed up in the leaf
 *
 * Both secrets come of the cluster's, so all owners agree and strangers know nothing: nobody can
 * aim keys at one leaf, nor choose two changes whose sums cancel. The digest covers vector and
 * sibling dots. The key is hashed once for both, and stands for itself in the second hash, so that
 * equal records of two keys differ, and swapping them shows.
 */
import type { SipHash, SipKey } from "../base/siphash.ts";
import { sipHash } from "../base/siphash.ts";
import type { Digest } from "../causality/record-codec.ts";
import type { Key } from "../ring/key.ts";
import { BUCKET_LENGTH_MAX, USER_KEY_BYTES_MAX } from "../ring/key.ts";

/** 64 times 64. */
const LEAF_BITS = 12;
const KEY_BYTES_MAX = BUCKET_LENGTH_MAX + 1 + USER_KEY_BYTES_MAX;
const ENTRY_BYTES = 16;

export class KeyHasher {
  readonly #keySecret: SipKey;
  readonly #entrySecret: SipKey;
  readonly #bytes: Uint8Array = new Uint8Array(KEY_BYTES_MAX);

  constructor(secret: SipKey) {
    this.#keySecret = derived(secret, 1);
    this.#entrySecret = derived(secret, 2);
  }

  of(key: Key): SipHash {
    const bytes = this.#bytes;
    const { length } = key;
    for (let i = 0; i < length; i++) bytes[i] = key.charCodeAt(i);
    return sipHash(this.#keySecret, bytes, 0, length);
  }

  entry(key: SipHash, { high, low }: Digest): SipHash {
    const bytes = this.#bytes;
    putWord(bytes, 0, key.hi);
    putWord(bytes, 4, key.lo);
    putWord(bytes, 8, high);
    putWord(bytes, 12, low);
    return sipHash(this.#entrySecret, bytes, 0, ENTRY_BYTES);
  }

  leafOf(key: Key): number {
    return leafOfHash(this.of(key));
  }

  /** Tells the trees of one secret from those of another. */
  get fingerprint(): number {
    return this.entry({ hi: 0, lo: 0 }, { high: 0, low: 0 }).lo;
  }
}

export function leafOfHash(hash: SipHash): number {
  return hash.hi >>> (32 - LEAF_BITS);
}

function derived(secret: SipKey, purpose: number): SipKey {
  const k0 = sipHash(secret, Uint8Array.of(purpose, 0), 0, 2);
  const k1 = sipHash(secret, Uint8Array.of(purpose, 1), 0, 2);
  return { k0Hi: k0.hi, k0Lo: k0.lo, k1Hi: k1.hi, k1Lo: k1.lo };
}

function putWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}
