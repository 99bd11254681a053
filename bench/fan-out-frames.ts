/**
 * The frames of the two ceilings: those of real messages with a real record in them. *Coded* ones
 * are decoded where they arrive and encoded where they leave, by the codec of the product. *Copied*
 * ones were encoded once: only their number is written anew, and read.
 */
import { createConnection, type Socket } from "node:net";
import { assert } from "#src/core/base/assert.ts";
import { ByteReader, ByteWriter } from "#src/core/base/bytes.ts";
import { sipKeyOf } from "#src/core/base/siphash.ts";
import { encodeRecord } from "#src/core/causality/record-codec.ts";
import { putDelta, REGISTER } from "#src/core/causality/record.ts";
import { registerPayload } from "#src/core/causality/register.ts";
import { sealContext } from "#src/core/causality/sealed-context.ts";
import type { Message } from "#src/core/messages.ts";
import { answer, ask, read, same, write, written } from "#src/core/messages.ts";
import type { Outcome } from "#src/core/outcomes.ts";
import { clientRequest } from "#src/core/requests.ts";
import { keyOf } from "#src/core/ring/key.ts";
import { nodeId } from "#src/core/ring/node-id.ts";
import { FRAME_KIND } from "#src/core/wire/frame-kind.ts";
import { decodeMessage, encodeMessage } from "#src/core/wire/message-codec.ts";
import type { FrameSocket } from "#src/socket/frame-socket.ts";

export type FanOutOperation = "put" | "get";

/** Of the client, where nodes say their own index. */
export const CLIENT_INDEX = 255;
export const NODE_COUNT = 3;
export const FRAME_LIMIT: number = 64 * 1024 * 1024;

/** Where every frame here carries its number: behind length and kind. */
const ID_OFFSET = 5;
const WRITTEN_MS = 1_700_000_000_000;

export type Coding = "copied" | "coded";

/** What is said at each of the four places of a fan-out, by number. */
type Saying = (id: number) => Message;

export class FanOutFrames {
  readonly ask: Frame;
  readonly toOwner: Frame;
  readonly fromOwner: Frame;
  readonly answer: Frame;
  readonly #coding: Coding;

  constructor(operation: FanOutOperation, valueBytes: number, coding: Coding) {
    this.#coding = coding;
    const key = keyOf("bench", "key:00000000000000");
    const value = new Uint8Array(valueBytes).fill(7);
    const payload = registerPayload({ ms: WRITTEN_MS, tick: 0 }, value);
    const actor = { high: 0x1234_5678, low: -0x1234_5678, epoch: 1 };
    const record = putDelta([], { ...actor, n: 1, kind: REGISTER, path: "", payload });
    const delta = encodeRecord(record);
    const context = sealContext(sipKeyOf(new Uint8Array(16)), key, record.context);
    const coordinator = nodeId("n1");
    const receipt = {
      coordinator,
      epoch: 1,
      needed: 2,
      answered: 3,
      held: 3,
      hinted: 0,
      siblings: 1,
    };
    const stored: Outcome = { kind: "stored", context, receipt };
    const siblings = [{ value, writtenMs: WRITTEN_MS }];
    const found: Outcome = { kind: "found", siblings, context, receipt };
    const timeoutMs = 1_000;
    const digest = { high: 1, low: 2 };
    const isPut = operation === "put";
    const request = clientRequest(
      isPut ? { operation, key, timeoutMs, value } : { operation, key, timeoutMs },
    );
    this.ask = new Frame((id) => ask({ ...request, id }));
    this.toOwner = new Frame((id) =>
      isPut ? write(id, 1, 0, timeoutMs, key, delta) : read(id, 1, timeoutMs, key, digest),
    );
    this.fromOwner = new Frame((id) => (isPut ? written(id) : same(id)));
    this.answer = new Frame((id) => answer(id, isPut ? stored : found));
  }

  send(frames: FrameSocket, frame: Frame, id: number): void {
    const { writer } = frames;
    if (this.#coding === "coded") return encodeMessage(writer, frame.saying(id));
    const start = writer.length;
    writer.raw(frame.bytes);
    writer.patchU32(start + ID_OFFSET + 4, id);
  }

  /** The number in the body of a frame. It is small: its upper half is zero. */
  idOf(kind: number, bytes: Uint8Array, start: number, end: number): number {
    if (this.#coding === "copied") return new ByteReader(bytes, start + 4, start + 8).i32();
    const message = decodeMessage(kind, bytes, start, end);
    if (message?.kind === "ask") return message.request.id;
    assert(message !== undefined && "id" in message, `a strange frame of kind ${kind}`);
    return message.id;
  }
}

class Frame {
  readonly saying: Saying;
  readonly bytes: Uint8Array;

  constructor(saying: Saying) {
    const writer = new ByteWriter();
    encodeMessage(writer, saying(1));
    this.saying = saying;
    this.bytes = writer.finish();
  }
}

export function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: "127.0.0.1", port }, () => resolve(socket));
    socket.once("error", reject);
  });
}

/** The first frame of a connection says who dialled it. */
export function introduce(frames: FrameSocket, index: number): void {
  frames.writer.raw(new Uint8Array([0, 0, 0, 2, FRAME_KIND.greeting, index]));
}
