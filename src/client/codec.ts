/**
 * How the values of a bucket become bytes and come back.
 *
 * A codec is not stored: whoever opens a bucket brings the one that its values were written with.
 * It may refuse a value by throwing, in both directions; the caller gets CODEC_FAILED, with what
 * was thrown as the cause. The ones of this package throw nothing that contains the value.
 */
import { GrammeError } from "./gramme-error.ts";

export interface Codec<V> {
  /** For error messages. */
  readonly name: string;
  /** The bytes are left alone until the put has settled. */
  encode(value: V): Uint8Array;
  /** The bytes belong to the store: neither keep nor change them, copy what you need. */
  decode(bytes: Uint8Array): V;
}

const HINTS = {
  encode: "Put a value that the codec of the bucket takes",
  decode: "Open the bucket with the codec that its values were put with",
};
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Bytes as they are. A get hands out a copy. */
export const bytes: Codec<Uint8Array> = {
  name: "bytes",
  encode: (value) => {
    if (value instanceof Uint8Array) return value;
    throw new CodecRefusal(`takes a Uint8Array, not ${kindOf(value)}`);
  },
  // A slice of a Buffer would be a view.
  decode: (stored) => new Uint8Array(stored),
};

/** Text as UTF-8. Half a surrogate pair has no UTF-8 and is refused, not replaced. */
export const text: Codec<string> = {
  name: "text",
  encode: (value) => {
    if (typeof value !== "string") throw new CodecRefusal(`takes a string, not ${kindOf(value)}`);
    const encoded = ENCODER.encode(value);
    if (encoded.length !== value.length && LONE_SURROGATE.test(value)) {
      throw new CodecRefusal("cannot write half a surrogate pair as UTF-8");
    }
    return encoded;
  },
  decode: (stored) => textOf(stored),
};

/** What a codec of this package throws: its message says which rule, never which value. */
export class CodecRefusal extends Error {
  override readonly name = "CodecRefusal";
}

export function textOf(stored: Uint8Array): string {
  try {
    return DECODER.decode(stored);
  } catch {
    throw new CodecRefusal(`found ${stored.length} bytes that are not UTF-8`);
  }
}

export function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

export function encodeWith<V>(codec: Codec<V>, value: V, key: string): Uint8Array {
  let encoded: unknown;
  try {
    encoded = codec.encode(value);
  } catch (error) {
    throw codecFailure(codec, "encode", key, error);
  }
  if (encoded instanceof Uint8Array) return plain(encoded);
  const refusal = new CodecRefusal(`made ${kindOf(encoded)} where bytes belong`);
  throw codecFailure(codec, "encode", key, refusal);
}

/** The core's bytes are of one shape, and a Buffer's `slice` means something else. */
function plain(encoded: Uint8Array): Uint8Array {
  if (encoded.constructor === Uint8Array) return encoded;
  return new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.length);
}

export function decodeWith<V>(codec: Codec<V>, stored: Uint8Array, key: string): V {
  try {
    return codec.decode(stored);
  } catch (error) {
    throw codecFailure(codec, "decode", key, error);
  }
}

/** A misuse that was found inside a codec stays what it is. */
function codecFailure<V>(
  codec: Codec<V>,
  attempt: "encode" | "decode",
  key: string,
  cause: unknown,
): GrammeError {
  if (cause instanceof GrammeError) return cause;
  const because = cause instanceof CodecRefusal ? `: it ${cause.message}` : "";
  const what = attempt === "encode" ? "the value of a put" : "what is stored";
  const problem = `codec ${codec.name} could not ${attempt} ${what}${because}`;
  return new GrammeError("CODEC_FAILED", problem, { hint: HINTS[attempt], key, cause });
}
