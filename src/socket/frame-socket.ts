/**
 * A TCP connection that speaks frames: what arrives is cut into frames, what leaves is gathered and
 * written once per turn.
 *
 *     writer ──▶ filling ──(end of turn)──▶ in flight ──(the kernel has it)──▶ pool
 *
 * At most one write is in flight. While the other side reads slowly, frames gather in `filling` and
 * leave with the next write, so a slow reader costs one buffer, and `outboundBytes` is what it
 * costs: whoever writes looks at it first (law 7). A buffer is used again only after the callback
 * of its write: until then the kernel may still read from it.
 */
import type { Socket } from "node:net";
import type { ByteWriter } from "../core/base/bytes.ts";
import { FrameReader } from "../core/wire/frame.ts";
import type { Turn, TurnTask } from "./turn.ts";
import type { WriterPool } from "./writer-pool.ts";

/**
 * A silent connection is probed by the kernel after this long: also a peer whose machine vanished
 * is noticed.
 */
const KEEP_ALIVE_AFTER_MS = 5_000;
/** How long the other side has to read our last words and close. */
const LINGER_MS = 1_000;

export interface FrameHandler {
  /** One whole frame, body at bytes[start, end), a view. False ends the reading for good. */
  onFrame(kind: number, bytes: Uint8Array, start: number, end: number): boolean;
  /** A write has left: `outboundBytes` has shrunk. */
  onWritten(): void;
  /** Once, whoever closed. The reason is a phrase for a person. */
  onClose(reason: string): void;
}

/** What all the connections of a process share. */
export interface Plant {
  readonly turn: Turn;
  readonly pool: WriterPool;
}

export class FrameSocket implements TurnTask {
  readonly reader: FrameReader = new FrameReader();
  handler: FrameHandler;
  /** Writes so far: while it stays the same, what was written into `writer` has not left. */
  writeCount = 0;
  receivedBytes = 0;
  /** For facts and logs; a dialled one does not know it yet. */
  readonly remote: string;
  readonly #socket: Socket;
  readonly #plant: Plant;
  #filling: ByteWriter | undefined = undefined;
  #inFlight: ByteWriter | undefined = undefined;
  #isMarked = false;
  #isEnding = false;
  #isClosed = false;
  #reason = "closed by the other side";
  #lingering: NodeJS.Timeout | undefined = undefined;

  constructor(socket: Socket, handler: FrameHandler, plant: Plant) {
    this.handler = handler;
    this.#socket = socket;
    this.#plant = plant;
    this.remote = `${socket.remoteAddress ?? "unknown"}:${socket.remotePort ?? 0}`;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
    socket.on("data", this.#onData);
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
  }

  /**
   * The next frame goes in here, whole, before anything else runs; it leaves at the end of the
   * turn.
   */
  get writer(): ByteWriter {
    this.#mark();
    return (this.#filling ??= this.#plant.pool.take());
  }

  get outboundBytes(): number {
    const inFlight = this.#inFlight === undefined ? 0 : this.#inFlight.length;
    return this.#filling === undefined ? inFlight : inFlight + this.#filling.length;
  }

  /** A write has not left yet: what is written into `writer` waits for it. */
  get isWriting(): boolean {
    return this.#inFlight !== undefined;
  }

  /** Bytes of the next write. */
  get fillingBytes(): number {
    return this.#filling === undefined ? 0 : this.#filling.length;
  }

  /** True until the first word about closing. Frames written afterwards go nowhere. */
  get isOpen(): boolean {
    return !this.#isEnding && !this.#isClosed;
  }

  /** Stops reading. What this chunk still holds is handed on. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /**
   * Closes a connection on which nothing was said, in either direction, for so long. 0 for never.
   */
  closeWhenIdle(idleMs: number): void {
    this.#socket.setTimeout(idleMs, () => this.destroy(`idle for ${idleMs} ms`));
  }

  /** Says what is still to be said, then closes. Nothing more is handed on. */
  end(reason: string): void {
    if (!this.isOpen) return;
    this.#isEnding = true;
    this.#reason = reason;
    this.#mark();
    // Bytes that nobody reads would turn our close into a reset that overtakes our last words.
    this.#socket.resume();
    this.#lingering = setTimeout(() => this.#socket.destroy(), LINGER_MS);
  }

  /** Closes at once. `onClose` follows in a later turn. */
  destroy(reason: string): void {
    if (this.#isClosed) return;
    if (this.isOpen) this.#reason = reason;
    this.#isEnding = true;
    this.#socket.destroy();
  }

  endTurn(): void {
    this.#isMarked = false;
    if (this.#isClosed || this.#inFlight !== undefined) return;
    const writer = this.#filling;
    if (writer !== undefined && writer.length > 0) {
      this.#filling = undefined;
      this.#inFlight = writer;
      this.writeCount++;
      this.#socket.write(writer.bytes.subarray(0, writer.length), this.#onWritten);
    } else if (this.#isEnding) {
      this.#socket.end();
    }
  }

  #mark(): void {
    if (this.#isMarked || this.#isClosed) return;
    this.#isMarked = true;
    this.#plant.turn.add(this);
  }

  readonly #onWritten = (): void => {
    // After a close nobody can say what the kernel still reads: such a buffer goes to the
    // collector.
    if (this.#isClosed || this.#inFlight === undefined) return;
    this.#plant.pool.give(this.#inFlight);
    this.#inFlight = undefined;
    if (this.#filling !== undefined || this.#isEnding) this.#mark();
    if (!this.#isEnding) this.handler.onWritten();
  };

  readonly #onFrame = (kind: number, bytes: Uint8Array, start: number, end: number): boolean => {
    return this.isOpen && this.handler.onFrame(kind, bytes, start, end) && this.isOpen;
  };

  readonly #onData = (chunk: Uint8Array): void => {
    this.receivedBytes += chunk.length;
    if (!this.isOpen) return;
    const problem = this.reader.push(chunk, this.#onFrame);
    if (problem === undefined) return;
    this.destroy(`${problem.kind}: a length of ${problem.length}, the limit is ${problem.limit}`);
  };

  readonly #onError = (error: Error): void => {
    // Of several addresses that failed, each has a message of its own, and all together have none.
    const { message, code } = error as NodeJS.ErrnoException;
    if (this.isOpen) this.#reason = message === "" ? `${code}` : message;
  };

  readonly #onClose = (): void => {
    this.#isClosed = true;
    this.#filling = undefined;
    this.#inFlight = undefined;
    clearTimeout(this.#lingering);
    this.handler.onClose(this.#reason);
  };
}
