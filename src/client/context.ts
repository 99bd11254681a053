/**
 * What a client has seen of a key, as the cluster wrote it down: opaque, sealed, and valid for that
 * key only.
 *
 * A read hands it out, a write takes it back: "replace these, and leave what I have not seen". It
 * can leave the process as text, into a form or a cookie, and come back from there. Nobody can make
 * one up: nodes check the seal.
 */
import { EMPTY_BYTES } from "../core/base/bytes.ts";
import { GrammeError } from "./gramme-error.ts";

const BASE64URL = /^[A-Za-z0-9_-]*$/;

export class Context {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** From what `toString` made. Whether the cluster accepts it shows when it is used. */
  static parse(text: string): Context {
    if (typeof text !== "string" || !BASE64URL.test(text)) {
      const hint = "Pass the text that toString() of a context made";
      throw new GrammeError("INVALID_ARGUMENT", "this is not the text of a context", { hint });
    }
    return new Context(new Uint8Array(Buffer.from(text, "base64url")));
  }

  toString(): string {
    const { buffer, byteOffset, length } = this.bytes;
    return Buffer.from(buffer, byteOffset, length).toString("base64url");
  }

  toJSON(): string {
    return this.toString();
  }
}

export function contextBytes(context: Context | undefined): Uint8Array {
  if (context === undefined) return EMPTY_BYTES;
  if (context instanceof Context) return context.bytes;
  const hint = "Pass the context of a get or put, or Context.parse of its text";
  throw new GrammeError("INVALID_ARGUMENT", "context is not a Context", { hint });
}
