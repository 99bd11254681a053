import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "../base/bytes.ts";
import { Random } from "../base/random.ts";
import { FRAME_KIND } from "./frame-kind.ts";
import type { FrameProblem, OnFrame } from "./frame.ts";
import { beginFrame, endFrame, FrameReader, GREETING_FRAME_BYTES_MAX } from "./frame.ts";

const MEBIBYTE = 1024 * 1024;

interface Seen {
  readonly frames: string[];
  readonly problem: FrameProblem | undefined;
}

/** What a reader hands on when the stream comes in these pieces. */
function readAll(pieces: Iterable<Uint8Array>, limit: number, stopAfter = Infinity): Seen {
  const frames: string[] = [];
  const onFrame: OnFrame = (kind, bytes, start, end) => {
    frames.push(`${kind} ${Buffer.from(bytes.subarray(start, end)).toString("hex")}`);
    return frames.length < stopAfter;
  };
  const reader = new FrameReader(limit);
  let problem: FrameProblem | undefined = undefined;
  for (const piece of pieces) problem = reader.push(piece, onFrame);
  return { frames, problem };
}

function* piecesOf(
  stream: Uint8Array,
  random: Random,
  pieceBytesMax: number,
): Generator<Uint8Array> {
  let at = 0;
  while (at < stream.length) {
    const end = Math.min(at + random.between(0, pieceBytesMax), stream.length);
    // A copy: pieces of one buffer would hide a reader that reads beyond its piece.
    yield stream.slice(at, end);
    at = end;
  }
}

/** Frames of many lengths, sometimes followed by bytes that are none. */
function randomStream(random: Random, frameBytesMax: number): Uint8Array {
  const writer = new ByteWriter();
  for (let count = random.between(0, 12); count > 0; count--) {
    const length = random.between(1, frameBytesMax);
    writer.u32(length);
    for (let i = 0; i < length; i++) writer.u8(random.integer(256));
  }
  for (let count = random.integer(10); count > 0; count--) writer.u8(random.integer(256));
  return writer.finish();
}

test("a frame is its length, its kind, its body", () => {
  const writer = new ByteWriter();
  const frame = beginFrame(writer, FRAME_KIND.written);
  writer.u64(7);
  endFrame(writer, frame);
  assert.equal(Buffer.from(writer.finish()).toString("hex"), "00000009110000000000000007");
});

test("frames inside a chunk are places in it, not copies", () => {
  const chunk = Uint8Array.of(0, 0, 0, 3, 9, 1, 2, 0, 0, 0, 1, 8);
  const places: unknown[] = [];
  const problem = new FrameReader().push(chunk, (kind, bytes, start, end) => {
    assert.equal(bytes.buffer, chunk.buffer);
    places.push([kind, start, end]);
    return true;
  });
  assert.equal(problem, undefined);
  assert.deepEqual(places, [
    [9, 5, 7],
    [8, 12, 12],
  ]);
});

test("a reader hands on plain arrays, also when it is fed a subclass", () => {
  const reader = new FrameReader();
  const onFrame: OnFrame = (_kind, bytes) => {
    assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype);
    return true;
  };
  reader.push(Buffer.from([0, 0, 0, 2, 9, 1, 0, 0]), onFrame);
  reader.push(Buffer.from([0, 2, 9, 1]), onFrame);
});

test("however a stream is cut, the frames are the same", () => {
  for (let seed = 0; seed < 1_000; seed++) {
    const random = new Random(seed);
    const limit = random.pick([8, 60, 1_500]);
    const stream = randomStream(random, limit + random.integer(2));
    const stopAfter = random.chance(0.25) ? random.between(1, 6) : Infinity;
    const whole = readAll([stream], limit, stopAfter);
    const pieceBytesMax = random.pick([1, 3, 7, 100, 2_000]);
    const cut = readAll(piecesOf(stream, random, pieceBytesMax), limit, stopAfter);
    assert.deepEqual(cut, whole, `seed ${seed}`);
  }
});

test("an empty and a long frame end the stream, with both numbers", () => {
  for (const size of [1, 2, 3, 4, 64]) {
    const cut = (bytes: number[]): Uint8Array[] => {
      const pieces: Uint8Array[] = [];
      for (let i = 0; i < bytes.length; i += size) {
        pieces.push(Uint8Array.from(bytes.slice(i, i + size)));
      }
      return pieces;
    };
    const good = [0, 0, 0, 1, 7];
    assert.deepEqual(readAll(cut([...good, 0, 0, 0, 0, ...good]), 100), {
      frames: ["7 "],
      problem: { kind: "frame-empty", length: 0, limit: 100 },
    });
    assert.deepEqual(readAll(cut([...good, 0, 0, 0, 101, ...good]), 100), {
      frames: ["7 "],
      problem: { kind: "frame-too-long", length: 101, limit: 100 },
    });
    assert.deepEqual(readAll(cut([0xff, 0xff, 0xff, 0xff]), 100), {
      frames: [],
      problem: { kind: "frame-too-long", length: 0xffff_ffff, limit: 100 },
    });
  }
});

test("a stranger that speaks something else is refused by its first four bytes", () => {
  const http = readAll([Buffer.from("GET / HTTP/1.1\r\n")], GREETING_FRAME_BYTES_MAX);
  assert.deepEqual(http.problem, { kind: "frame-too-long", length: 0x4745_5420, limit: 1024 });
});

test("after a problem or a stop the reader takes nothing more", () => {
  const reader = new FrameReader(10);
  const onFrame: OnFrame = () => assert.fail("no frame was expected");
  const problem = reader.push(Uint8Array.of(0, 0, 0, 11), onFrame);
  assert.equal(reader.push(Uint8Array.of(0, 0, 0, 1, 7), onFrame), problem);

  const stopped = new FrameReader(10);
  let calls = 0;
  const once: OnFrame = () => {
    calls++;
    return false;
  };
  assert.equal(stopped.push(Uint8Array.of(0, 0, 0, 1, 7, 0, 0, 0, 1), once), undefined);
  assert.equal(stopped.push(Uint8Array.of(7), once), undefined);
  assert.equal(calls, 1);
});

test("a limit that is raised during a frame holds for the next one", () => {
  const writer = new ByteWriter();
  for (const length of [3, 500]) {
    writer.u32(length);
    writer.raw(new Uint8Array(length));
  }
  const stream = writer.finish();
  for (const cutAt of [0, 2, 7, 9, 100]) {
    const reader = new FrameReader(10);
    let frames = 0;
    const onFrame: OnFrame = () => {
      frames++;
      reader.limit = 500;
      return true;
    };
    assert.equal(reader.push(stream.subarray(0, cutAt), onFrame), undefined);
    assert.equal(reader.push(stream.subarray(cutAt), onFrame), undefined);
    assert.equal(frames, 2);
  }
});

test("a frame that is only announced costs next to nothing", () => {
  const before = process.memoryUsage().arrayBuffers;
  const readers: FrameReader[] = [];
  for (let i = 0; i < 1_000; i++) {
    const reader = new FrameReader(16 * MEBIBYTE);
    reader.push(Uint8Array.of(1, 0, 0, 0, 7), () => true);
    readers.push(reader);
  }
  const grown = process.memoryUsage().arrayBuffers - before;
  assert.ok(grown < 16 * MEBIBYTE, `${readers.length} announcements took ${grown} bytes`);
});

test("a large frame in small pieces takes time in proportion", () => {
  const length = 16 * MEBIBYTE;
  const piece = new Uint8Array(64).fill(5);
  const reader = new FrameReader(length);
  let bodyBytes = 0;
  const onFrame: OnFrame = (_kind, bytes, start, end) => {
    bodyBytes = end - start;
    assert.ok(bytes.subarray(start, end).every((byte) => byte === 5));
    return true;
  };
  reader.push(Uint8Array.of(1, 0, 0, 0), onFrame);
  // In proportion it is a fraction of a second; copying everything for each piece would be many
  // minutes.
  const giveUpAt = performance.now() + 20_000;
  for (let sent = 0; sent < length; sent += piece.length) {
    reader.push(piece, onFrame);
    if (sent % MEBIBYTE === 0) assert.ok(performance.now() < giveUpAt, `slow at ${sent} bytes`);
  }
  assert.equal(bodyBytes, length - 1);
});
