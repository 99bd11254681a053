/**
 * One question to whoever is at an address: how are you? As a client asks it, so that nodes answer
 * it that are no peers of ours, or not yet.
 *
 *     we ── greeting (client) ──▶ they
 *        ◀─────────── greeting ──
 *        ── status-ask ─────────▶
 *        ◀───────── status-told ──   and that is all
 */
import { createConnection } from "node:net";
import { utf8Decode } from "../core/base/utf8.ts";
import { decodeStatusTold, encodeStatusAsk, STATUS_BYTES_MAX } from "../core/wire/admin.ts";
import { FRAME_OVERHEAD_BYTES } from "../core/wire/frame.ts";
import { FRAME_KIND } from "../core/wire/frame-kind.ts";
import type { Greeting } from "../core/wire/greeting.ts";
import { clientGreeting } from "../core/wire/greeting.ts";
import type { Refusal } from "../core/wire/refusal.ts";
import type { Address } from "../socket/address.ts";
import { type FrameHandler, FrameSocket, type Plant } from "../socket/frame-socket.ts";
import { DONE, type Greeter, Handshake, type HandshakeFailure } from "../socket/handshake.ts";
import { problemOf } from "./peer.ts";

/** Or why there is none. */
export type StatusAnswer = { readonly json: string } | { readonly problem: string };

export interface Questioner {
  readonly plant: Plant;
  /** Who is of another one refuses to answer. */
  readonly clusterId: string;
  /** For the whole of it. */
  readonly timeoutMs: number;
}

export class StatusQuestion implements Greeter, FrameHandler {
  readonly answer: Promise<StatusAnswer>;
  readonly #questioner: Questioner;
  readonly #frames: FrameSocket;
  readonly #timer: NodeJS.Timeout;
  #onAnswer: (answer: StatusAnswer) => void = () => {};

  constructor({ host, port }: Address, questioner: Questioner) {
    const { plant, timeoutMs } = questioner;
    this.#questioner = questioner;
    this.answer = new Promise((resolve) => {
      this.#onAnswer = resolve;
    });
    this.#frames = new FrameSocket(createConnection({ host, port }), DONE, plant);
    new Handshake(this.#frames, this, timeoutMs);
    this.#timer = setTimeout(() => this.recall(`no answer within ${timeoutMs} ms`), timeoutMs);
  }

  /** The answer then says so. */
  recall(problem: string): void {
    this.#finish({ problem });
    this.#frames.destroy(problem);
  }

  greeting(): Greeting {
    return clientGreeting(this.#questioner.clusterId);
  }

  judge(theirs: Greeting): Refusal | undefined {
    if (theirs.role === "node") return undefined;
    return { code: "WRONG_NODE", message: `expected a node, found a ${theirs.role}` };
  }

  onGreeted(frames: FrameSocket): void {
    frames.handler = this;
    frames.reader.limit = STATUS_BYTES_MAX + FRAME_OVERHEAD_BYTES;
    encodeStatusAsk(frames.writer);
  }

  onFailed(_frames: FrameSocket, failure: HandshakeFailure): void {
    this.#finish({ problem: problemOf(failure) });
  }

  onFrame(kind: number, bytes: Uint8Array, start: number, end: number): boolean {
    const told = kind === FRAME_KIND.statusTold ? decodeStatusTold(bytes, start, end) : undefined;
    const json = told === undefined ? undefined : utf8Decode(told);
    this.#finish(json === undefined ? { problem: `a frame of kind ${kind}` } : { json });
    this.#frames.handler = DONE;
    this.#frames.end("answered");
    return false;
  }

  onWritten(): void {}

  onClose(reason: string): void {
    this.#finish({ problem: reason });
  }

  #finish(answer: StatusAnswer): void {
    clearTimeout(this.#timer);
    this.#onAnswer(answer);
  }
}
