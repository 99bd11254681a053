/**
 * Frames: where one message ends and the next begins in a stream of bytes.
 *
 *      0        4      5                      4 + length
 *      ├────────┼──────┼───────────────────────┤
 *      │ length │ kind │ body                  │        length counts kind and body: at least 1
 *      └────────┴──────┴───────────────────────┘
 *
 * A socket cuts the stream where it likes. Most frames lie whole in a chunk, and are handed on as a
 * place in it:
 *
 *     chunk 1   │ frame │ frame │ frame │ fra        three calls, no copy; "fra" is kept
 *     chunk 2   me │ frame │ frame                   "frame" is put together, two more calls
 *
 * The bytes come from strangers. The length is compared with the limit before memory is spent on
 * it, and the memory for a frame in pieces doubles with what has arrived: announcing 16 MiB costs
 * the other side nothing, and a frame in n pieces costs n, not n².
 */
import { assert } from "../base/assert.ts";
import type { ByteWriter } from "../base/bytes.ts";
import { EMPTY_BYTES } from "../base/bytes.ts";
import type { FrameKind } from "./frame-kind.ts";

/**
 * Until the other side has said who it is, a frame is a greeting or a refusal, and those are short.
 */
export const GREETING_FRAME_BYTES_MAX = 1024;
/** What a limit may be at most: the length is a u32, and no engine makes an array much larger. */
export const FRAME_BYTES_MAX: number = 2 ** 31 - 1;
/**
 * What the limit after the greeting leaves beside the largest value: its key and context, a whole
 * layout, a status.
 */
export const FRAME_OVERHEAD_BYTES: number = 2 * 1024 * 1024;

const LENGTH_BYTES = 4;
const HEAD_BYTES = 5;
/** The first piece of memory for a frame in pieces, when so much was announced. */
const TAIL_BYTES_MIN = 1024;

/**
 * A frame of this kind, its body at bytes[start, end). The bytes are a view, whoever keeps them
 * copies them. False ends the stream: nothing more is read, also not of this chunk.
 */
export type OnFrame = (kind: number, bytes: Uint8Array, start: number, end: number) => boolean;

/** Why the stream cannot go on. What follows such a length is noise: the connection is closed. */
export interface FrameProblem {
  readonly kind: "frame-empty" | "frame-too-long";
  /** As announced. */
  readonly length: number;
  readonly limit: number;
}

export class FrameReader {
  #limit: number;
  #ended = false;
  #problem: FrameProblem | undefined = undefined;
  /** The beginning of a frame whose end has not arrived, with its length in front. */
  #tail: Uint8Array = EMPTY_BYTES;
  #tailLength = 0;
  /** Bytes of tail to wait for: first the length, then the frame. */
  #tailNeeded = LENGTH_BYTES;

  constructor(limit: number = GREETING_FRAME_BYTES_MAX) {
    this.#limit = checkedLimit(limit);
  }

  /** For the frames from the next one on, also when set while a frame is handed on. */
  set limit(limit: number) {
    this.#limit = checkedLimit(limit);
  }

  get limit(): number {
    return this.#limit;
  }

  /**
   * Hands on every frame that this chunk completes, in order. After a problem, or a false, it takes
   * nothing more.
   */
  push(chunk: Uint8Array, onFrame: OnFrame): FrameProblem | undefined {
    if (this.#ended) return this.#problem;
    // A plain view even of a subclass: the `slice` of a Node.js Buffer does not copy, and whoever
    // keeps bytes relies on a copy; and every decoder behind this line meets one kind of array.
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    let at = this.#tailLength === 0 ? 0 : this.#completeTail(bytes, onFrame);
    while (!this.#ended && bytes.length - at >= LENGTH_BYTES) {
      const length = lengthAt(bytes, at);
      const end = at + LENGTH_BYTES + length;
      if (!this.#accepts(length)) break;
      if (end > bytes.length) {
        this.#tailNeeded = LENGTH_BYTES + length;
        break;
      }
      const kind = bytes[at + LENGTH_BYTES]!;
      const start = at + HEAD_BYTES;
      at = end;
      if (!onFrame(kind, bytes, start, end)) this.#ended = true;
    }
    if (!this.#ended && at < bytes.length) this.#append(bytes, at, bytes.length);
    return this.#problem;
  }

  /** Adds to the tail up to the end of its frame; answers where in the chunk that was. */
  #completeTail(bytes: Uint8Array, onFrame: OnFrame): number {
    let at = 0;
    for (;;) {
      const end = Math.min(at + this.#tailNeeded - this.#tailLength, bytes.length);
      this.#append(bytes, at, end);
      at = end;
      if (this.#tailLength < this.#tailNeeded) return at;
      if (this.#tailNeeded > LENGTH_BYTES) break;
      const length = lengthAt(this.#tail, 0);
      if (!this.#accepts(length)) return at;
      this.#tailNeeded = LENGTH_BYTES + length;
    }
    const frame = this.#tail;
    const frameEnd = this.#tailLength;
    this.#tail = EMPTY_BYTES;
    this.#tailLength = 0;
    this.#tailNeeded = LENGTH_BYTES;
    if (!onFrame(frame[LENGTH_BYTES]!, frame, HEAD_BYTES, frameEnd)) this.#ended = true;
    return at;
  }

  #accepts(length: number): boolean {
    if (length > 0 && length <= this.#limit) return true;
    const kind = length === 0 ? "frame-empty" : "frame-too-long";
    this.#problem = { kind, length, limit: this.#limit };
    this.#ended = true;
    this.#tail = EMPTY_BYTES;
    return false;
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#tailLength + end - start;
    if (length > this.#tail.length) {
      const doubled = Math.max(length * 2, TAIL_BYTES_MIN);
      const grown = new Uint8Array(Math.min(doubled, this.#tailNeeded));
      grown.set(this.#tail.subarray(0, this.#tailLength));
      this.#tail = grown;
    }
    this.#tail.set(bytes.subarray(start, end), this.#tailLength);
    this.#tailLength = length;
  }
}

/**
 * Opens a frame; the answer is for `endFrame`. The body is written in between, straight into the
 * writer.
 */
export function beginFrame(writer: ByteWriter, kind: FrameKind): number {
  const start = writer.length;
  writer.u32(0);
  writer.u8(kind);
  return start;
}

export function endFrame(writer: ByteWriter, start: number): void {
  const length = writer.length - start - LENGTH_BYTES;
  assert(length > 0 && length <= FRAME_BYTES_MAX, `a frame of ${length} bytes`);
  writer.patchU32(start, length);
}

function checkedLimit(limit: number): number {
  assert(Number.isInteger(limit) && limit > 0 && limit <= FRAME_BYTES_MAX, `frame limit ${limit}`);
  return limit;
}

function lengthAt(bytes: Uint8Array, at: number): number {
  const high = (bytes[at]! << 24) | (bytes[at + 1]! << 16);
  return (high | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
