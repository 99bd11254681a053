/**
 * One look at who is at an address: a connection on which both sides greet, and that is all.
 *
 *     we ── greeting (scout) ──▶ they
 *        ◀─────────── greeting ──
 *
 * Afterwards both know the other's id and where it wants to be dialled, and the one with the
 * smaller id dials the other, as always. So there is no second way to a connection between nodes,
 * and no race of two. Whoever must not meet is refused by name, like anybody.
 */
import { createConnection } from "node:net";
import type { Greeting } from "../core/wire/greeting.ts";
import type { Refusal } from "../core/wire/refusal.ts";
import type { Address } from "../socket/address.ts";
import { formatAddress } from "../socket/address.ts";
import { FrameSocket, type Plant } from "../socket/frame-socket.ts";
import { DONE, type Greeter, Handshake, type HandshakeFailure } from "../socket/handshake.ts";

/** What a scout needs of the node that sends it. */
export interface ScoutOwner {
  readonly plant: Plant;
  readonly limits: { readonly greetingTimeoutMs: number };
  greeting(): Greeting;
  /** What speaks against this node, beyond what every greeting is checked for. */
  judge(theirs: Greeting): Refusal | undefined;
}

export class Scout implements Greeter {
  /** Who is there, or why nobody is known to be. */
  readonly report: Promise<Greeting | HandshakeFailure>;
  readonly #owner: ScoutOwner;
  readonly #endpoint: Address;
  readonly #frames: FrameSocket;
  #onReport: (report: Greeting | HandshakeFailure) => void = () => {};

  constructor(endpoint: Address, owner: ScoutOwner) {
    this.#owner = owner;
    this.#endpoint = endpoint;
    this.report = new Promise((resolve) => {
      this.#onReport = resolve;
    });
    const { host, port } = endpoint;
    this.#frames = new FrameSocket(createConnection({ host, port }), DONE, owner.plant);
    new Handshake(this.#frames, this, owner.limits.greetingTimeoutMs);
  }

  /** The report then says so. */
  recall(reason: string): void {
    this.#frames.destroy(reason);
  }

  greeting(): Greeting {
    return { ...this.#owner.greeting(), role: "scout" };
  }

  judge(theirs: Greeting): Refusal | undefined {
    if (theirs.role === "node") return this.#owner.judge(theirs);
    const message = `expected a node at ${formatAddress(this.#endpoint)}, found a ${theirs.role}`;
    return { code: "WRONG_NODE", message };
  }

  onGreeted(frames: FrameSocket, theirs: Greeting): void {
    frames.handler = DONE;
    frames.end("met");
    this.#onReport(theirs);
  }

  onFailed(_frames: FrameSocket, failure: HandshakeFailure): void {
    this.#onReport(failure);
  }
}
