/**
 * Keys as users write them: text, which counts as its UTF-8 bytes, or bytes.
 *
 *     "né"  and  Uint8Array [6e c3 a9]      are the same key
 */
import { bytesToBinary, toBinary } from "../core/base/utf8.ts";
import type { Key } from "../core/ring/key.ts";
import { checkKey } from "../core/ring/key.ts";
import { GrammeError } from "./gramme-error.ts";

export type UserKey = string | Uint8Array;

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Throws for what cannot be a key. */
export function keyIn(bucket: string, userKey: UserKey): Key {
  const binary = binaryOf(userKey);
  const problem = checkKey(bucket, binary);
  // The two halves have just been checked; `keyOf` would check them again, for every call.
  if (problem === undefined) return `${bucket}/${binary}` as Key;
  throw new GrammeError("INVALID_ARGUMENT", problem, { hint: "Use another key or bucket name" });
}

function binaryOf(userKey: UserKey): string {
  if (typeof userKey === "string") {
    const binary = toBinary(userKey);
    if (binary === userKey || !LONE_SURROGATE.test(userKey)) return binary;
    const hint = "Use well-formed text, or a Uint8Array";
    throw new GrammeError("INVALID_ARGUMENT", "the key has half a surrogate pair", { hint });
  }
  if (userKey instanceof Uint8Array) return bytesToBinary(userKey);
  const hint = "Use text, or a Uint8Array";
  throw new GrammeError("INVALID_ARGUMENT", `a key is not of type ${typeof userKey}`, { hint });
}
