/**
 * A native client's connection to this node: requests in, answers out, in whatever order they are
 * ready.
 *
 * The client numbers its requests, the host numbers them again for the node, and the answer carries
 * the client's number. What a client can make us hold is bounded on both sides (law 7): with too
 * many requests open, or too many bytes of answers not taken, we stop reading from it, and TCP
 * tells it to wait. Requests of the chunk that was being read are held back until a write has left.
 */
import type { Asker } from "./host.ts";
import type { ClientRequest } from "../core/requests.ts";
import { withEnvelope } from "../core/requests.ts";
import type { CopyAsker } from "./copy-desk.ts";
import type { FrameHandler, FrameSocket } from "../socket/frame-socket.ts";
import type { HostLimits } from "./host-limits.ts";
import type { Layout } from "../core/ring/layout.ts";
import { failed, type Outcome } from "../core/outcomes.ts";
import { answer, layoutTold } from "../core/messages.ts";
import type { CopyAnswer, CopyAsk } from "../core/wire/copy-codec.ts";
import { decodeCopyAsk, encodeCopy } from "../core/wire/copy-codec.ts";
import { decodeMessage, encodeMessage } from "../core/wire/message-codec.ts";
import type { HintOrder, HintReport } from "../core/hint-orders.ts";
import { decodeStatusAsk, encodeStatusTold } from "../core/wire/admin.ts";
import { decodeHintsAsk, encodeHintsTold } from "../core/wire/admin-hints.ts";
import type { RepairOrder, RepairReport } from "../core/repair-orders.ts";
import { decodeRepairAsk, encodeRepairTold } from "../core/wire/admin-repair.ts";
import { FRAME_KIND } from "../core/wire/frame-kind.ts";
import { utf8Encode } from "../core/base/utf8.ts";

const SLOW_RETRY_MS = 100;

/** What a client's connection needs of the node it reached. */
export interface ClientServer {
  readonly limits: HostLimits;
  /** Of a request that does not say how long its client waits. */
  readonly requestTimeoutMs: number;
  ask(request: ClientRequest, asker: Asker, askId: number): void;
  copy(ask: CopyAsk, asker: CopyAsker): void;
  /** Does what an operator asks about what is kept for others, and tells how things are then. */
  hints(order: HintOrder): HintReport;
  /** Does what an operator asks about anti-entropy, and tells how things are then. */
  repair(order: RepairOrder): RepairReport;
  layout(): Layout;
  /** A JSON document. */
  status(): string;
  onClientClosed(connection: ClientConnection, reason: string): void;
}

/** A request that waits to be begun, and since when. */
interface HeldRequest {
  readonly request: ClientRequest;
  readonly sinceMs: number;
}

export class ClientConnection implements FrameHandler, Asker, CopyAsker {
  readonly frames: FrameSocket;
  readonly #server: ClientServer;
  readonly #held: HeldRequest[] = [];
  #inFlightCount = 0;
  #isPaused = false;
  /** Which write tells it: whoever asks again before that has left is told by the same frame. */
  #layoutToldBy = -1;
  #statusToldBy = -1;

  constructor(frames: FrameSocket, server: ClientServer) {
    this.frames = frames;
    this.#server = server;
    frames.handler = this;
    frames.closeWhenIdle(server.limits.clientIdleMs);
  }

  onFrame(kind: number, bytes: Uint8Array, start: number, end: number): boolean {
    const isGood = this.#onMessage(kind, bytes, start, end);
    if (!isGood) this.frames.destroy(`a malformed frame of kind ${kind}, or not one for a client`);
    return isGood;
  }

  /** Every answer leaves by a write, so this is when there may be room again. */
  onWritten(): void {
    if (!this.#isPaused) return;
    while (this.#held.length > 0 && !this.#isFull(1)) this.#serveHeld(this.#held.shift()!);
    // Half empty, not just below full: starting and stopping the reading costs more than a request.
    if (this.#held.length > 0 || this.#isFull(0.5)) return;
    this.#isPaused = false;
    this.frames.resume();
  }

  onClose(reason: string): void {
    this.#held.length = 0;
    this.#server.onClientClosed(this, reason);
  }

  settle(askId: number, outcome: Outcome): void {
    this.#inFlightCount--;
    if (!this.frames.isOpen) return;
    const { clientOutboundBytesMax, frameBytesMax } = this.#server.limits;
    const isFull = this.frames.outboundBytes >= clientOutboundBytesMax;
    // A write happened, and its short answer is always said. What was read can be read again.
    const said = isFull && outcome.kind === "found" ? tooSlow() : outcome;
    const writer = this.frames.writer;
    const start = writer.length;
    encodeMessage(writer, answer(askId, said));
    const length = writer.length - start;
    if (length > frameBytesMax) {
      writer.length = start;
      encodeMessage(writer, answer(askId, tooLong(length, frameBytesMax)));
    }
    this.#pauseWhenFull();
  }

  /** The answer to what a backup or a restore asked. */
  tell(told: CopyAnswer): void {
    this.#inFlightCount--;
    if (!this.frames.isOpen) return;
    const { clientOutboundBytesMax } = this.#server.limits;
    const isFull = this.frames.outboundBytes >= clientOutboundBytesMax;
    // Who does not read is told to ask again: rows are long.
    const isLong = told.kind === "rows-told" && isFull;
    encodeCopy(this.frames.writer, isLong ? this.#busy(told.id) : told);
    this.#pauseWhenFull();
  }

  #onMessage(kind: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (kind === FRAME_KIND.statusAsk) {
      this.#tellStatus();
      return decodeStatusAsk(start, end);
    }
    if (kind === FRAME_KIND.hintsAsk) return this.#tellHints(bytes, start, end);
    if (kind === FRAME_KIND.repairAsk) return this.#tellRepair(bytes, start, end);
    const copy = decodeCopyAsk(kind, bytes, start, end);
    if (copy !== undefined) {
      this.#copy(copy);
      return true;
    }
    const message = decodeMessage(kind, bytes, start, end);
    if (message?.kind === "ask") {
      const { request } = message;
      if (this.#isPaused) this.#held.push({ request, sinceMs: performance.now() });
      else this.#serve(request);
      return true;
    }
    if (message?.kind !== "layout-ask") return false;
    this.#tellLayout();
    return true;
  }

  #tellLayout(): void {
    if (this.#layoutToldBy === this.frames.writeCount) return;
    this.#layoutToldBy = this.frames.writeCount;
    encodeMessage(this.frames.writer, layoutTold(this.#server.layout()));
  }

  #tellStatus(): void {
    if (this.#statusToldBy === this.frames.writeCount) return;
    this.#statusToldBy = this.frames.writeCount;
    encodeStatusTold(this.frames.writer, utf8Encode(this.#server.status()));
  }

  /** Who does not take what it has asked for is obeyed, and not told: it asks again. */
  #tellHints(bytes: Uint8Array, start: number, end: number): boolean {
    const ask = decodeHintsAsk(bytes, start, end);
    if (ask === undefined) return false;
    const report = this.#server.hints(ask.order);
    if (!this.#isPaused) encodeHintsTold(this.frames.writer, { id: ask.id, report });
    this.#pauseWhenFull();
    return true;
  }

  /** As with hints. */
  #tellRepair(bytes: Uint8Array, start: number, end: number): boolean {
    const ask = decodeRepairAsk(bytes, start, end);
    if (ask === undefined) return false;
    const report = this.#server.repair(ask.order);
    if (!this.#isPaused) encodeRepairTold(this.frames.writer, { id: ask.id, report });
    this.#pauseWhenFull();
    return true;
  }

  #serve(request: ClientRequest): void {
    this.#inFlightCount++;
    this.#server.ask(request, this, request.id);
    this.#pauseWhenFull();
  }

  /** It has so much less time by now, or none: then nobody waits for what would be done. */
  #serveHeld({ request, sinceMs }: HeldRequest): void {
    const hadMs = request.timeoutMs === 0 ? this.#server.requestTimeoutMs : request.timeoutMs;
    const timeoutMs = Math.floor(hadMs - (performance.now() - sinceMs));
    if (timeoutMs >= 1) return this.#serve(withEnvelope(request, { ...request, timeoutMs }));
    this.#inFlightCount++;
    this.settle(request.id, tooLate(hadMs));
  }

  #copy(ask: CopyAsk): void {
    this.#inFlightCount++;
    if (!this.#isPaused) this.#server.copy(ask, this);
    else this.tell(this.#busy(ask.id));
  }

  #busy(id: number): CopyAnswer {
    const { epoch } = this.#server.layout();
    return { kind: "copy-refused", id, reason: "busy", epoch };
  }

  #pauseWhenFull(): void {
    if (this.#isPaused || !this.#isFull(1)) return;
    this.#isPaused = true;
    this.frames.pause();
  }

  #isFull(share: number): boolean {
    const { clientInFlightMax, clientOutboundBytesMax } = this.#server.limits;
    return (
      this.#inFlightCount >= clientInFlightMax * share ||
      this.frames.outboundBytes >= clientOutboundBytesMax * share
    );
  }
}

function tooSlow(): Outcome {
  const detail = "the answers on this connection are not being read";
  return failed("OVERLOADED", detail, { retryAfterMs: SLOW_RETRY_MS });
}

function tooLate(timeoutMs: number): Outcome {
  const detail = `it was not begun in its ${timeoutMs} ms: the connection has too much open`;
  return failed("OVERLOADED", detail, { retryAfterMs: SLOW_RETRY_MS });
}

function tooLong(length: number, limit: number): Outcome {
  return failed("TOO_MANY_SIBLINGS", `the answer has ${length} bytes, a frame at most ${limit}`, {
    needed: length,
    got: limit,
  });
}
