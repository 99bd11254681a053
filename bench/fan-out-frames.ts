/**
 * The frames of the ceiling: laid out once by the real codec, then copied, with only their number
 * written anew.
 */
import { createConnection, type Socket } from "node:net";
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
import { encodeMessage } from "#src/core/wire/message-codec.ts";
import type { FrameSocket } from "#src/socket/frame-socket.ts";

export type FanOutOperation = "put" | "get";

/** Of the client, where nodes say their own index. */
export const CLIENT_INDEX = 255;
export const NODE_COUNT = 3;
export const FRAME_LIMIT: number = 64 * 1024 * 1024;

/** Where every frame here carries its number: behind length and kind. */
const ID_OFFSET = 5;
const WRITTEN_MS = 1_700_000_000_000;

export class FanOutFrames {
  readonly ask: Uint8Array;
  readonly toOwner: Uint8Array;
  readonly fromOwner: Uint8Array;
  readonly answer: Uint8Array;

  constructor(operation: FanOutOperation, valueBytes: number) {
    const key = keyOf("bench", "key:00000000000000");
    const value = new Uint8Array(valueBytes).fill(7);
    const payload = registerPayload({ ms: WRITTEN_MS, tick: 0 }, value);
    const actor = { high: 0x1234_5678, low: -0x1234_5678, epoch: 1 };
    const record = putDelta([], { ...actor, n: 1, kind: REGISTER, path: "", payload });
    const context = sealContext(sipKeyOf(new Uint8Array(16)), key, record.context);
    const coordinator = nodeId("n1");
    const receipt = { coordinator, epoch: 1, needed: 2, answered: 3, held: 3, siblings: 1 };
    const stored: Outcome = { kind: "stored", context, receipt };
    const siblings = [{ value, writtenMs: WRITTEN_MS }];
    const found: Outcome = { kind: "found", siblings, context, receipt };
    const timeoutMs = 1_000;
    if (operation === "put") {
      this.ask = frameOf(ask(clientRequest({ operation, key, timeoutMs, value })));
      this.toOwner = frameOf(write(1, 1, timeoutMs, key, encodeRecord(record)));
      this.fromOwner = frameOf(written(1));
      this.answer = frameOf(answer(1, stored));
    } else {
      this.ask = frameOf(ask(clientRequest({ operation, key, timeoutMs })));
      this.toOwner = frameOf(read(1, 1, timeoutMs, key, { high: 1, low: 2 }));
      this.fromOwner = frameOf(same(1));
      this.answer = frameOf(answer(1, found));
    }
  }
}

export function sendFrame(frames: FrameSocket, frame: Uint8Array, id: number): void {
  const { writer } = frames;
  const start = writer.length;
  writer.raw(frame);
  writer.patchU32(start + ID_OFFSET + 4, id);
}

/** The number in the body of a frame. It is small: its upper half is zero. */
export function idAt(bytes: Uint8Array, start: number): number {
  return new ByteReader(bytes, start + 4, start + 8).i32();
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

function frameOf(message: Message): Uint8Array {
  const writer = new ByteWriter();
  encodeMessage(writer, message);
  return writer.finish();
}
