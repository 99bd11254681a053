/**
 * What it costs to turn the hot messages into frames and back: a 24 byte key, a 100 byte value, one
 * send buffer that is reset when it is full, one chunk of frames that is read over and over. No
 * sockets.
 */
import { performance } from "node:perf_hooks";
import { ByteWriter } from "#src/core/base/bytes.ts";
import type { Message } from "#src/core/messages.ts";
import { answer, ask, held, read, same, write, written } from "#src/core/messages.ts";
import { clientRequest } from "#src/core/requests.ts";
import { keyOf } from "#src/core/ring/key.ts";
import { nodeId } from "#src/core/ring/node-id.ts";
import { FrameReader } from "#src/core/wire/frame.ts";
import { decodeMessage, encodeMessage } from "#src/core/wire/message-codec.ts";

export interface WireResult {
  readonly name: string;
  readonly nanosecondsPerOperation: number;
}

const FRAMES = 400;
const ROUNDS = 500;
/** The best of some trials: what else runs on the machine only ever makes it slower. */
const TRIALS = 7;

export function benchWire(): WireResult[] {
  const results: WireResult[] = [];
  for (const [name, message] of subjects()) {
    const writer = new ByteWriter(256 * 1024);
    results.push(measured(`encode ${name}`, () => encodeAll(writer, message)));
    results.push(measured(`decode ${name}`, () => decodeAll(writer)));
  }
  return results;
}

function subjects(): readonly (readonly [name: string, message: Message])[] {
  const key = keyOf("carts", "user:000000000007");
  const value = new Uint8Array(100).fill(7);
  const record = new Uint8Array(140).fill(1);
  const context = new Uint8Array(30).fill(2);
  const id = 123_456_789;
  const receipt = {
    coordinator: nodeId("node-1"),
    epoch: 12,
    needed: 2,
    answered: 3,
    held: 3,
    hinted: 0,
    siblings: 1,
  };
  const found = {
    kind: "found",
    siblings: [{ value, writtenMs: 1_790_000_000_000 }],
    context,
    receipt,
  } as const;
  return [
    ["write", write(id, 12, 0, 987, key, record)],
    ["written", written(id)],
    ["read", read(id, 12, 987, key, { high: 0x8123_4567, low: 0x89ab_cdef })],
    ["same", same(id)],
    ["held", held(id, record)],
    ["ask (put)", ask(clientRequest({ id, operation: "put", key, value, timeoutMs: 987 }))],
    ["ask (get)", ask(clientRequest({ id, operation: "get", key, timeoutMs: 987 }))],
    ["answer (stored)", answer(id, { kind: "stored", context, receipt })],
    ["answer (found)", answer(id, found)],
  ];
}

function encodeAll(writer: ByteWriter, message: Message): void {
  writer.reset();
  for (let i = 0; i < FRAMES; i++) encodeMessage(writer, message);
}

let sink = 0;

function decodeAll(writer: ByteWriter): void {
  const frames = new FrameReader(64 * 1024);
  frames.push(writer.bytes.subarray(0, writer.length), onFrame);
}

function onFrame(kind: number, bytes: Uint8Array, start: number, end: number): boolean {
  const message = decodeMessage(kind, bytes, start, end);
  if (message === undefined) return false;
  sink += message.kind.length;
  return true;
}

function measured(name: string, round: () => void): WireResult {
  let best = Infinity;
  for (let trial = 0; trial < TRIALS; trial++) {
    const start = performance.now();
    for (let i = 0; i < ROUNDS; i++) round();
    best = Math.min(best, performance.now() - start);
  }
  return { name, nanosecondsPerOperation: (best * 1e6) / (ROUNDS * FRAMES) };
}
