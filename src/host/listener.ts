/**
 * The door for connections from outside: nodes and clients come in by the same port and say in
 * their greeting which they are.
 *
 * Strangers knock here, so every number is bounded: connections that have not greeted, the time
 * they have for it, what they may send until then, and the clients that are in.
 */
import { createServer, type Server, type Socket } from "node:net";
import type { FrameSocket, Plant } from "../socket/frame-socket.ts";
import type { Greeter, HandshakeFailure } from "../socket/handshake.ts";
import type { Address } from "../socket/address.ts";
import type { Greeting } from "../core/wire/greeting.ts";
import type { HostFact } from "./host-fact.ts";
import type { Refusal } from "../core/wire/refusal.ts";
import { DONE, Handshake } from "../socket/handshake.ts";
import { FrameSocket as Frames } from "../socket/frame-socket.ts";
import { assert } from "../core/base/assert.ts";
import { noteFailure } from "./peer.ts";

/**
 * Connections in their first seconds. A cluster that restarts has one for each node and client at a
 * time.
 */
const GREETING_COUNT_MAX = 1_024;
const BACKLOG = 1_024;

export interface ListenerOwner {
  greeting(): Greeting;
  /** What speaks against this node or client, beyond what every greeting is checked for. */
  judge(theirs: Greeting): Refusal | undefined;
  onNode(frames: FrameSocket, theirs: Greeting): void;
  /** It knows now who is here, and says where it is itself. */
  onScout(frames: FrameSocket, theirs: Greeting): void;
  onClient(frames: FrameSocket): void;
  note(fact: HostFact): void;
}

export class Listener implements Greeter {
  readonly #plant: Plant;
  readonly #greetingTimeoutMs: number;
  readonly #server: Server;
  readonly #greetingNow: Set<FrameSocket> = new Set();
  #owner: ListenerOwner | undefined = undefined;

  constructor(plant: Plant, greetingTimeoutMs: number) {
    this.#plant = plant;
    this.#greetingTimeoutMs = greetingTimeoutMs;
    this.#server = createServer((socket) => this.#onConnection(socket));
  }

  /** From here on connections are answered; those before are turned away. */
  serve(owner: ListenerOwner): void {
    this.#owner = owner;
  }

  /** Resolves to the address with its true port, or rejects with the system's error. */
  listen(address: Address): Promise<Address> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host: address.host, port: address.port, backlog: BACKLOG }, () => {
        this.#server.off("error", reject);
        // Running out of file descriptors is reported here; the next connection may find one again.
        this.#server.on("error", (error) => this.#onServerError(error));
        const bound = this.#server.address();
        const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
        resolve({ host: address.host, port });
      });
    });
  }

  /** Takes no further connection. Resolves when those that are there have ended. */
  stop(): Promise<void> {
    for (const frames of this.#greetingNow) frames.destroy("the node is being closed");
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  greeting(): Greeting {
    return this.#served.greeting();
  }

  judge(theirs: Greeting): Refusal | undefined {
    return this.#served.judge(theirs);
  }

  onGreeted(frames: FrameSocket, theirs: Greeting): void {
    this.#greetingNow.delete(frames);
    if (theirs.role === "node") this.#served.onNode(frames, theirs);
    else if (theirs.role === "scout") this.#served.onScout(frames, theirs);
    else this.#served.onClient(frames);
  }

  onFailed(frames: FrameSocket, failure: HandshakeFailure): void {
    this.#greetingNow.delete(frames);
    noteFailure(this.#served, frames.remote, failure);
  }

  #onConnection(socket: Socket): void {
    if (this.#owner === undefined) {
      socket.destroy();
      return;
    }
    if (this.#greetingNow.size >= GREETING_COUNT_MAX) this.#dropOldest();
    const frames = new Frames(socket, DONE, this.#plant);
    this.#greetingNow.add(frames);
    new Handshake(frames, this, this.#greetingTimeoutMs);
  }

  /** A flood of connections that say nothing must not keep out one that does. */
  #dropOldest(): void {
    for (const frames of this.#greetingNow) {
      this.#greetingNow.delete(frames);
      return frames.destroy("silent, and others are waiting");
    }
  }

  #onServerError(error: Error): void {
    this.#owner?.note({ kind: "greeting-failed", remote: "listener", reason: error.message });
  }

  get #served(): ListenerOwner {
    assert(this.#owner !== undefined, "a handshake before serve");
    return this.#owner;
  }
}
