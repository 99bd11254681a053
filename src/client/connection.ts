/**
 * A client's connection to one address: dialled when somebody wants it, dialled again when somebody
 * wants it later.
 *
 *     idle ──connect──▶ dialling ──greeted──▶ ready ──closed──▶ idle, until retryAt at least
 *
 * It keeps no requests and no timers of its own. Whoever sends decides what a loss means for what
 * was sent, and asks `connect` again when it would like to use it; between two failures that is
 * answered with patience (backoff).
 */
import { createConnection } from "node:net";
import type { Layout } from "../core/ring/layout.ts";
import type { Message } from "../core/messages.ts";
import { LAYOUT_ASK } from "../core/messages.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { Outcome } from "../core/outcomes.ts";
import { decodeStatusTold, encodeStatusAsk } from "../core/wire/admin.ts";
import { FRAME_KIND } from "../core/wire/frame-kind.ts";
import type { Greeting } from "../core/wire/greeting.ts";
import { decodeMessage, encodeMessage } from "../core/wire/message-codec.ts";
import type { Refusal } from "../core/wire/refusal.ts";
import { decodeRefusal } from "../core/wire/refusal.ts";
import { utf8Decode } from "../core/base/utf8.ts";
import type { Address } from "../socket/address.ts";
import { formatAddress } from "../socket/address.ts";
import { Backoff } from "../socket/backoff.ts";
import type { FrameHandler, Plant } from "../socket/frame-socket.ts";
import { FrameSocket } from "../socket/frame-socket.ts";
import type { Greeter, HandshakeFailure } from "../socket/handshake.ts";
import { DONE, Handshake } from "../socket/handshake.ts";
import type { HintOrder } from "../core/hint-orders.ts";
import type { HintsTold } from "../core/wire/admin-hints.ts";
import type { CopyAnswer } from "../core/wire/copy-codec.ts";
import type { RepairOrder } from "../core/repair-orders.ts";
import type { RepairTold } from "../core/wire/admin-repair.ts";
import { COPY_CODEC, type CopyQuestion, HINTS_CODEC, REPAIR_CODEC } from "./copy-calls.ts";
import { NumberedCalls } from "./numbered-calls.ts";
import { Promptness } from "./promptness.ts";

export interface ConnectionLimits {
  readonly greetingTimeoutMs: number;
  readonly redialMsMin: number;
  readonly redialMsMax: number;
  readonly frameBytesMax: number;
}

export interface ConnectionOwner {
  readonly plant: Plant;
  readonly limits: ConnectionLimits;
  greeting(): Greeting;
  onReady(connection: Connection, theirs: Greeting): void;
  onAnswer(connection: Connection, id: number, outcome: Outcome): void;
  onLayout(layout: Layout): void;
  /** Once for each end of a dial or of a connection that was ready. */
  onLost(connection: Connection, reason: string): void;
}

/** Bytes that wait so long without any coming back wait for nobody. */
const STUCK_MS = 10_000;

/** A node without its peers is left alone for so long, then tried again, and longer each time. */
const LONELY_MS_MIN = 500;
const LONELY_MS_MAX = 8_000;

export class Connection implements FrameHandler, Greeter {
  readonly address: Address;
  /** Who answered there last. */
  node: NodeId | undefined = undefined;
  /** Why it ended last. */
  lossReason = "not tried yet";
  /** The name of the refusal, if the last end was one. */
  refusalCode: string | undefined = undefined;
  readonly promptness: Promptness = new Promptness();
  readonly #owner: ConnectionOwner;
  readonly #backoff: Backoff;
  readonly #statusWaiters: ((json: string | undefined) => void)[] = [];
  readonly #copies: NumberedCalls<CopyQuestion, CopyAnswer> = new NumberedCalls(COPY_CODEC);
  readonly #hints: NumberedCalls<HintOrder, HintsTold> = new NumberedCalls(HINTS_CODEC);
  readonly #repairs: NumberedCalls<RepairOrder, RepairTold> = new NumberedCalls(REPAIR_CODEC);
  #frames: FrameSocket | undefined = undefined;
  #isReady = false;
  #isAskingLayout = false;
  #retryAt = 0;
  #lonelyUntil = 0;
  #lonelyMs = LONELY_MS_MIN;
  #suspectBytes = -1;
  #suspectAt = 0;
  #fellSilent = false;

  constructor(address: Address, owner: ConnectionOwner) {
    this.address = address;
    this.#owner = owner;
    const { redialMsMin, redialMsMax } = owner.limits;
    this.#backoff = new Backoff({ msMin: redialMsMin, msMax: redialMsMax }, Math.random);
  }

  /** It was given up by this side: its node may be there, and have too much to do. */
  get fellSilent(): boolean {
    return this.#fellSilent;
  }

  /** Its node could not reach enough others lately: another owner may. */
  get isLonely(): boolean {
    return performance.now() < this.#lonelyUntil;
  }

  /** A request was answered: did its node reach enough others? */
  onReach(isEnough: boolean): void {
    if (isEnough) {
      this.#lonelyMs = LONELY_MS_MIN;
      this.#lonelyUntil = 0;
    } else if (!this.isLonely) {
      this.#lonelyUntil = performance.now() + this.#lonelyMs;
      this.#lonelyMs = Math.min(this.#lonelyMs * 2, LONELY_MS_MAX);
    }
  }

  get isReady(): boolean {
    return this.#isReady && this.#frames!.isOpen;
  }

  /**
   * When a `connect` would dial: at once, at some instant, or (undefined) not before this dial has
   * ended.
   */
  get retryAt(): number | undefined {
    return this.#frames === undefined ? this.#retryAt : undefined;
  }

  get outboundBytes(): number {
    return this.#frames?.outboundBytes ?? 0;
  }

  get receivedBytes(): number {
    return this.#frames?.receivedBytes ?? 0;
  }

  /** Dials, unless it is there, under way, or failed a moment ago. */
  connect(): void {
    if (this.#frames !== undefined || performance.now() < this.#retryAt) return;
    const { host, port } = this.address;
    this.#frames = new FrameSocket(createConnection({ host, port }), DONE, this.#owner.plant);
    new Handshake(this.#frames, this, this.#owner.limits.greetingTimeoutMs);
  }

  /** Only when ready. What cannot be encoded throws, and leaves no trace in the buffer. */
  send(message: Message): void {
    const writer = this.#frames!.writer;
    const start = writer.length;
    try {
      encodeMessage(writer, message);
    } catch (error) {
      writer.length = start;
      throw error;
    }
  }

  askLayout(): void {
    if (this.#isAskingLayout || !this.isReady) return;
    this.#isAskingLayout = true;
    this.send(LAYOUT_ASK);
  }

  /**
   * Connects if need be. Hands over the node's status, or undefined when the connection fails or
   * ends first.
   */
  askStatus(waiter: (json: string | undefined) => void): void {
    this.connect();
    if (this.#frames === undefined) return waiter(undefined);
    this.#statusWaiters.push(waiter);
    if (this.isReady) encodeStatusAsk(this.#frames.writer);
  }

  /**
   * Connects if need be. Answers how to give the question up; the connection may have ended before
   * it was asked.
   */
  askCopy(question: CopyQuestion, onAnswer: (answer: CopyAnswer | undefined) => void): () => void {
    return this.#call(this.#copies, question, onAnswer);
  }

  /** As `askCopy`. */
  askHints(order: HintOrder, onAnswer: (answer: HintsTold | undefined) => void): () => void {
    return this.#call(this.#hints, order, onAnswer);
  }

  /** As `askCopy`. */
  askRepair(order: RepairOrder, onAnswer: (answer: RepairTold | undefined) => void): () => void {
    return this.#call(this.#repairs, order, onAnswer);
  }

  /**
   * A deadline has passed since so many bytes were received. If nothing came after it, the other
   * side is gone, whatever TCP believes; but while our own bytes still wait to leave, the way may
   * just be narrow, and it gets more time.
   */
  suspect(receivedBytesBefore: number): void {
    const { receivedBytes } = this;
    if (receivedBytes !== receivedBytesBefore) return;
    const now = performance.now();
    if (this.outboundBytes > 0 && this.#suspectBytes !== receivedBytes) {
      this.#suspectBytes = receivedBytes;
      this.#suspectAt = now;
    }
    if (this.outboundBytes > 0 && now - this.#suspectAt < STUCK_MS) return;
    this.#fellSilent = true;
    this.destroy("it fell silent");
  }

  /** A dial that is still under way has nothing to say, and is not waited for. */
  end(reason: string): void {
    if (this.#isReady) this.#frames?.end(reason);
    else this.#frames?.destroy(reason);
  }

  destroy(reason: string): void {
    this.#frames?.destroy(reason);
  }

  // The handshake

  greeting(): Greeting {
    return this.#owner.greeting();
  }

  judge(theirs: Greeting): Refusal | undefined {
    if (theirs.role === "node") return undefined;
    return { code: "WRONG_NODE", message: `${formatAddress(this.address)} is no node` };
  }

  onGreeted(frames: FrameSocket, theirs: Greeting): void {
    frames.handler = this;
    frames.reader.limit = this.#owner.limits.frameBytesMax;
    this.#isReady = true;
    this.#isAskingLayout = false;
    this.#suspectBytes = -1;
    this.#fellSilent = false;
    this.#backoff.reset();
    this.refusalCode = undefined;
    this.node = theirs.nodeId as NodeId;
    if (this.#statusWaiters.length > 0) encodeStatusAsk(frames.writer);
    this.#copies.sendAll(frames.writer);
    this.#hints.sendAll(frames.writer);
    this.#repairs.sendAll(frames.writer);
    this.#owner.onReady(this, theirs);
  }

  onFailed(_frames: FrameSocket, failure: HandshakeFailure): void {
    if (failure.kind === "ended") return this.#onLost(failure.reason);
    this.refusalCode = failure.refusal.code;
    this.#onLost(reasonOf(failure.refusal));
  }

  // The connection

  onFrame(kind: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (kind === FRAME_KIND.statusTold) return this.#onStatus(bytes, start, end);
    const message = decodeMessage(kind, bytes, start, end);
    if (message?.kind === "answer") {
      this.#owner.onAnswer(this, message.id, message.outcome);
    } else if (message?.kind === "layout-told") {
      this.#isAskingLayout = false;
      this.#owner.onLayout(message.layout);
    } else if (!this.#isCallAnswer(kind, bytes, start, end)) {
      const refusal = kind === FRAME_KIND.refusal ? decodeRefusal(bytes, start, end) : undefined;
      this.destroy(refusal === undefined ? `a strange frame of kind ${kind}` : reasonOf(refusal));
      return false;
    }
    return true;
  }

  onWritten(): void {}

  onClose(reason: string): void {
    this.#onLost(reason);
  }

  #isCallAnswer(kind: number, bytes: Uint8Array, start: number, end: number): boolean {
    return (
      this.#copies.onFrame(kind, bytes, start, end) ||
      this.#hints.onFrame(kind, bytes, start, end) ||
      this.#repairs.onFrame(kind, bytes, start, end)
    );
  }

  #call<Question, Answer extends { readonly id: number }>(
    calls: NumberedCalls<Question, Answer>,
    question: Question,
    onAnswer: (answer: Answer | undefined) => void,
  ): () => void {
    this.connect();
    if (this.#frames === undefined) {
      onAnswer(undefined);
      return () => {};
    }
    const id = calls.ask(question, this.isReady ? this.#frames.writer : undefined, onAnswer);
    return () => calls.giveUp(id);
  }

  #onStatus(bytes: Uint8Array, start: number, end: number): boolean {
    const document = decodeStatusTold(bytes, start, end);
    const json = document === undefined ? undefined : utf8Decode(document, 0, document.length);
    // One answer tells all who asked before it.
    for (const waiter of this.#statusWaiters.splice(0)) waiter(json);
    return true;
  }

  #onLost(reason: string): void {
    this.#frames = undefined;
    this.#isReady = false;
    this.promptness.onLost();
    this.lossReason = reason;
    this.#retryAt = performance.now() + this.#backoff.next();
    for (const waiter of this.#statusWaiters.splice(0)) waiter(undefined);
    this.#copies.onLost();
    this.#hints.onLost();
    this.#repairs.onLost();
    this.#owner.onLost(this, reason);
  }
}

function reasonOf({ code, message }: Refusal): string {
  return `${code}: ${message}`;
}
