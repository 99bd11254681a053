/**
 * A key as the core carries it: bucket and user key in one string.
 *
 *     "carts/user:7"        bucket "carts", user key "user:7"
 *     "carts/a/b"           bucket "carts", user key "a/b": the first slash ends the bucket
 *
 * User keys are bytes. They travel as *binary strings*, one character for each byte, because a
 * string is the one byte sequence that a Map compares by content. The character order of binary
 * strings is their byte order, and two keys are equal exactly when bucket and bytes are.
 */
import { assert } from "../base/assert.ts";

export type Key = string & { readonly __brand: "Key" };

export const BUCKET_LENGTH_MAX = 64;
export const USER_KEY_BYTES_MAX = 4096;

const BUCKET = /^[A-Za-z0-9._-]{1,64}$/;
const NOT_A_BYTE = /[^\x00-\xff]/;

/** A key of parts that were checked at a door: a wrong one here is a bug. */
export function keyOf(bucket: string, userKey: string): Key {
  const problem = checkKey(bucket, userKey);
  assert(problem === undefined, problem ?? "");
  return `${bucket}/${userKey}` as Key;
}

/** What is wrong with this bucket or this binary user key, or undefined when nothing is. */
export function checkKey(bucket: string, userKey: string): string | undefined {
  if (!BUCKET.test(bucket)) return bucketProblem(bucket);
  if (userKey.length === 0) return `a key needs 1 to ${USER_KEY_BYTES_MAX} bytes, got 0`;
  if (userKey.length > USER_KEY_BYTES_MAX) {
    return `a key has at most ${USER_KEY_BYTES_MAX} bytes, got ${userKey.length}`;
  }
  const wideAt = userKey.search(NOT_A_BYTE);
  if (wideAt >= 0) {
    const character = userKey.charCodeAt(wideAt);
    return `a key is made of bytes 0 to 255, got ${character} at position ${wideAt}`;
  }
  return undefined;
}

export function bucketOf(key: Key): string {
  return key.slice(0, key.indexOf("/"));
}

export function userKeyOf(key: Key): string {
  return key.slice(key.indexOf("/") + 1);
}

function bucketProblem(bucket: string): string {
  if (bucket.length === 0) return `a bucket name needs 1 to ${BUCKET_LENGTH_MAX} characters, got 0`;
  if (bucket.length > BUCKET_LENGTH_MAX) {
    return `a bucket name has at most ${BUCKET_LENGTH_MAX} characters, got ${bucket.length}`;
  }
  return `a bucket name is made of A-Z a-z 0-9 . _ -, got ${JSON.stringify(bucket)}`;
}
