/**
 * Another node, as this one sees it: an address to dial, a connection while there is one, and what
 * was dropped.
 *
 *     down ──dial──▶ dialling ──both greeted──▶ linked ──closed──▶ down ──backoff──▶ dialling …
 *       └───────────── the peer dialled us ───────▲
 *
 * Of two nodes the one with the smaller id dials, so that there is one connection between them and
 * no race for it. A new connection replaces the old one: its dialler would not have made it if it
 * believed in the old. The node hears `hello` when the link is made and `goodbye` when it is gone,
 * never two of a kind in a row.
 */
import { createConnection, type LookupFunction } from "node:net";
import type { ByteWriter } from "../core/base/bytes.ts";
import { ask, GOODBYE, hello, LAYOUT_ASK, type Message } from "../core/messages.ts";
import type { FrameHandler, Plant } from "../socket/frame-socket.ts";
import type { Greeter, HandshakeFailure } from "../socket/handshake.ts";
import type { Greeting } from "../core/wire/greeting.ts";
import type { HostFact } from "./host-fact.ts";
import type { HostLimits } from "./host-limits.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { Refusal } from "../core/wire/refusal.ts";
import { decodeMessage, encodeMessage } from "../core/wire/message-codec.ts";
import { DONE, Handshake } from "../socket/handshake.ts";
import { Backoff } from "../socket/backoff.ts";
import { decodeRefusal, OLDER_BOOT } from "../core/wire/refusal.ts";
import { FRAME_KIND } from "../core/wire/frame-kind.ts";
import { FrameSocket } from "../socket/frame-socket.ts";
import { expiryOf, laneOf, type LaneName, OutboundLanes } from "./outbound-lanes.ts";
import { parseAddress } from "../socket/address.ts";
import { withEnvelope } from "../core/requests.ts";

/** What a peer needs of the node it is connected to. */
export interface PeerOwner {
  readonly id: NodeId;
  readonly limits: HostLimits;
  readonly plant: Plant;
  /** Of a name, all the addresses it has now. */
  readonly lookup: LookupFunction;
  greeting(): Greeting;
  /** It said in its greeting where it can be reached. */
  located(theirs: Greeting): void;
  receive(from: NodeId, message: Message): void;
  note(fact: HostFact): void;
}

export type PeerState = "down" | "dialling" | "linked";

export class Peer implements FrameHandler, Greeter {
  readonly id: NodeId;
  /** Empty while nobody has told it. */
  address = "";
  /** Messages that found no connection or no room. */
  droppedCount = 0;
  readonly #owner: PeerOwner;
  readonly #backoff: Backoff;
  readonly #lanes: OutboundLanes;
  #state: PeerState = "down";
  #problem = "";
  #link: FrameSocket | undefined = undefined;
  #dial: FrameSocket | undefined = undefined;
  #redial: NodeJS.Timeout | undefined = undefined;
  #isMember = false;
  #isDropping = false;
  /** The youngest boot of this node that we met. */
  #generation = 0;
  #linkedAt = 0;
  #heardBytes = 0;
  #heardAt = 0;
  #hasSpoken = false;

  constructor(id: NodeId, owner: PeerOwner) {
    this.id = id;
    this.#owner = owner;
    const { redialMsMin, redialMsMax, outboundBytesMax } = owner.limits;
    this.#lanes = new OutboundLanes(owner.plant.pool, outboundBytesMax);
    this.#backoff = new Backoff({ msMin: redialMsMin, msMax: redialMsMax }, Math.random);
  }

  get state(): PeerState {
    return this.#state;
  }

  /** Why there is no link, as far as is known; empty when there is one. */
  get problem(): string {
    if (this.#state === "linked") return "";
    if (this.#problem !== "") return this.#problem;
    if (this.address === "") return "no address is known yet";
    return this.#owner.id < this.id ? "not dialled yet" : "it is the one to dial, and has not yet";
  }

  get isMember(): boolean {
    return this.#isMember;
  }

  get generation(): number {
    return this.#generation;
  }

  get outboundBytes(): number {
    return this.#link === undefined ? 0 : this.#link.outboundBytes + this.#lanes.bytes;
  }

  /** Of those, what waits for its turn. */
  get waiting(): Readonly<Partial<Record<LaneName, number>>> {
    return this.#lanes.waiting();
  }

  /** Requests that were not sent, since their time passed while they waited. */
  get expiredCount(): number {
    return this.#lanes.expiredCount;
  }

  /** The layout names this node: keep a connection with it. */
  follow(address: string): void {
    if (this.address === "") this.address = address;
    this.#isMember = true;
    if (this.#state === "down" && this.#redial === undefined) this.#connect();
  }

  /** It is said to be there now: whoever looks for it elsewhere looks there at once. */
  locate(address: string): void {
    if (this.address === address) return;
    this.address = address;
    this.#problem = "";
    if (!this.#isMember || this.#state === "linked") return;
    clearTimeout(this.#redial);
    this.#redial = undefined;
    this.#backoff.reset();
    const dial = this.#dial;
    this.#dial = undefined;
    this.#state = "down";
    if (dial !== undefined) {
      dial.handler = DONE;
      dial.destroy("it has moved");
    }
    this.#connect();
  }

  /** Somebody else's dial of it, in our name, came to nothing. */
  onUnreached(problem: string): void {
    if (this.#state !== "linked") this.#problem = problem;
  }

  /** The layout does not name it, or we are closing. Its dial of us may still be answered. */
  forget(reason: string): void {
    this.#isMember = false;
    clearTimeout(this.#redial);
    this.#redial = undefined;
    this.#dial?.destroy(reason);
    const link = this.#link;
    if (link?.isOpen === true) this.#lanes.moveAllWanted(performance.now(), link.writer);
    link?.end(reason);
  }

  abort(reason: string): void {
    this.forget(reason);
    this.#link?.destroy(reason);
  }

  /** `isPatient`: no client waits for this write. */
  send(message: Message, isPatient = false): void {
    const link = this.#link;
    if (link === undefined || !link.isOpen) {
      this.droppedCount++;
      return;
    }
    // While the connection takes what it is given, and this turn has not said much, nothing waits.
    const isFree = !link.isWriting && link.fillingBytes < this.#lanes.writeBytes;
    if (isFree) this.#encode(link.writer, message);
    else this.#sendLater(link, message, isPatient);
  }

  #sendLater(link: FrameSocket, message: Message, isPatient: boolean): void {
    const lanes = this.#lanes;
    const { outboundBytes } = link;
    const lane = lanes.laneFor(laneOf(message, isPatient), outboundBytes, (frames) => {
      this.droppedCount += frames;
    });
    if (lane === undefined) return this.#drop(this.outboundBytes);
    if (!this.#encode(lane.writer, message)) return;
    lane.push(expiryOf(message, performance.now()));
  }

  /** Answers whether it was a frame that the other side takes. */
  #encode(writer: ByteWriter, message: Message): boolean {
    const start = writer.length;
    encodeMessage(writer, message);
    this.#hasSpoken = true;
    if (writer.length - start <= this.#owner.limits.frameBytesMax) return true;
    // The other side would close the connection over it: it is this one message that cannot travel.
    writer.length = start;
    this.#drop(this.outboundBytes);
    return false;
  }

  /**
   * Looks whether the other side is still there. TCP alone takes a quarter of an hour to notice
   * that a machine is gone while bytes for it wait. `isStalled`: we were asleep ourselves, so that
   * its silence proves nothing.
   */
  checkSilence(now: number, isStalled: boolean): void {
    const link = this.#link;
    if (link === undefined) return;
    const heardBytes = link.receivedBytes;
    if (isStalled || !this.#hasSpoken || heardBytes !== this.#heardBytes) {
      this.#heardBytes = heardBytes;
      this.#heardAt = now;
      this.#hasSpoken = false;
      return;
    }
    const silentMs = now - this.#heardAt;
    const { peerSilenceMs } = this.#owner.limits;
    if (silentMs >= 2 * peerSilenceMs) link.destroy(`silent for ${Math.round(silentMs)} ms`);
    // Not all that we say is owed an answer; this is.
    else if (silentMs >= peerSilenceMs) this.send(LAYOUT_ASK);
  }

  // The handshake

  greeting(): Greeting {
    return this.#owner.greeting();
  }

  /**
   * Whoever dialled and whoever was dialled asks the same: is this the node, in its youngest boot?
   */
  judge(theirs: Greeting): Refusal | undefined {
    if (theirs.nodeId !== this.id) {
      const found = theirs.nodeId === "" ? "a client" : theirs.nodeId;
      return {
        code: "WRONG_NODE",
        message: `expected ${this.id} at ${this.address}, found ${found}`,
      };
    }
    if (theirs.generation < this.#generation) {
      const boots = `generation ${theirs.generation}, but ${this.#generation} is known`;
      const message = `an older boot of ${this.id}: ${boots}`;
      return { code: OLDER_BOOT, message, known: this.#generation };
    }
    return undefined;
  }

  onGreeted(frames: FrameSocket, theirs: Greeting): void {
    if (this.#dial === frames) this.#dial = undefined;
    if (this.#link !== undefined) {
      const old = this.#link;
      this.#unlink("replaced by a newer connection");
      old.handler = DONE;
      old.destroy("replaced by a newer connection");
    }
    this.#link = frames;
    this.#state = "linked";
    this.#problem = "";
    this.#generation = theirs.generation;
    this.#linkedAt = performance.now();
    this.#heardAt = this.#linkedAt;
    this.#heardBytes = frames.receivedBytes;
    this.#hasSpoken = false;
    this.#isDropping = false;
    frames.handler = this;
    frames.reader.limit = this.#owner.limits.frameBytesMax;
    this.#owner.located(theirs);
    this.#owner.receive(this.id, hello(theirs.generation, theirs.layoutEpoch, theirs.era));
  }

  onFailed(frames: FrameSocket, failure: HandshakeFailure): void {
    if (this.#dial === frames) this.#dial = undefined;
    if (this.#state === "dialling") this.#state = "down";
    this.#problem = problemOf(failure);
    noteFailure(this.#owner, `${this.id} at ${this.address}`, failure);
    this.#redialLater();
  }

  // The link

  onFrame(kind: number, bytes: Uint8Array, start: number, end: number): boolean {
    const message = decodeMessage(kind, bytes, start, end);
    if (message === undefined) return this.#onStrangeFrame(kind, bytes, start, end);
    if (message.kind === "ask") {
      const { request } = message;
      const { id, timeoutMs, forwarded } = request;
      const envelope = { id, timeoutMs, wallMs: Date.now(), forwarded };
      this.#owner.receive(this.id, ask(withEnvelope(request, envelope)));
    } else {
      this.#owner.receive(this.id, message);
    }
    return true;
  }

  onWritten(): void {
    const link = this.#link;
    const lanes = this.#lanes;
    if (link?.isOpen === true && lanes.frames > 0) lanes.moveInto(performance.now(), link.writer);
    if (this.outboundBytes === 0) this.#isDropping = false;
  }

  onClose(reason: string): void {
    // A link that ends as soon as it was made is no success: the other side has refused us in its
    // second word.
    const { redialMsMax } = this.#owner.limits;
    if (performance.now() - this.#linkedAt >= redialMsMax) this.#backoff.reset();
    this.#unlink(reason);
    this.#redialLater();
  }

  #onStrangeFrame(kind: number, bytes: Uint8Array, start: number, end: number): boolean {
    const refusal = kind === FRAME_KIND.refusal ? decodeRefusal(bytes, start, end) : undefined;
    if (refusal === undefined) {
      this.#link?.destroy(`a malformed frame of kind ${kind}`);
    } else {
      noteFailure(this.#owner, this.id, { kind: "refused", by: "them", refusal });
      this.#link?.end(`refused: ${refusal.code}`);
    }
    return false;
  }

  #unlink(reason: string): void {
    this.#link = undefined;
    this.#state = "down";
    this.#problem = `lost: ${reason}`;
    this.droppedCount += this.#lanes.clear();
    this.#owner.note({ kind: "link-closed", peer: this.id, reason });
    this.#owner.receive(this.id, GOODBYE);
  }

  #drop(outboundBytes: number): void {
    this.droppedCount++;
    if (this.#isDropping) return;
    this.#isDropping = true;
    this.#owner.note({ kind: "sends-dropped", peer: this.id, outboundBytes });
  }

  #connect(): void {
    // Whoever is told the address later connects then.
    if (!(this.#owner.id < this.id) || this.address === "") return;
    const address = parseAddress(this.address);
    if ("problem" in address) {
      // Of a layout that was made elsewhere: what cannot be dialled is only said.
      this.#problem = address.problem;
      return noteFailure(this.#owner, this.id, { kind: "ended", reason: address.problem });
    }
    this.#state = "dialling";
    const { lookup } = this.#owner;
    const socket = createConnection({ host: address.host, port: address.port, lookup });
    this.#dial = new FrameSocket(socket, DONE, this.#owner.plant);
    new Handshake(this.#dial, this, this.#owner.limits.greetingTimeoutMs);
  }

  #redialLater(): void {
    if (!this.#isMember || this.#redial !== undefined || this.#state !== "down") return;
    this.#redial = setTimeout(() => {
      this.#redial = undefined;
      if (this.#state === "down" && this.#isMember) this.#connect();
    }, this.#backoff.next());
  }
}

/** For a person who wonders why there is no connection. */
export function problemOf(failure: HandshakeFailure): string {
  if (failure.kind === "ended") return failure.reason;
  const { code, message } = failure.refusal;
  return `refused by ${failure.by === "us" ? "this node" : "it"}: ${code}: ${message}`;
}

/** A handshake that came to nothing, as a fact. */
export function noteFailure(
  owner: { note(fact: HostFact): void },
  remote: string,
  failure: HandshakeFailure,
): void {
  if (failure.kind === "ended") {
    owner.note({ kind: "greeting-failed", remote, reason: failure.reason });
  } else {
    const { by, refusal } = failure;
    if (refusal.code === "SELF") return;
    owner.note({ kind: "connection-refused", by, remote, ...refusal });
  }
}
