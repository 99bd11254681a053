/**
 * The last word to a connection: why this side does not go on.
 *
 *     │ code │ message │ known │ …
 *       name   text      varint
 *
 * The code is text, so that a node can show a code that was invented after it, and the layout is
 * the same in every version: whoever is refused for its version must be able to read why. What is
 * known is there for a node that is refused for an older boot, which has to go above it. What
 * follows is for later versions.
 */
import type { ByteWriter } from "../base/bytes.ts";
import { ByteReader } from "../base/bytes.ts";
import { readName, readText, writeText } from "./field-codec.ts";
import { FRAME_KIND } from "./frame-kind.ts";
import { beginFrame, endFrame } from "./frame.ts";

/** Room for two ids and two addresses, and still within the first frame's limit. */
export const REFUSAL_MESSAGE_BYTES_MAX = 768;

/** The code of a node that was met in a younger boot. */
export const OLDER_BOOT = "OLDER_BOOT";

/** A message goes into logs and terminals of people who do not know who sent it. */
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;

export interface Refusal {
  /** One word that means the same for ever, as WRONG_CLUSTER. */
  readonly code: string;
  /** A sentence with both values. */
  readonly message: string;
  /** The generation that an older boot came after. */
  readonly known?: number;
}

export function encodeRefusal(writer: ByteWriter, refusal: Refusal): void {
  const frame = beginFrame(writer, FRAME_KIND.refusal);
  writer.binary(refusal.code);
  writeText(writer, refusal.message, REFUSAL_MESSAGE_BYTES_MAX);
  if (refusal.known !== undefined) writer.varint(refusal.known);
  endFrame(writer, frame);
}

/** The refusal in the body bytes[start, end) of a frame; undefined when it is malformed. */
export function decodeRefusal(bytes: Uint8Array, start: number, end: number): Refusal | undefined {
  const reader = new ByteReader(bytes, start, end);
  const code = readName(reader);
  const message = readText(reader, REFUSAL_MESSAGE_BYTES_MAX);
  if (reader.failed || CONTROL_CHARACTER.test(message)) return undefined;
  if (code !== OLDER_BOOT) return { code, message };
  const known = reader.varint();
  // Earlier releases say no more than the message.
  return reader.failed ? { code, message } : { code, message, known };
}
