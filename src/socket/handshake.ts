/**
 * The beginning of a connection, the same on both sides and for nodes and clients.
 *
 *     we                                they
 *     │── greeting ───────────────────▶│     both at once, nobody waits
 *     │◀────────────────── greeting ───│
 *     │         judge theirs           │     the same cluster, a common version, another node …
 *     │── refusal, then close ────────▶│     … or why not, by name
 *
 * Until the other side has greeted, nothing is believed of it and it gets little: frames of at most
 * a kilobyte, and a time after which it is cut off. One handshake has one end: `onGreeted` or
 * `onFailed`.
 */
import type { Greeting } from "../core/wire/greeting.ts";
import type { Refusal } from "../core/wire/refusal.ts";
import type { FrameHandler, FrameSocket } from "./frame-socket.ts";
import { checkGreeting, decodeGreeting, encodeGreeting } from "../core/wire/greeting.ts";
import { decodeRefusal, encodeRefusal } from "../core/wire/refusal.ts";
import { FRAME_KIND } from "../core/wire/frame-kind.ts";

export type HandshakeFailure =
  | { readonly kind: "refused"; readonly by: "us" | "them"; readonly refusal: Refusal }
  | { readonly kind: "ended"; readonly reason: string };

export interface Greeter {
  /** What we say of ourselves, as of now. */
  greeting(): Greeting;
  /** What we have against them beyond what `checkGreeting` finds; called at most once. */
  judge(theirs: Greeting): Refusal | undefined;
  /** They are good. Gives the frame socket its next handler, and its limit. */
  onGreeted(frames: FrameSocket, theirs: Greeting): void;
  onFailed(frames: FrameSocket, failure: HandshakeFailure): void;
}

export class Handshake implements FrameHandler {
  readonly #greeter: Greeter;
  readonly #frames: FrameSocket;
  readonly #timer: NodeJS.Timeout;
  #isOver = false;

  /**
   * Takes over the frame socket and greets. The time counts from here, so for a dial it includes
   * the connecting.
   */
  constructor(frames: FrameSocket, greeter: Greeter, timeoutMs: number) {
    this.#greeter = greeter;
    this.#frames = frames;
    this.#timer = setTimeout(() => frames.destroy(`no greeting within ${timeoutMs} ms`), timeoutMs);
    frames.handler = this;
    encodeGreeting(frames.writer, greeter.greeting());
  }

  onFrame(kind: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#isOver) return false;
    if (kind === FRAME_KIND.greeting) return this.#onGreeting(decodeGreeting(bytes, start, end));
    if (kind === FRAME_KIND.refusal) {
      const refusal = decodeRefusal(bytes, start, end);
      if (refusal !== undefined) return this.#onRefused(refusal);
    }
    this.#frames.destroy(`a first frame of kind ${kind} that is no greeting`);
    return false;
  }

  onWritten(): void {}

  onClose(reason: string): void {
    this.#finish();
    this.#greeter.onFailed(this.#frames, { kind: "ended", reason });
  }

  #onGreeting(theirs: Greeting | undefined): boolean {
    if (theirs === undefined) {
      this.#frames.destroy("a malformed greeting");
      return false;
    }
    const refusal = checkGreeting(this.#greeter.greeting(), theirs) ?? this.#greeter.judge(theirs);
    if (refusal !== undefined) {
      encodeRefusal(this.#frames.writer, refusal);
      this.#fail({ kind: "refused", by: "us", refusal });
      return false;
    }
    this.#finish();
    this.#greeter.onGreeted(this.#frames, theirs);
    return true;
  }

  #onRefused(refusal: Refusal): boolean {
    this.#fail({ kind: "refused", by: "them", refusal });
    return false;
  }

  #fail(failure: HandshakeFailure): void {
    this.#finish();
    this.#frames.handler = DONE;
    this.#frames.end("refused");
    this.#greeter.onFailed(this.#frames, failure);
  }

  #finish(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }
}

/** Of a connection that nobody is interested in any more. */
export const DONE: FrameHandler = {
  onFrame: () => false,
  onWritten: () => {},
  onClose: () => {},
};
