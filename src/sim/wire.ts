/**
 * Messages as they would cross a socket: encoded, copied, decoded.
 *
 * Most runs pass messages as objects, for speed. Runs that take this way show that the codec keeps
 * everything a node relies on, and that nobody keeps a view of bytes that belong to somebody else.
 */
import { assert } from "../core/base/assert.ts";
import { ByteWriter } from "../core/base/bytes.ts";
import type { Message } from "../core/messages.ts";
import { answer } from "../core/messages.ts";
import type { Outcome } from "../core/outcomes.ts";
import { decodeMessage, encodeMessage } from "../core/wire/message-codec.ts";

/** A frame begins with four bytes of length and one of kind. */
const KIND_AT = 4;
const BODY_AT = 5;

/**
 * The frame of a message; undefined for those that are not on the wire but at the ends of a
 * connection.
 */
export function frameOf(message: Message): Uint8Array | undefined {
  const { kind } = message;
  if (kind === "hello" || kind === "goodbye" || kind === "located") return undefined;
  const writer = new ByteWriter();
  encodeMessage(writer, message);
  return writer.finish();
}

export function messageOf(frame: Uint8Array): Message {
  const message = decodeMessage(frame[KIND_AT]!, frame, BODY_AT, frame.length);
  assert(
    message !== undefined,
    `a frame of kind ${frame[KIND_AT]} cannot be read by its own codec`,
  );
  return message;
}

/** The same message on bytes of its own. */
export function throughWire(message: Message): Message {
  const frame = frameOf(message);
  return frame === undefined ? message : messageOf(frame);
}

export function outcomeThroughWire(outcome: Outcome): Outcome {
  const through = throughWire(answer(0, outcome));
  assert(through.kind === "answer", `an answer became a ${through.kind}`);
  return through.outcome;
}
